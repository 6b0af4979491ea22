"""What must hold whatever happened, asked from outside in one snapshot. Every row that a question gives is a breach.

The numbers are those of the invariants: I1 nothing acknowledged is lost, I2 one effect a message, key and reference,
I3 judged once, I4 the ledger, I5 states, I6 the audit log, I7 events, I8 a batch is its items.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults.claims import Claim
from faults.operations import LATER, World
from tidewaiter.revenue.posting import POSTED
from tidewaiter.services import audit
from tidewaiter.services.lodgement_receipts import receipts_of, verify
from tidewaiter.services.signing import Unverified

_TOLD = "audit_leaves l cross join lateral (select convert_from(l.entry, 'UTF8')::json as told) t"
_POSTED = ", ".join(f"'{state}'" for state in POSTED)

BREACHES = {
    "I2 the same bytes of a filer are one message": (
        "select min(m.id) from messages m left join sheet_columns s on s.filer = m.filer where s.filer is null"
        " group by m.filer, m.raw having count(*) > 1"
    ),
    "I2 a key has one message": "select min(message_id) from idempotency group by filer, key having count(*) > 1",
    "I2 a reference is declared once": (
        "select min(id) from consignments where control <> 'not_accepted' and (function = 'original' or version is not"
        " null) group by filer, reference, function, coalesce(version, 0) having count(*) > 1"
    ),
    "I3 a consignment is judged by the corridor once, first, and once more as its goods are presented": (
        "select c.id from consignments c where (select count(*) from decisions d where d.consignment_id = c.id and"
        " d.decided_by = 'corridor') <> 1 + (select count(*) from presentations p where p.consignment_id = c.id)"
        " or (select d.decided_by from decisions d where d.consignment_id = c.id"
        " order by d.id limit 1) is distinct from 'corridor'"
    ),
    "I3 a consignment has its assessment, its answers and its vault": (
        "select c.id from consignments c left join results r on r.consignment_id = c.id left join vault v on"
        " v.consignment_id = c.id where v.consignment_id is null or r.answers is null"
        " or json_array_length(r.answers) = 0"
    ),
    "I4 the legs of a consignment balance in each currency": (
        "select consignment_id from postings group by consignment_id, currency"
        " having sum(debit_micro) <> sum(credit_micro)"
    ),
    "I4 what was assessed is posted once": (
        "with due as (select c.id, h ->> 'type' || ':' || (h ->> 'code') as charge,"
        " sum((h ->> 'amount')::numeric * 1000000) as micro from consignments c"
        " join decisions d on d.consignment_id = c.id and d.decided_by = 'corridor'"
        f" and d.control in ({_POSTED}) join results r on r.consignment_id = c.id"
        " left join presentations p on p.consignment_id = c.id"
        " cross join lateral json_array_elements(coalesce(p.charges, r.charges)) h"
        " where (h ->> 'amount')::numeric > 0 group by 1, 2),"
        " posted as (select consignment_id as id, charge, sum(credit_micro) as micro from postings"
        " where account like 'revenue:%' group by 1, 2 having sum(credit_micro) > 0)"
        " select coalesce(due.id, posted.id) from due full join posted using (id, charge)"
        " where due.micro is distinct from posted.micro"
    ),
    "I4 what was given back is what was decided": (
        "with acted as (select a.consignment_id as id, e.key as charge, sum(e.value::bigint) as micro from acts a"
        " cross join lateral jsonb_each_text(a.detail) e where a.kind = 'refund' group by 1, 2),"
        " posted as (select consignment_id as id, charge, sum(debit_micro) as micro from postings"
        " where account like 'revenue:%' group by 1, 2 having sum(debit_micro) > 0)"
        " select coalesce(acted.id, posted.id) from acted full join posted using (id, charge)"
        " where acted.micro is distinct from posted.micro"
    ),
    "I5 the state is that of the last decision": (
        "select c.id from consignments c where (c.security, c.control) is distinct from (select (d.security, d.control)"
        " from decisions d where d.consignment_id = c.id order by d.id desc limit 1)"
    ),
    "I5 what was declared ahead is decided on as it is presented, and then it is looked at": (
        "select c.id from consignments c left join presentations p on p.consignment_id = c.id"
        " left join seen_when_presented s on s.consignment_id = c.id"
        " where (p.consignment_id is null) <> (s.consignment_id is null)"
        " or (p.consignment_id is not null) <> (exists (select from decisions d where d.consignment_id = c.id"
        " and d.control = 'lodged') and c.control <> 'lodged')"
    ),
    "I5 people release a consignment at most once": (
        "select consignment_id from decisions where control = 'released' and decided_by <> 'corridor'"
        " group by consignment_id having count(*) > 1"
    ),
    "I5 what was decided or replied is told to the filer, in its own dialect": (
        "select c.id from consignments c where (select count(*) from acts a where a.consignment_id = c.id"
        " and a.kind <> 'refund') + (select count(*) from replies r where r.consignment_id = c.id)"
        " + (select count(*) from presentations p where p.consignment_id = c.id)"
        " <> (select count(*) from later_answers l where l.consignment_id = c.id and length(l.message) > 0)"
    ),
    "I5 a request is replied to where it was, with what was said": (
        "select r.id from replies r left join reply_contents s on s.reply_id = r.id"
        " left join decisions d on d.consignment_id = r.consignment_id and d.id = r.request_id where s.reply_id is null"
        " or (r.channel = 'control' and d.control <> 'documents_requested')"
        " or (r.channel = 'security' and d.security <> 'information_requested')"
    ),
    "I6 a reply has one leaf": (
        "select r.id from replies r where (select count(*) from "
        f"{_TOLD} where told ->> 'kind' = 'replied' and told ->> 'sha256' = encode(r.digest, 'hex')) <> 1"
    ),
    "I7 a reply has its event": (
        "select r.consignment_id from replies r group by 1 having count(*) <> (select count(*) from events e"
        " where e.consignment_id = r.consignment_id and e.kind = 'replied')"
    ),
    "I6 a message has one leaf": (
        "select m.id from messages m where (select count(*) from audit_leaves l where l.message_id = m.id) <> 1"
    ),
    "I6 a leaf has its message": (
        "select l.index from audit_leaves l left join messages m on m.id = l.message_id"
        " where l.message_id is not null and m.id is null"
    ),
    "I6 every decision has its leaf, and every leaf its decision": (
        "with told as (select (d ->> 0)::bigint as id, d ->> 1 as security, d ->> 2 as control, count(*) as times"
        f" from {_TOLD} cross join lateral json_array_elements(told -> 'decisions') d group by 1, 2, 3),"
        " made as (select consignment_id as id, security, control, count(*) as times from decisions group by 1, 2, 3)"
        " select coalesce(told.id, made.id) from told full join made using (id, security, control)"
        " where told.times is distinct from made.times"
    ),
    "I6 every reading of the vault has its leaf": (
        "select 1 from (select coalesce(sum(cardinality(consignment_ids)), 0) as read from vault_reads) v,"
        f" (select coalesce(sum(json_array_length(told -> 'consignments')), 0) as told from {_TOLD}"
        " where told ->> 'kind' = 'vault_read') l where v.read <> l.told"
    ),
    "I6 broken glass, its review, an inspection, a step of a profile: each has its leaf, and each leaf its row": (
        "with made as (select 'glass_broken ' || id || ' ' || person_id as what from openings"
        " union all select 'glass_reviewed ' || opening_id || ' ' || reviewed_by from glass_reviews"
        " union all select 'inspected ' || id || ' ' || officer from inspections"
        " union all select 'profiled ' || profile || ' ' || version || ' ' || kind || ' ' || actor"
        " from profile_events),"
        " said as (select told ->> 'kind' || ' ' || case told ->> 'kind'"
        " when 'profiled' then (told ->> 'profile') || ' ' || (told ->> 'version') || ' ' || (told ->> 'step')"
        " when 'inspected' then told ->> 'inspection' else told ->> 'opening' end || ' ' || (told ->> 'by') as what"
        f" from {_TOLD} where told ->> 'kind' in ('glass_broken', 'glass_reviewed', 'inspected', 'profiled')),"
        " rows as (select what, count(*) as times from made group by 1),"
        " leaves as (select what, count(*) as times from said group by 1)"
        " select what from rows full join leaves using (what) where rows.times is distinct from leaves.times"
    ),
    "I8 an upload is its parts, or the message it was lodged as": (
        "select u.id from uploads u left join messages m on m.id = u.message_id where u.received <> case"
        " when u.message_id is null then (select coalesce(sum(octet_length(p.content)), 0) from upload_parts p"
        " where p.upload_id = u.id) else octet_length(m.raw) end or (u.message_id is not null and m.filer <> u.filer)"
    ),
    "nobody is in by an account that is shut": (
        "select p.id from people p join sessions s on s.person_id = p.id where s.ended_at is null"
        " and p.removed_at is not null"
    ),
    "I6 the log has no gaps": "select count(*) from audit_leaves having coalesce(max(index) + 1, 0) <> count(*)",
    "I6 the leaves of a commit stand together": (
        "select first from audit_leaves group by first having count(*) <> max(size) or min(index) <> first"
    ),
    "I7 a message has one event of its receipt": (
        "select m.id from messages m where (select count(*) from events e where e.message_id = m.id"
        " and e.kind = 'message_received') <> 1"
    ),
    "I7 every decision has its event": (
        "select c.id from consignments c where (select count(*) from decisions d where d.consignment_id = c.id)"
        " <> (select count(*) from events e where e.consignment_id = c.id and e.kind = 'decided')"
    ),
    "I7 everything given back has its event": (
        "select a.consignment_id from acts a where a.kind = 'refund' group by 1 having count(*) <> (select count(*)"
        " from events e where e.consignment_id = a.consignment_id and e.kind = 'refunded')"
    ),
    "I8 a message has all its places": (
        "select message_id from (select message_id, place from consignments union all select message_id, place"
        " from repeats) p group by message_id having count(*) <> max(place) + 1 or count(distinct place) <> count(*)"
    ),
}


async def unkept(world: World, claimed: Sequence[Claim]) -> list[str]:
    """What is claimed and does not hold."""
    async with world.store._connection() as connection:
        return [one.what for one in claimed if await connection.fetchval(one.query, *one.given) is not True]


async def breaches(world: World, claimed: Sequence[Claim] = ()) -> list[str]:
    """Everything that does not hold, each with where: of what is claimed, and of what must hold always."""
    found = []
    async with (
        world.store._connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for claim in claimed:
            if await connection.fetchval(claim.query, *claim.given) is not True:
                found.append(claim.what)
        for what, query in BREACHES.items():
            rows = await connection.fetch(query)
            if rows:
                found.append(f"{what}: {[row[0] for row in rows[:5]]}")
    return found


FIGURES = {
    "assessed_twice": (
        "select count(*) from (select 1 from decisions d where decided_by = 'corridor' group by consignment_id"
        " having count(*) > 1 + (select count(*) from presentations p where p.consignment_id = d.consignment_id)) t"
    ),
    "trial_balance_micro": "select coalesce(sum(debit_micro) - sum(credit_micro), 0)::bigint from postings",
}


async def figures(world: World) -> dict[str, float]:
    """How many consignments were assessed twice, and by how much debit and credit of all legs differ."""
    async with world.store._connection() as connection:
        return {name: await connection.fetchval(query) for name, query in FIGURES.items()}


async def receipts(world: World, filer: str) -> list[str]:
    """The messages of a filer for which no receipt can be given that verifies."""
    async with world.store._connection() as connection:
        rows = await connection.fetch("select id, filer, raw from messages where filer like $1 || '%'", filer)
    wrong = []
    for row in rows:
        commit = await world.store.commit_of(row["id"], filer=row["filer"])
        token = receipts_of(commit, world.key).get(row["id"]) if commit is not None else None
        try:
            verify((token or "").encode(), world.key, messages=[row["raw"]])
        except Unverified as why:
            wrong.append(f"I1 the receipt of message {row['id']}: {why}")
    return wrong


async def log(world: World) -> list[str]:
    """What is wrong with the whole audit log, written out and checked as anybody can without the store."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = await audit.publish(store=world.store, key=world.key, folder=Path(folder), at=LATER)
        except audit.LogDamaged as damaged:
            return [f"I6 {damaged}"]
        checked = audit.verify(Path(folder), [world.key])
    short = [] if checked.checkpoint == done.checkpoint else ["I6 the log in files is another than was published"]
    return [*short, *(f"I6 {fault}" for fault in checked.faults)]
