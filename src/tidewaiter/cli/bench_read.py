"""How fast messages are read on this machine, format by format, on one core.

Two ways: from bytes to the columns that the corridor works on, and from bytes to the records that people and the store
are given. A format that reads columns makes no records on the way to them; any other makes columns of its records. What
is compiled is made ready first, as the counter does.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs
from rich.console import Console
from rich.table import Table

from tidewaiter import formats
from tidewaiter.cli.bench import consignments, machine, quiet
from tidewaiter.formats.reading import Reading
from tidewaiter.model.consignment import Consignment, Packaging, Party, Transport

ALONE_MAX = 300
"""So many messages of one declaration are read; one that is read alone takes as long whatever else there is."""
TIMES = 7
"""Each measure is the least of so many, since others may use the machine too."""
LEAST_S = 0.05
"""A measure reads the messages again until it has taken so much of a CPU-second."""


def run(console: Console, *, count: int, only: Collection[str] = tuple(formats.FORMATS)) -> None:
    """Measure, and print the table: made-up declarations of two items one by one and together, then our samples.

    Of the formats that are named in `only`.
    """
    console.print(machine())
    with console.status("kernels"):
        formats.ready()
    table = Table(
        "format", "messages", "declarations", "items", "without fault", "bytes each",
        "to columns, a CPU-second", "to records, a CPU-second", "MB to columns, a CPU-second",
    )  # fmt: skip
    made = consignments(count)
    for name in only:
        format = formats.FORMATS[name]
        ours = [as_entry(one) for one in made] if name == "ens" else made
        kinds: dict[str, Sequence[bytes]] = {
            "one by one": [format.write([one]) for one in ours[:ALONE_MAX]],
            "together": [format.write(ours)],
            "samples": [path.read_bytes() for path in _samples(name)],
            **({"a shop's": [sheet(made)]} if name == "csv" else {}),
        }
        with console.status(name):
            for kind, messages in kinds.items():
                _add(table, name, kind, messages)
    console.print(table)


HEADINGS = (
    "Order number", "Buyer name", "Buyer street", "Buyer city", "Buyer postcode", "Buyer country", "Description",
    "HS code", "Origin country", "Quantity", "Unit price", "Currency", "Net weight (g)",
)  # fmt: skip
"""What a shop's list of orders has: a row an article, the buyer in each."""


def sheet(made: Sequence[Consignment]) -> bytes:
    """The consignments as a shop would list them."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(HEADINGS)
    for one in made:
        buyer = next(party for party in one.parties if party.role == "consignee")
        for item in one.items:
            price, pieces = item.price, item.quantity or 1
            if price is not None:
                rows.writerow([
                    one.reference, buyer.name, buyer.street, buyer.city, buyer.postcode, buyer.country,
                    item.description, item.hs_code, item.origin_country, pieces, price.amount / pieces, price.currency,
                    (item.net_mass or 0) * 1_000,
                ])  # fmt: skip
    return written.getvalue().encode()


def as_entry(one: Consignment) -> Consignment:
    """The consignment with what must be said of it before it enters, by air."""
    at = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    roles = {"seller": "consignor"}
    items = [structs.replace(item, packages=(Packaging(type="CT", quantity=1, marks="EX 1"),)) for item in one.items]
    return structs.replace(
        one,
        jurisdiction="GB",
        direction="entry",
        message_id=one.reference,
        ucr=f"6CN-{one.reference}",
        issued_at=at,
        declared_at=at,
        declaration_place="Exampleton",
        arrival_expected=at,
        entry_office="GB000060",
        gross_mass=sum(item.gross_mass or 0 for item in one.items),
        package_count=len(items),
        transport=Transport(
            border_mode="4", conveyance="ZZ123", loading_place="CNSHA", unloading_place="GBLHR", route=("CN", "GB")
        ),
        parties=(
            Party(role="submitter", id="GB000000000001/0000000001"),
            Party(role="declarant", id="GB000000000001"),
            *(structs.replace(party, role=roles.get(party.role, party.role)) for party in one.parties),
        ),
        items=tuple(items),
    )


def _samples(name: str) -> list[Path]:
    folder = Path(formats.__path__[0]) / name / "samples"
    return sorted(path for path in folder.iterdir() if path.is_file())


def _add(table: Table, name: str, kind: str, messages: Sequence[bytes]) -> None:
    readings = [formats.read(message, jurisdiction="GB") for message in messages]
    declared = [one for reading in readings for one in reading.declared]
    if not declared:
        return
    size = sum(len(message) for message in messages)
    to_columns, to_records = _least(messages, Reading.batch), _least(messages, lambda reading: list(reading.declared))
    sound = sum(all(finding.severity != "error" for finding in one.findings) for one in declared)
    table.add_row(
        name,
        kind,
        f"{len(declared):,}",
        f"{sum(len(one.consignment.items) for one in declared):,}",
        f"{sound:,}",
        f"{size / len(declared):,.0f}",
        f"{len(declared) / to_columns:,.0f}",
        f"{len(declared) / to_records:,.0f}",
        f"{size / to_columns / 1e6:,.1f}",
    )


def _least(messages: Sequence[bytes], use: Callable[[Reading], object]) -> float:
    """CPU-seconds that reading these messages once takes, and using each reading."""
    least = float("inf")
    with quiet():
        for _ in range(TIMES):
            begun, rounds, spent = time.process_time(), 0, 0.0
            while spent < LEAST_S or not rounds:
                for message in messages:
                    use(formats.read(message, jurisdiction="GB"))
                rounds += 1
                spent = time.process_time() - begun
            least = min(least, spent / rounds)
    return least
