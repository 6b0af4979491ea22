"""From consignments to messages: FHL of version 5 for each house, FWB of version 17 for a waybill without houses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal

from tidewaiter.formats.air import NOTE, PARTIES, TRADER
from tidewaiter.formats.cargo_imp.shaping import MONTHS, SUMMARY_MAX
from tidewaiter.formats.cargo_imp.words import in_lines, plain
from tidewaiter.model.consignment import Consignment, GoodsItem, Party

HOUSES, WAYBILL = "FHL/5", "FWB/17"
_SUBJECTS = {role: subject for subject, role in PARTIES.items()}
_WAYBILL = re.compile(r"([0-9]{3})-?([0-9]{8})")
_AIRPORT = re.compile(r"[A-Z]{3}")


def write_houses(consignments: Sequence[Consignment]) -> bytes:
    """The lines of all messages, each ended with CR LF."""
    lines = [
        line for record in consignments for line in (_waybill(record) if _has_no_house(record) else _message(record))
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _has_no_house(record: Consignment) -> bool:
    return record.house_bill is None and _WAYBILL.fullmatch(record.master_bill or "") is not None


def _waybill(record: Consignment) -> Iterator[str]:
    yield WAYBILL
    number = _WAYBILL.fullmatch(record.master_bill or "")
    quantity = f"T{record.package_count or 0}{_weight(record.gross_mass)}"
    yield f"{number[1]}-{number[2]}{_route(record)}/{quantity}" if number else ""
    if record.transport and record.transport.conveyance:
        yield f"FLT/{plain(record.transport.conveyance)}"
    for subject, role in PARTIES.items():
        for party in [one for one in record.parties if one.role == role][:1]:
            if subject == "AGT":
                yield from ("AGT//", f"/{plain(party.name or '')}", f"/{plain(party.city or '')}")
            else:
                yield from _party(subject, party)
    yield from _told(record, "SSR", "OSI", "ACC")
    yield from _value(record)
    for number_of, item in enumerate(record.items, start=1):
        yield from _rating(number_of, item)
    if record.declared_at is not None:
        day = record.declared_at.astimezone(UTC)
        place = f"/{plain(record.declaration_place)}" if record.declaration_place else ""
        yield f"ISU/{day:%d}{MONTHS[day.month - 1]}{day:%y}{place}"
    codes = [plain(one.code or "") for one in record.statements if one.type == "SPH"]
    yield from (f"SPH/{'/'.join(codes[start : start + 9])}" for start in range(0, len(codes), 9))
    yield from _lines("OCI", list(_notes(record)))


def _told(record: Consignment, *types: str) -> Iterator[str]:
    for type in types:
        for one in record.statements:
            if one.type == type:
                code = plain(one.code or "") if type == "ACC" else ""
                texts = in_lines(type, one.text or "") or ([""] if code else [])
                # The code of an ACC has its place before the text, though there be none.
                before = f"{code}/" if type == "ACC" else ""
                yield from _lines(type, [f"{before}{part}".rstrip("/") for part in texts])


def _rating(number: int, item: GoodsItem) -> Iterator[str]:
    """The lines of a goods item; one that is a further code alone goes on with the item before."""
    counts = [one for one in item.statements if one.type == "SLC"]
    said = (item.description, item.gross_mass, item.packages, item.origin_country, item.equipment, counts)
    of_its_own = any(said) or number == 1
    parts = []
    if of_its_own:
        pieces = item.packages[0].quantity if item.packages else None
        rate = [f"P{pieces}"] if pieces is not None else []
        rate += [_weight(item.gross_mass)] if item.gross_mass is not None else []
        # Pieces or a weight begin another item; where there are neither, the identifier does.
        yield f"{'RTD' if number == 1 or not rate else ''}/{number}/{'/'.join(rate)}".rstrip("/")
        parts += [f"NG/{part}" for part in in_lines("NG", item.description or "")]
    parts += [f"NH/{plain(item.hs_code)}"] if item.hs_code else []
    parts += [f"NO/{item.origin_country}"] if item.origin_country else []
    parts += [f"NU/{plain(one.id or '')}" for one in item.equipment if one.id]
    parts += [f"NS/{plain(one.text or '')}" for one in counts]
    yield from (f"/{part}" for part in parts)


def _message(record: Consignment) -> Iterator[str]:
    yield HOUSES
    waybill = _WAYBILL.fullmatch(record.master_bill or "")
    route = _route(record)
    if waybill:
        yield f"MBI/{waybill[1]}-{waybill[2]}{route}/T{record.package_count or 0}{_weight(record.gross_mass)}"
    words = [item.description for item in record.items if item.description]
    text = plain(words[0]) if words else ""
    counts = [one.text for one in record.statements if one.type == "SLC"]
    short = next((plain(one.text or "") for one in record.statements if one.type == "SUM"), text)[:SUMMARY_MAX].strip()
    number = plain(record.house_bill or record.reference)
    pieces = "" if record.package_count is None else str(record.package_count)
    weight = "" if record.gross_mass is None else _weight(record.gross_mass)
    yield f"HBS/{number}/{route}/{pieces}/{weight}/{plain(counts[0] or '') if counts else ''}/{short}"
    codes = [plain(one.code or "") for one in record.statements if one.type == "SPH"]
    yield from (f"/{'/'.join(codes[start : start + 9])}" for start in range(0, len(codes), 9))
    yield from _lines("TXT", in_lines("TXT", text) if text != short else [])
    yield from _lines("HTS", [plain(item.hs_code) for item in record.items if item.hs_code])
    yield from _lines("OCI", list(_notes(record)))
    for subject in ("SHP", "CNE"):
        for party in [one for one in record.parties if one.role == PARTIES[subject]][:1]:
            yield from _party(subject, party)
    yield from _value(record)


def _value(record: Consignment) -> Iterator[str]:
    if record.invoice_total is not None:
        total = record.invoice_total
        yield f"CVD/{total.currency}//NVD/{format(total.amount, 'f')}/XXX"


def _lines(name: str, parts: list[str]) -> Iterator[str]:
    for number, part in enumerate(parts):
        yield f"/{part}" if number else f"{name}/{part}"


def _route(record: Consignment) -> str:
    moved = record.transport
    places = (moved.loading_place, moved.unloading_place) if moved else (None, None)
    whole = "".join(place for place in places if place and _AIRPORT.fullmatch(place))
    return whole if len(whole) == 6 else ""


def _weight(mass: Decimal | None) -> str:
    """Kilograms; where they have more than three decimals, as many as there is room for."""
    text = format((mass or Decimal(0)).quantize(Decimal("0.001")).normalize(), "f")
    return f"K{text}"


def _notes(record: Consignment) -> Iterator[str]:
    for one in record.statements:
        if one.type == NOTE:
            parts = [plain(part) for part in (one.code or "//").split("/")]
            yield "/".join([*parts, plain(one.text or "")])
    for party in record.parties:
        if party.id and party.country and party.role in _SUBJECTS:
            yield f"{party.country}/{_SUBJECTS[party.role]}/{TRADER}/{plain(party.id)}"


def _party(subject: str, party: Party) -> Iterator[str]:
    numbers = f"/TE/{plain(party.phone)}" if party.phone else ""
    yield subject
    yield from _lines("NAM", in_lines("NAM", party.name or ""))
    yield from _lines("ADR", in_lines("ADR", party.street or ""))
    if party.city or party.region or party.country or party.postcode or numbers:
        yield f"LOC/{plain(party.city or '')}/{plain(party.region or '')}".rstrip("/")
        country = f"/{party.country or ''}/{plain(party.postcode or '')}{numbers}".rstrip("/")
        yield from [country] if country else []
