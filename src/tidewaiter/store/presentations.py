"""Goods that were declared before they were there: which are awaited, and what became of those that are presented."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import msgspec

from tidewaiter.audit import leaf
from tidewaiter.model.answer import Answer
from tidewaiter.model.movement import PRESENTED
from tidewaiter.model.outcome import Cleared, Posting, Signal
from tidewaiter.risk.history import NEWEST, RECENT_D, Event
from tidewaiter.store import audit
from tidewaiter.store.access import Connect
from tidewaiter.store.lodgements import CORRIDOR, DECISIONS, EVENTS, POSTINGS, SIGNALS, micro_of


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration whose goods are not there yet."""

    id: int
    reference: str
    mrn: str | None
    filer: str
    lodged_at: datetime


class Before(NamedTuple):
    """What was known when a consignment was lodged: its `figures`, null where nothing was looked up; and of its
    consignee, who may be nobody, `own` is how the consignment counts, and `others` are all others since `RECENT_D` days
    before it."""

    figures: str | None
    own: Event | None = None
    others: tuple[Event, ...] = ()


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a consignment whose goods are presented `by` somebody, or null where they never came: what
    customs makes of it now, and what its filer is told, in our own form and as `message` in its own. The rest as in
    `Lodgement` and `ClearedConsignment`."""

    id: int
    at: datetime
    by: str | None
    cleared: Cleared
    answers: tuple[Answer, ...]
    message: bytes
    postings: tuple[Posting, ...]
    signals: tuple[Signal, ...]
    lists: tuple[int, ...] | None
    risk_digest: str
    drawn_ppm: int | None
    figures: str | None


class Presentations:
    """Goods that are presented. Every method takes a connection for itself."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def awaited(self, filer: str | None, *, size: int) -> list[Awaited]:
        """Up to `size` declarations of a filer, or of all, whose goods are not there yet, oldest first."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select id, reference, mrn, filer, received_at as lodged_at from consignments"
                " where control = 'lodged' and ($1::text is null or filer = $1) order by id limit $2",
                filer, size,
            )  # fmt: skip
        return [Awaited(**row) for row in rows]

    async def overdue(self, days: Mapping[str, date], *, size: int) -> list[int]:
        """The numbers of up to `size` declarations whose goods are still awaited, and that were lodged before the day
        of their country."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select c.id from consignments c join unnest($1::text[], $2::date[]) w(country, day)"
                " on w.country = c.jurisdiction where c.control = 'lodged' and c.accepted_on < w.day"
                " order by c.id limit $3",
                list(days), list(days.values()), size,
            )  # fmt: skip
        return [row["id"] for row in rows]

    async def named(self, filer: str | None, references: Sequence[str]) -> dict[str, int]:
        """The numbers of the declarations of a filer that stand under these references, or under these numbers of
        customs; of all filers where none is named, and then the newest."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select w.name, c.id from unnest($2::text[]) w(name) cross join lateral ("
                " select id from consignments where ($1::text is null or filer = $1) and reference = w.name"
                " and function = 'original' and control <> 'not_accepted'"
                " union select id from of_mrn(w.name) where ($1::text is null or filer = $1)"
                " and function = 'original' and control <> 'not_accepted') c order by c.id",
                filer, [name for name in references if "\x00" not in name],
            )  # fmt: skip
        return {row["name"]: row["id"] for row in rows}

    async def arrived(self, filer: str, numbers: Collection[str]) -> list[int]:
        """The numbers of the declarations of a filer whose goods are awaited, and are in those of these parcels (by
        their numbers without spaces and hyphens) of which it has told by the post's event that they are presented."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select c.id from of_parcels($2) c where c.filer = $1 and c.control = 'lodged'"
                " and exists (select from item_events e join messages m on m.id = e.message_id"
                " where e.item_number = translate(c.tracking_id, ' -', '') and e.event = $3 and m.filer = c.filer)"
                " order by c.id",
                filer, list(numbers), PRESENTED,
            )  # fmt: skip
        return [row["id"] for row in rows]

    async def changed(self, ids: Sequence[int]) -> dict[int, set[str]]:
        """Of these, what their filers lodged about them since that was accepted: amendment, cancellation."""
        async with self._connect() as connection:
            rows = await connection.fetch(
                "select c.id, x.function from consignments c cross join lateral ("
                " select function, control from consignments where filer = c.filer and reference = c.reference"
                " union all select function, control from of_mrn(c.mrn) where filer = c.filer) x"
                " where c.id = any($1) and x.function <> 'original' and x.control <> 'not_accepted'",
                ids,
            )
        found: dict[int, set[str]] = {}
        for row in rows:
            found.setdefault(row["id"], set()).add(row["function"])
        return found

    async def before(self, ids: Sequence[int], *, until: datetime) -> dict[int, Before]:
        """What was known of what came before each of these when it was lodged, and whom its consignee had meanwhile."""
        async with self._connect() as connection:
            known = await connection.fetch(
                "select consignment_id, figures from known_before where consignment_id = any($1)", ids
            )
            rows = await connection.fetch(_OF_PERSONS, ids, timedelta(days=RECENT_D), until, NEWEST)
        found = {row["consignment_id"]: Before(row["figures"]) for row in known}
        for id, own_us, own_seller, own_micro, *other in rows:
            had = found.get(id, Before(None))
            others = had.others if other[0] is None else (*had.others, Event(*other))
            found[id] = had._replace(own=Event(own_us, own_seller, own_micro), others=others)
        return found

    async def keep(self, presented: Sequence[Presented]) -> set[int]:
        """The numbers of those that are presented now, all committed together. Left out is what was not awaited any
        more, since somebody else was first."""
        async with self._connect() as connection, connection.transaction():
            rows = await connection.fetch(
                "select id, message_id, filer, security from consignments where id = any($1) and control = 'lodged'"
                " order by id for update",
                [one.id for one in presented],
            )
            waiting = {row["id"]: _Waiting(row["message_id"], row["filer"], row["security"]) for row in rows}
            done = [one for one in presented if one.id in waiting]
            if done:
                await _write(connection, done, waiting)
        return set(waiting)


