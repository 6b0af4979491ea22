"""From the bytes of an interchange to its consignments and answers, with every count checked on the way.

What is wrong with a message is wrong with each consignment in it, and what is wrong with the interchange with every
one, so that none is accepted from a file that came damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from tidewaiter.formats.edifact import kinds as k
from tidewaiter.formats.edifact.answers import AnswerMessage
from tidewaiter.formats.edifact.declaration import Declaration
from tidewaiter.formats.edifact.places import Spot, named
from tidewaiter.formats.edifact.structure import TABLES, Place, Walker
from tidewaiter.formats.edifact.taking import FEW_MAX, Part, Tally
from tidewaiter.formats.edifact.tokens import Flaw, Segment, tokenise
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found
from tidewaiter.model.answer import Answer
from tidewaiter.model.finding import Finding, Kind

NAME = "edifact"
DECLARATIONS, ANSWERS = ("CUSCAR", "CUSDEC", "CUSEXP"), ("CUSRES", "CONTRL")
DIRECTORIES = frozenset(f"{year % 100:02d}{half}" for year in range(1995, 2025) for half in "AB") - {"95A", "24B"}
"""Directories that are read: D.95B to D.24A."""
KNOWN_TABLES = frozenset(f"{year}{half}" for year in (21, 22, 23) for half in "AB") | {"24A"}
"""Directories held to the tables of `structure.py`: D.21A and D.24A have the same, so those between are taken to; in
earlier ones segments stand elsewhere here and there."""
_CONTROL_VERSIONS = ("2", "3", "4", "D")
CONSIGNMENTS_MAX = 100_000
"""So many consignments are read of one file; it is refused where there are more."""
_COUNT = re.compile(r"[0-9]{1,9}")


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the interchange holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    return read_stream([data], jurisdiction=jurisdiction)


def read_stream(chunks: Iterable[bytes], *, jurisdiction: str | None = None, begins: int = 0) -> Reading:
    """The same for an interchange that comes in pieces of any size. `begins` is the byte of a file at which it does."""
    reader = _Reader(jurisdiction, begins)
    for token in tokenise(chunks):
        reader.take(token)
    return reader.finish()


class _Counter(msgspec.Struct):
    """An interchange, a group or a message that is open: its reference, and how many parts it has had."""

    reference: str
    spot: Spot
    count: int = 0
    groups: int = 0
    loose: int = 0


class _Reader:
    """Goes through segments and keeps count."""

    def __init__(self, jurisdiction: str | None, begins: int) -> None:
        self.jurisdiction = jurisdiction
        self._begins = begins
        self.tally = Tally()
        self.declared: list[Declared] = []
        self.answers: list[Answer] = []
        self.findings: list[Finding] = []
        """About the message as a whole: what is told where no consignment can carry it."""
        self._interchange: _Counter | None = None
        self._group: _Counter | None = None
        self._message: _Counter | None = None
        self._inside: Declaration | AnswerMessage | None = None
        self._walker: Walker | None = None
        self._is_strict = False
        self._faulty: list[Finding] = []
        """Findings about the interchange that is open."""
        self._message_faulty: list[Finding] = []
        self._begun = 0
        self._messages = 0
        self._seen: dict[str, set[str]] = {"interchange": set(), "group": set(), "message": set()}
        self._stray = False
        self._is_full = False
        self._handlers: dict[str, Callable[[Segment], None]] = {
            "UNB": self._open_interchange, "UNG": self._open_group, "UNH": self._open_message,
            "UNT": self._close_message, "UNE": self._close_group, "UNZ": self._close_interchange,
        }  # fmt: skip

    def take(self, token: Segment | Flaw) -> None:
        """Take what the tokenizer gave."""
        if self._is_full:
            return
        if isinstance(token, Flaw):
            spot = self._spot()
            detail = token.detail
            if token.kind in (k.TAG, k.LINE_BREAK, k.CUT_OFF):
                detail = ""
            self._fault(token.kind, detail, f"{spot}, byte {self._begins + token.offset + 1}".removeprefix(", "))
            if token.kind is k.TAG and self._message is not None:
                self._message.count += 1
            return
        self._handlers.get(token.tag, self._body)(token)

    def finish(self) -> Reading:
        """What was read."""
        self._end_interchange()
        if not self.declared and not self.answers and not self.findings:
            self.findings.append(found(k.NOTHING_HELD, source_pointer="segment 1 UNB"))
        dropped = self.tally.dropped
        if self.tally.unlisted:
            dropped = [*dropped, f"and {self.tally.unlisted:,} more"]
        return Reading(
            format=NAME,
            declared=tuple(self.declared),
            answers=tuple(self.answers),
            findings=tuple(self.findings),
            kept=self.tally.kept,
            dropped=tuple(dropped),
        )

    def _spot(self) -> Spot:
        opened = self._message or self._interchange
        return opened.spot if opened is not None else Spot()

    def _fault(self, kind: Kind, detail: str, place: str) -> None:
        """A finding about the message that is open, else about the interchange."""
        findings = self._message_faulty if self._message is not None else self._faulty
        self.tally.note(findings, kind, detail, told=place or "the beginning")

    # --- the interchange and its groups

    def _open_interchange(self, segment: Segment) -> None:
        self._end_interchange()
        reference = segment.at(4).strip()
        self._interchange = _Counter(reference, Spot(interchange=named(reference)))
        self._once("interchange", reference)
        self._seen["group"], self._seen["message"] = set(), set()
        self._messages, self._stray = 0, False
        if segment.at(10) == "1":
            self._fault(k.TEST, "", str(self._spot()))

    def _close_interchange(self, segment: Segment) -> None:
        self._end_message(has_trailer=False)
        self._end_group(has_trailer=False)
        interchange = self._interchange
        if interchange is None:
            self._stray_segment("UNZ")
            return
        count = interchange.groups or interchange.loose
        if interchange.groups and interchange.loose:
            self._fault(k.MIXED, f"{interchange.groups} and {interchange.loose}", str(interchange.spot))
        self._compare("UNZ", segment, count, interchange)
        self._settle_interchange()

    def _open_group(self, segment: Segment) -> None:
        self._end_message(has_trailer=False)
        self._end_group(has_trailer=False)
        reference = segment.at(4).strip()
        if self._interchange is None:
            self._stray_segment("UNG")
            return
        self._interchange.groups += 1
        self._group = _Counter(reference, self._interchange.spot)
        self._once("group", reference)

    def _close_group(self, segment: Segment) -> None:
        self._end_message(has_trailer=False)
        group = self._group
        if group is None:
            self._stray_segment("UNE")
            return
        self._compare("UNE", segment, group.count, group)
        self._group = None

    def _end_group(self, *, has_trailer: bool) -> None:
        if self._group is not None and not has_trailer:
            self._fault(k.NOT_ENDED, "UNE", str(self._group.spot))
        self._group = None

    def _end_interchange(self) -> None:
        """Close what is open without its end."""
        self._end_message(has_trailer=False)
        self._end_group(has_trailer=False)
        if self._interchange is not None:
            self._fault(k.NOT_ENDED, "UNZ", str(self._interchange.spot))
        self._settle_interchange()

    def _settle_interchange(self) -> None:
        """Give the findings about the interchange to all that came in it, or to the whole where nothing did."""
        faulty, self._faulty = _gravest(self._faulty), []
        mine = self.declared[self._begun :]
        if faulty and mine:
            self.declared[self._begun :] = [
                msgspec.structs.replace(one, findings=_together(faulty, one.findings)) for one in mine
            ]
        else:
            self.findings += faulty
        self._begun = len(self.declared)
        self._interchange = None

    # --- messages

    def _open_message(self, segment: Segment) -> None:
        self._end_message(has_trailer=False)
        if self._interchange is None:
            self._stray_segment("UNH")
        reference, type = segment.at(0).strip(), segment.at(1).strip()
        version = [segment.at(1, component).strip() for component in range(1, 4)]
        self._messages += 1
        base = self._interchange.spot if self._interchange else Spot()
        told = named(":".join((type, *version)).rstrip(":"))
        spot = msgspec.structs.replace(base, count=self._messages, message=named(reference), type=told)
        if self._group is not None:
            self._group.count += 1
        elif self._interchange is not None:
            self._interchange.loose += 1
        self._message = _Counter(reference, spot, 1)
        self._once("message", reference)
        self._message.count = 1
        self._walker = Walker(type) if type in TABLES else None
        self._is_strict = version[1] in KNOWN_TABLES
        if type in DECLARATIONS:
            self._inside = Declaration(type, str(spot), self.tally, jurisdiction=self.jurisdiction)
        elif type in ANSWERS:
            self._inside = AnswerMessage(type, str(spot), self.tally)
        else:
            self._inside = None
            self._fault(k.MESSAGE_TYPE, named(type)[:6] or "none", str(spot))
            self.tally.drop(str(spot))
            return
        is_known = version[0] == "D" and version[1] in DIRECTORIES
        if not is_known and not (type == "CONTRL" and version[0] in _CONTROL_VERSIONS):
            self._fault(k.VERSION, named(":".join(version[:2])) or "none", str(spot))

    def _body(self, segment: Segment) -> None:
        message = self._message
        if message is None:
            self._stray_segment(segment.tag)
            return
        message.count += 1
        if self._inside is None or self._walker is None:
            return
        place = self._walker.place(segment.tag)
        part = Part(segment, place or Place(), self._inside.spot, message.count)
        if place is None or (place.is_displaced and self._is_strict):
            self._fault(k.PLACE, segment.tag, part.told())
        elif self._is_strict and (place.is_beyond or place.lacking):
            self._held_to_its_table(place, segment.tag, part.told())
        if place is None:
            part.drop_rest(self.tally)
        else:
            self._inside.feed(part)

    def _held_to_its_table(self, place: Place, tag: str, told: str) -> None:
        for lacking in place.lacking:
            self._fault(k.LACKING, lacking, f"before {told}")
        if place.is_beyond:
            self._fault(k.BEYOND, tag, told)

    def _close_message(self, segment: Segment) -> None:
        message = self._message
        if message is None:
            self._stray_segment("UNT")
            return
        message.count += 1
        self._compare("UNT", segment, message.count, message)
        self._end_message(has_trailer=True)

    def _end_message(self, *, has_trailer: bool) -> None:
        if self._message is None:
            return
        if not has_trailer:
            self._fault(k.NOT_ENDED, "UNT", str(self._message.spot))
        elif self._walker is not None and self._is_strict:
            for lacking in self._walker.lacking():
                self._fault(k.LACKING, lacking, str(self._message.spot))
        faulty, self._message_faulty = _gravest(self._message_faulty), []
        inside, self._inside, self._message, self._walker = self._inside, None, None, None
        mine: list[Declared] = []
        if isinstance(inside, Declaration):
            mine = inside.finish()
            self.declared += [
                msgspec.structs.replace(one, findings=_together(faulty, one.findings)) if faulty else one
                for one in mine
            ]
            self._is_full = len(self.declared) > CONSIGNMENTS_MAX
            if self._is_full:
                self._fault(k.OVER_LIMIT, f"more than {CONSIGNMENTS_MAX:,} consignments", str(self._spot()))
        elif inside is not None:
            answers, findings = inside.finish()
            self.answers += answers
            self.findings += findings
        if not mine:
            self.findings += faulty

    def _once(self, level: str, reference: str) -> None:
        if reference in self._seen[level]:
            self._fault(k.DUPLICATE, f"of the {level}", str(self._spot()))
        self._seen[level].add(reference)

    def _compare(self, tag: str, segment: Segment, count: int, opened: _Counter) -> None:
        """Hold the count and the reference of a closing segment against what came."""
        told, reference = segment.at(0).strip(), segment.at(1).strip()
        spot = msgspec.structs.replace(opened.spot, number=opened.count if tag == "UNT" else 0, tag=tag)
        if _COUNT.fullmatch(told) is None:
            self._fault(k.COUNT, f"{tag} has no number, and {count:,} came", str(spot))
        elif int(told) != count:
            self._fault(k.COUNT, f"{tag} says {int(told):,}, and {count:,} came", str(spot))
        if reference != opened.reference:
            self._fault(k.REFERENCE, tag, str(spot))

    def _stray_segment(self, tag: str) -> None:
        """A segment where none may stand; said once for an interchange."""
        if not self._stray:
            self._fault(k.NO_INTERCHANGE, named(tag)[:3], str(self._spot()))
        self._stray = True


def _together(faulty: tuple[Finding, ...], own: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What is wrong with all and what with one, that there is more said once."""
    return (*faulty, *(finding for finding in own if finding not in faulty))


def _gravest(findings: list[Finding]) -> tuple[Finding, ...]:
    """The findings in their order; of very many the errors first, since each consignment is given them all."""
    if len(findings) > FEW_MAX:
        findings = sorted(findings, key=lambda finding: finding.severity != "error")[:FEW_MAX]
    return tuple(findings)
