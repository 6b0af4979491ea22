"""How the text of an element goes into a field of ours, and how the field becomes the text again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tidewaiter.formats.ceb.element import plain
from tidewaiter.formats.ceb.kinds import CODE, CONTENT, LONG, NO_CURRENCY
from tidewaiter.formats.ceb.tables import OURS, THEIRS, Group, Row
from tidewaiter.formats.ceb.taking import Taker, Texts
from tidewaiter.formats.text import UNFIT
from tidewaiter.model.consignment import Classification, Document
from tidewaiter.model.money import Money

CHINA = timezone(timedelta(hours=8))
FUNCTIONS = {"1": "original", "2": "amendment", "3": "cancellation"}
_TIMES = ("date8", "time14", "time17")
_WHOLE = ("gnum", "packNo")
_LONGEST = {"tracking_id": 35, "master_bill": 35, "transport.border_id": 35}
"""Fields of ours that are shorter than their element; what is longer is kept by the name of the element."""
_CODED = ("country", "unit", "mode")
_STRICT = ("country", "mode")
"""Lists of codes for which an unknown one cannot stand in our field."""


class Draft:
    """What of a group goes into one record. `rest` is what has no field, by element; `places` the XPath by pointer."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer
        self.own: dict[str, Any] = {}
        self.parties: dict[str, dict[str, str]] = {}
        self.documents: list[Document] = []
        self.codes: list[Classification] = []
        self.rest: dict[str, str] = {}
        self.places: dict[str, str] = {}

    def put(self, field: str, value: Any, at: str) -> None:
        """Puts a value at 'order_id' or 'transport.border_id'."""
        *above, name = field.split(".")
        into = self.own
        for step in above:
            into = into.setdefault(step, {})
        into[name] = value
        self.places[f"{self.pointer}/{'/'.join((*above, name))}"] = at


def drafted(texts: Texts, group: Group, taker: Taker) -> Draft:
    """The texts of a group as fields."""
    pointer = texts.pointer
    draft = Draft(pointer)
    draft.places[pointer] = texts.at
    currency, is_used = _currency(texts, taker), False
    for element, text in texts.by.items():
        row, at = group.rows[element], texts.place(element)
        kind, _, field = row.field.rpartition(":")
        if not row.field or row.field == "=currency":
            if not row.field:
                draft.rest[element] = text
        elif row.field.startswith("="):
            draft.own[row.field] = text
        elif kind == "tax":
            continue  # a list of its own: see `answers`
        elif kind == "money":
            if currency:
                draft.put(field, Money(Decimal(text), currency), at)
                is_used = True
            else:
                draft.rest[element] = text
                if "currency" not in texts.by:
                    taker.note(NO_CURRENCY, element, at=at, pointer=f"{pointer}/{field}")
        elif kind in _LISTED:
            _LISTED[kind](draft, field, text, at)
        elif kind in _CODED:
            _put_code(draft, row, text, taker, at)
        elif len(text) > _LONGEST.get(field, len(text)):
            taker.note(LONG, f"{element} ({row.name})", at=at, pointer=f"{pointer}/{field}")
            draft.rest[element] = text
        else:
            _put_plain(draft, row, text, taker, at)
    if not is_used and "currency" in texts.by and group.rows["currency"].field:
        draft.rest["currency"] = texts.by["currency"]
    return draft


def _currency(texts: Texts, taker: Taker) -> str:
    told = texts.by.get("currency", "")
    ours = OURS["currency"].get(told, "")
    if told and not ours:
        taker.note(CODE, "currency", at=texts.place("currency"))
    return ours


def _put_plain(draft: Draft, row: Row, text: str, taker: Taker, at: str) -> None:
    if row.form in _TIMES:
        instant = instant_of(text)
        if instant is None:
            detail = f"{row.element} ({row.name}) should be a day that is in the calendar"
            taker.note(CONTENT, detail, at=at, pointer=f"{draft.pointer}/{row.field}")
            draft.rest[row.element] = text
        else:
            draft.put(row.field, instant, at)
    elif row.form == "decimal":
        draft.put(row.field, Decimal(text), at)
    else:
        draft.put(row.field, int(text) if row.element in _WHOLE else text, at)


