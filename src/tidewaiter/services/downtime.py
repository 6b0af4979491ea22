"""Going on while the system is down: a signed list of what may be released, and what was decided by hand after it.

The list is for one office, which is a jurisdiction here. Decisions on paper are entered later from a sheet: each an act
of the officer that it names, with the reason, and answered to the filer as any other. One that meets another than the
list told is a conflict: it is listed for a person, and nothing is overwritten.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.clearance import GROUNDS, RELEASED_BY_OFFICER, WANTED, may_decide, told
from tidewaiter.model.answer import AnswerKind
from tidewaiter.model.outcome import Control, Decision
from tidewaiter.services.acting import CannotNow, Step, reason_in, take
from tidewaiter.services.ask import OWN
from tidewaiter.services.release import ANSWERS
from tidewaiter.services.signing import sign
from tidewaiter.store import Act, Acting, Standing, Store

TYPE = "tidewaiter-release-list+json"
DAYS = 14
"""Consignments are listed that were received in the last so many days."""
ROWS_MAX = 20_000
"""So many are listed at most, the newest; how many are left out stands in the list."""
SHEET_BYTES_MAX = 16 * 1024 * 1024
COLUMNS = ("number", "was", "control", "decided_at", "decided_by", "reason", "told")
"""The columns of a sheet of decisions: our number of the consignment and its state as the list has them, what was
decided, when (with the offset from UTC), by whom, why (for officials alone), and what the filer is told: one of
`clearance.GROUNDS` where goods are refused, some of `clearance.WANTED` where documents are asked for, else nothing."""
BY_HAND = "by_hand"
"""What such an act is called."""
_ANSWERS: Mapping[Control, tuple[AnswerKind, ...]] = {
    "released": ANSWERS, "refused": ("refused",), "documents_requested": ("documents",), "examine": ("control",),
    "hold": ("hold",), "accepted": ("tax_indicative",),
}  # fmt: skip
"""What a filer is told then; no dialect has an answer for the others, of which only the event tells."""
_TOLD = {"refused": GROUNDS, "documents_requested": {name: WANTED[name] for name in WANTED if name != OWN}}
_STATES: dict[str, Control] = {name: name for name in get_args(Control)}
_PERSON = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,62}[^\s\x00-\x1f\x7f])?")


class ReleaseList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the consignments of an office stood at `made_at`, those received from `since` on, newest first.

    `left_out` counts those that the list would have been too long with.
    """

    jurisdiction: str
    made_at: datetime
    since: datetime
    left_out: int
    consignments: tuple[Standing, ...]


class HandDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided of a consignment that stood `was`: where it stands on control since, and the rest of its
    row."""

    id: int
    was: str
    control: Control
    decided_at: datetime
    decided_by: str
    reason: str
    told: tuple[str, ...]


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one row of a sheet: `outcome` is entered, already or conflict, and `why` says it in words."""

    line: int
    number: str
    outcome: str
    why: str = ""


async def offices(*, store: Store, at: datetime) -> list[str]:
    """The jurisdictions for which there is anything to list."""
    return await store.offices(since=at - timedelta(days=DAYS))


async def release_list(jurisdiction: str, *, store: Store, at: datetime) -> ReleaseList:
    """The list of an office as it is now."""
    since = at - timedelta(days=DAYS)
    found, total = await store.office_standing(jurisdiction=jurisdiction, since=since, size=ROWS_MAX)
    return ReleaseList(
        jurisdiction=jurisdiction, made_at=at, since=since, left_out=total - len(found), consignments=tuple(found)
    )


def signed(told: ReleaseList, key: OKPKey) -> str:
    """The list as a JWS."""
    return sign(msgspec.json.encode(told, order="sorted"), key, TYPE)


async def enter(sheet: bytes, *, store: Store, at: datetime) -> list[Entered]:
    """What became of each row of a sheet of decisions made by hand, in the order of the sheet. Raises ValueError where
    it is no such sheet.

    Rows about one consignment follow one another by the time of the decision. The same sheet again changes nothing.
    """
    rows = list(_rows(sheet))
    done: dict[int, Entered] = {}
    wanted: list[tuple[int, HandDecision]] = []
    for line, row in rows:
        found = _decision(row, at)
        if isinstance(found, str):
            done[line] = Entered(line=line, number=row["number"], outcome="conflict", why=found)
        else:
            wanted.append((line, found))
    wanted.sort(key=lambda each: (each[1].decided_at, each[0]))
    async with store.acts.together(sorted({one.id for _, one in wanted})) as found_now:
        for line, one in wanted:
            outcome, why = await _enter(one, await found_now(one.id), at)
            done[line] = Entered(line=line, number=str(one.id), outcome=outcome, why=why)
    return [done[line] for line, _ in rows]


