"""From the bytes of a message to the declarations or bills in it."""

from __future__ import annotations

import re

from tidewaiter.formats.asycuda.kinds import NO_JURISDICTION, NO_REFERENCE, NOTHING_HELD
from tidewaiter.formats.asycuda.shaping import bills, declaration, identification
from tidewaiter.formats.mapped import Group, table
from tidewaiter.formats.mapped_reading import Taker, Values, build, messages_in, places, twice_in
from tidewaiter.formats.reading import Declared, Reading
from tidewaiter.formats.text import found, shortened
from tidewaiter.formats.tree import about, grow
from tidewaiter.model.consignment import Consignment

NAME = "asycuda"
DECLARATION, MANIFEST, DEGROUPED = "ASYCUDA", "Awmds", "Awbolds"
_LOCODE = re.compile(r"([A-Z]{2})[A-Z2-9]{3}")


def section(name: str) -> Group:
    """The table of declarations, `sad`, or of bills, `bol`."""
    return table("tidewaiter.formats.asycuda", "elements.csv", name, Consignment)


def read(data: bytes, *, jurisdiction: str | None = None) -> Reading:
    """What the message holds. Bad input is findings, never an exception; see `formats.reading.Format`."""
    root, faults = grow(data)
    faulty = tuple(about(fault) for fault in faults)
    if root is None:
        return Reading(format=NAME, findings=faulty)
    where = places(root)
    around = Taker(where)
    records: list[Declared] = []
    dropped: list[str] = []
    kept: set[int] = set()
    for message in messages_in(root, (DECLARATION, MANIFEST, DEGROUPED), around):
        is_sad = message.name == DECLARATION
        for one in [declaration(message)] if is_sad else bills(message):
            taker = Taker(where)
            values = taker.take(one, section("sad" if is_sad else "bol"))
            _complete(values, taker, jurisdiction)
            twice = () if is_sad else twice_in(identification(one), where)
            findings = (*faulty, *twice, *taker.findings)
            records.append(Declared(consignment=build(Consignment, values), findings=findings, anchor=taker.anchor))
            dropped += taker.dropped
            kept |= taker.kept
    nothing = found(NOTHING_HELD, shortened(root.name), source_pointer=f"/{shortened(root.name)}")
    return Reading(
        format=NAME,
        declared=tuple(records),
        findings=() if records else (*faulty, nothing),
        kept=len(kept),
        dropped=tuple(dict.fromkeys([*around.dropped, *dropped])),
    )


def _complete(values: Values, taker: Taker, jurisdiction: str | None) -> None:
    """Settle the reference, the direction and the country asked. A bill without a direction is told as an entry."""
    at = taker.anchor.get("", "")
    is_bill = "direction" not in values and not at.startswith(f"/{DECLARATION}") and "/ASYCUDA[" not in at
    for field in ("house_bill", "master_bill"):
        if is_bill and "reference" not in values and field in values:
            values["reference"] = values[field]
            taker.anchor["/reference"] = taker.anchor[f"/{field}"]
    if "reference" not in values:
        taker.findings.append(found(NO_REFERENCE, pointer="/reference", source_pointer=at))
        values["reference"] = ""
    if is_bill:
        values["direction"] = "entry"
        place = _LOCODE.fullmatch(values.get("transport", {}).get("unloading_place", ""))
        country = place[1] if place else ""
    else:
        end = "export_country" if values.get("direction") == "export" else "destination_country"
        country = values.get(end, "")
    values["jurisdiction"] = jurisdiction or country
    if not values["jurisdiction"]:
        taker.findings.append(found(NO_JURISDICTION, pointer="/jurisdiction", source_pointer=at))