class _Waiting(NamedTuple):
    """A declaration whose goods were awaited until now."""

    message_id: int
    filer: str
    security: str

    def stands(self, one: Presented) -> tuple[str, str]:
        """Where it stands on both channels since. What an official asked or decided on security stands."""
        decision = one.cleared.decision
        return decision.security if self.security == "pending" else self.security, decision.control


_OF_PERSONS = (
    "select h.consignment_id, (extract(epoch from h.at) * 1000000)::bigint, h.seller, h.value_micro,"
    " (extract(epoch from o.at) * 1000000)::bigint, o.seller, o.value_micro"
    " from history h left join lateral ("
    " select n.at, n.seller, n.value_micro from history n where n.consignee = h.consignee"
    " and n.jurisdiction = h.jurisdiction and n.consignment_id <> h.consignment_id and not n.is_cancelled"
    " and n.at > h.at - $2::interval and n.at <= $3 order by n.at desc limit $4) o on true"
    " where h.consignment_id = any($1) and h.consignee is not null order by h.consignment_id, o.at"
)
_ACCEPT = (
    "update consignments c set security = w.security, control = w.control, accepted_on = w.day, regime = w.regime,"
    " duty_micro = w.duty, tax_micro = w.tax, fee_micro = w.fee, currency = w.currency, law_digest = w.law,"
    " record = c.record || jsonb_build_object('accepted_on', w.day)"
    " from unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::text[], $6::bigint[], $7::bigint[],"
    " $8::bigint[], $9::text[], $10::text[])"
    " w(id, security, control, day, regime, duty, tax, fee, currency, law) where c.id = w.id"
)
_encoded = msgspec.json.encode