async def _enter(one: HandDecision, acting: Acting | None, at: datetime) -> tuple[str, str]:
    """What became of one decision, and why."""
    if acting is None:
        return "conflict", "there is no consignment of this number"
    if await acting.has_decision(one.control, by=one.decided_by, at=one.decided_at):
        return "already", ""
    if acting.stored.control != one.was:
        since, by = await acting.last_decided()
        now = acting.stored.control
        return "conflict", f"it was {one.was} in the list, and is {now} here, decided {since.isoformat()} by {by}"
    await take(acting, _step(one, acting), by=one.decided_by, at=at, by_hand_at=one.decided_at)
    detail = {"was": one.was, "control": one.control, "told": one.told, "entered_at": at}
    await acting.keep(
        Act(
            at=one.decided_at, consignment_id=one.id, kind=BY_HAND, actor=one.decided_by, policy="", reason=one.reason,
            detail=detail,
        )
    )  # fmt: skip
    return "entered", ""


def _step(one: HandDecision, acting: Acting) -> Step:
    kinds = [_TOLD[one.control][name] for name in one.told]
    reasons = (RELEASED_BY_OFFICER,) if one.control == "released" else tuple(kind.text for kind in kinds)
    return Step(
        decision=Decision(security=acting.stored.security, control=one.control, reasons=reasons),
        kinds=_ANSWERS.get(one.control, ()),
        findings=tuple(told(kind) for kind in kinds),
    )


def _rows(sheet: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line it ends in, and its cells. Raises ValueError."""
    if len(sheet) > SHEET_BYTES_MAX:
        raise ValueError(f"a sheet of decisions has at most {SHEET_BYTES_MAX} bytes")
    reader = csv.DictReader(io.StringIO(sheet.decode("utf-8-sig"), newline=""), strict=True)
    try:
        if reader.fieldnames is None or sorted(reader.fieldnames) != sorted(COLUMNS):
            raise ValueError(f"a sheet of decisions has the columns {', '.join(COLUMNS)}")
        for row in reader:
            whole = {name: (cell or "").strip() for name, cell in row.items() if name is not None}
            if None in row:
                whole["was"] = ""  # more cells than columns: nobody can say which is which
            yield reader.line_num, whole
    except csv.Error as wrong:
        raise ValueError(f"line {reader.line_num}: {wrong}") from None


def _decision(row: dict[str, str], at: datetime) -> HandDecision | str:
    """The decision of a row, or what is wrong with it."""
    if not re.fullmatch("[1-9][0-9]{0,17}", row["number"], re.ASCII):
        return "the number is none"
    was, control = _STATES.get(row["was"]), _STATES.get(row["control"])
    if was is None or control is None:
        return f"{'was' if was is None else 'control'} is none of {', '.join(_STATES)}"
    if not may_decide(was, control):
        return f"{control} cannot follow {was}"
    if not _PERSON.fullmatch(row["decided_by"]) or row["decided_by"] == "corridor":
        return "who decided is not named"
    try:
        decided_at = msgspec.convert(row["decided_at"], datetime)
    except msgspec.ValidationError:
        decided_at = None
    if decided_at is None or decided_at.tzinfo is None:
        return "the time is not written as 2026-11-02T10:30:00+01:00"
    if decided_at > at:
        return "the time is still to come"
    try:
        reason = reason_in(row["reason"])
    except CannotNow:
        return "the reason is not said in 3 to 500 characters"
    codes, known = row["told"].split(), _TOLD.get(control, {})
    if not set(codes) <= set(known) or (len(codes) != 1 if control == "refused" else bool(codes) != bool(known)):
        return (
            f"told is {'one' if control == 'refused' else 'some'} of {', '.join(known)}" if known else "told is empty"
        )
    return HandDecision(
        id=int(row["number"]),
        was=row["was"],
        control=control,
        decided_at=decided_at,
        decided_by=row["decided_by"],
        reason=reason,
        told=tuple(name for name in known if name in codes),
    )


def summary(done: Sequence[Entered]) -> str:
    """What became of a sheet, in one sentence."""
    counts = {name: sum(one.outcome == name for one in done) for name in ("entered", "already", "conflict")}
    return f"{counts['entered']} entered, {counts['already']} entered before, {counts['conflict']} in conflict"
