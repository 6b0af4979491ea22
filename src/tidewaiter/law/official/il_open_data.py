"""Israel's customs tariff as open data: a JSON list of lines, with customs duty and purchase tax.

The file says until when a rate holds, not since when: it is taken to hold from the day of the file. Purchase tax is
laid on the value that law sets for it, which is not the customs value.

Source: Israel Tax Authority, government open data.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

from tidewaiter.law.expressions import write
from tidewaiter.law.expressions.dialects import read as read_duty
from tidewaiter.law.official.measure import Measure, OfficialError

KINDS = (("customs_rate", "third_country"), ("purchase_tax", "purchase_tax"))


class _Line(msgspec.Struct):
    code: str
    official_code: str = ""
    customs_rate: str | None = None
    purchase_tax: str | None = None
    customs_rate_valid_until: str | None = None
    purchase_tax_valid_until: str | None = None


def read(path: Path, on: date) -> Iterator[Measure]:
    """The duties and purchase taxes of the file of a day. Raises OfficialError where it is not of the form."""
    try:
        lines = msgspec.json.decode(path.read_bytes(), type=list[_Line])
    except msgspec.DecodeError as error:
        raise OfficialError(f"{path.name}: not the tariff of Israel as open data ({error})") from error
    for line in lines:
        for field, kind in KINDS:
            text = getattr(line, field)
            if text:
                last = getattr(line, f"{field}_valid_until")
                yield Measure(
                    schedule="il", code=line.code, kind=kind, since=on, known_from=on,
                    until=date.fromisoformat(last) + timedelta(days=1) if last else None,
                    rate=write(read_duty(text, "il")), measure=line.official_code or line.code,
                    source=f"Israel customs tariff, open data of {on}",
                )  # fmt: skip