async def _write(
    connection: asyncpg.Connection, presented: Sequence[Presented], waiting: Mapping[int, _Waiting]
) -> None:
    ids = [one.id for one in presented]
    numbers = await connection.fetch(
        "select w.id, coalesce((select max(place) + 1 from signals s where s.consignment_id = w.id), 0) as first,"
        " nextval(pg_get_serial_sequence('later_answers', 'id')) as later from unnest($1::bigint[]) w(id)",
        ids,
    )
    signal = {row["id"]: row["first"] for row in numbers}
    answer = {row["id"]: row["later"] for row in numbers}
    states = {one.id: waiting[one.id].stands(one) for one in presented}
    gone = [one for one in presented if one.cleared.decision.control == "not_accepted"]
    if gone:  # never lodged, as law has it: nothing of it counts for later ones
        await connection.execute(
            "select take_out_of_history($1, $2, $3)",
            [waiting[one.id].filer for one in gone], [one.cleared.reference for one in gone], [None] * len(gone),
        )  # fmt: skip
    heads = [_head(one, states[one.id]) for one in presented]
    await connection.execute(_ACCEPT, *map(list, zip(*heads, strict=True)))
    for table, columns, rows in _tables(presented, waiting, states, signal, answer):
        if rows:
            await connection.copy_records_to_table(table, records=rows, columns=columns)
    by_act: dict[tuple[datetime, str | None], list[leaf.Decision]] = {}
    for one in presented:
        by_act.setdefault((one.at, one.by), []).append((one.id, *states[one.id]))
    leaves = [told for (at, by), those in by_act.items() for told in _leaves(at, by, those)]
    await audit.append(connection, leaves)


def _head(one: Presented, state: tuple[str, str]) -> tuple[Any, ...]:
    cleared, totals = one.cleared, one.cleared.totals
    sums = micro_of(totals.duty), micro_of(totals.tax), micro_of(totals.fee)
    return one.id, *state, cleared.accepted_on, cleared.regime, *sums, totals.currency, cleared.law_digest


def _tables(
    presented: Sequence[Presented], waiting: Mapping[int, _Waiting], states: Mapping[int, tuple[str, str]],
    signal: Mapping[int, int], answer: Mapping[int, int],
) -> Iterator[tuple[str, list[str], list[tuple[Any, ...]]]]:  # fmt: skip
    """Each table to be filled: its name, its columns and the rows. By the number of a consignment, `signal` is the
    place of its first signal now, and `answer` the number of its later answers."""
    presentations, seen, decisions, signals, postings, answers, events = [], [], [], [], [], [], []
    for one in presented:
        id, at, cleared, (security, control) = one.id, one.at, one.cleared, states[one.id]
        presentations.append(
            (id, at if one.by else None, one.by, _encoded(cleared.findings), _encoded(cleared.charges))
        )
        # Where goods never came nobody looked again: what was seen when it was lodged stands.
        seen.append((id, one.figures, signal[id] if one.by else 0))
        decisions.append(
            (
                id, at, CORRIDOR, security, control, cleared.decision.reasons, cleared.law_digest, one.lists,
                one.risk_digest or None, one.drawn_ppm,
            )
        )  # fmt: skip
        for place, s in enumerate(one.signals, signal[id]):
            signals.append((id, place, s.profile, s.lane, s.score, s.reason, s.item))
        for p in one.postings:
            postings.append((id, p.item, p.account, p.debit_micro, p.credit_micro, p.currency, p.charge))
        answers.append((answer[id], id, at, _encoded(one.answers), one.message))
        told = {
            "security": security, "control": control, "answers": [made.id for made in one.answers], "later": answer[id],
        }  # fmt: skip
        events.append((at, waiting[id].filer, waiting[id].message_id, id, "decided", _encoded(told)))
    yield "presentations", ["consignment_id", "presented_at", "presented_by", "findings", "charges"], presentations
    yield "seen_when_presented", ["consignment_id", "figures", "first_signal"], seen
    yield "decisions", DECISIONS, decisions
    yield "signals", SIGNALS, signals
    yield "postings", POSTINGS, postings
    yield "later_answers", ["id", "consignment_id", "sent_at", "answers", "message"], answers
    yield "events", EVENTS, events


def _leaves(at: datetime, by: str | None, decisions: Sequence[leaf.Decision]) -> list[leaf.Leaf]:
    if by is None:
        return leaf.lapsed(at=at, decisions=decisions)
    return leaf.presented(at=at, by=by, decisions=decisions)