def _put_code(draft: Draft, row: Row, text: str, taker: Taker, at: str) -> None:
    kind, _, field = row.field.partition(":")
    ours = OURS[kind].get(text)
    if ours is None and kind in _STRICT:
        draft.rest[row.element] = text
        if kind == "country":
            taker.note(CODE, f"{row.element} ({row.name})", at=at, pointer=f"{draft.pointer}/{field}")
    else:
        draft.put(field, ours or text, at)


def _put_party(draft: Draft, field: str, text: str, at: str) -> None:
    role, _, name = field.partition(".")
    draft.parties.setdefault(role, {})[name] = text
    draft.places[f"/parties/{list(draft.parties).index(role)}/{name}"] = at


def _put_document(draft: Draft, field: str, text: str, at: str) -> None:
    kind, _, type = field.partition(".")
    draft.places[f"{draft.pointer}/documents/{len(draft.documents)}/id"] = at
    draft.documents.append(Document(kind="previous" if kind == "previous" else "supporting", type=type, id=text))


def _put_classification(draft: Draft, scheme: str, text: str, at: str) -> None:
    draft.places[f"{draft.pointer}/codes/{len(draft.codes)}/code"] = at
    draft.codes.append(Classification(scheme=scheme, code=text))


_LISTED: Mapping[str, Callable[[Draft, str, str, str], None]] = {
    "party": _put_party, "doc": _put_document, "code": _put_classification,
}  # fmt: skip


def instant_of(text: str) -> datetime | None:
    """The instant of a day YYYYMMDD, perhaps with hhmmss and milliseconds, in China; None for one in no calendar."""
    try:
        day = datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), tzinfo=CHINA)
    except ValueError:
        return None
    clock = text[8:].ljust(9, "0")
    return (
        day.replace(
            hour=int(clock[:2]), minute=int(clock[2:4]), second=int(clock[4:6]), microsecond=int(clock[6:]) * 1000
        )
    ).astimezone(UTC)


def text_of(row: Row, record: Any, rest: Mapping[str, str]) -> str:
    """What stands in the element, '' where nothing does."""
    if row.element in rest:
        return rest[row.element]
    kind, _, field = row.field.rpartition(":")
    if not row.field or row.field.startswith("="):
        return ""
    if kind == "tax":
        return ""
    if kind == "party":
        role, _, name = field.partition(".")
        party = next((one for one in record.parties if one.role == role), None)
        return written(getattr(party, name, None), row)
    if kind == "doc":
        document_kind, _, type = field.partition(".")
        found = (one.id for one in record.documents if (one.kind, one.type) == (document_kind, type))
        return written(next(found, None), row)
    if row.field == "guarantee":
        return written(record.guarantees[0].reference if record.guarantees else None, row)
    if kind == "code":
        return written(next((one.code for one in record.codes if one.scheme == field), None), row)
    value = value_of(record, field)
    if kind in _CODED:
        strange = "" if kind in _STRICT else value
        return written(THEIRS[kind].get(value, strange), row) if value else ""
    return written(value.amount if kind == "money" and value else value, row)


def currency_of(group: Group, record: Any) -> str:
    """The code of the currency of the amounts in a group, '' where it has none."""
    for row in group.rows.values():
        if row.field.startswith("money:") and (money := value_of(record, row.field.removeprefix("money:"))):
            return THEIRS["currency"].get(money.currency, "")
    return ""


def value_of(record: Any, field: str) -> Any:
    """The value of 'ucr' or 'transport.border_mode'; None where it or the record around it is not there."""
    for name in field.split("."):
        record = getattr(record, name, None)
    return record


def written(value: Any, row: Row) -> str:
    """A value as text in the form of the element: instants in China, numbers in digits; '' for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        local = value.astimezone(CHINA)
        milliseconds = f"{local.microsecond // 1000:03d}" if row.form == "time17" else ""
        return local.strftime("%Y%m%d" if row.form == "date8" else "%Y%m%d%H%M%S") + milliseconds
    if isinstance(value, Decimal):
        return plain(value)
    return UNFIT.sub(" ", str(value)).strip()
