"""`taxes.toml`: taxes with their rates, and the goods that each rate is for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidewaiter.law.loading.files import day_of, end_of, one_of, only, reading, source_of, toml_of
from tidewaiter.law.rules import Tax, TaxGoods, TaxRate
from tidewaiter.law.text import percent


def taxes_in(path: Path) -> Iterator[Tax]:
    """The taxes in a file. Raises LawError."""
    with reading(path):
        for tax in toml_of(path)["tax"]:
            only(tax, "id", "code", "name", "delivered_to", "rate", "goods")
            for block in tax["rate"]:
                only(block, "class", "from", "until", "rate", "delivered_to", "why", "source", "confidence")
            for block in tax.get("goods", ()):
                only(block, "class", "from", "until", "hs", "source", "confidence")
            yield Tax(
                id=tax["id"],
                code=tax["code"],
                name=tax["name"],
                rates=tuple(
                    TaxRate(
                        name=rate["class"],
                        since=day_of(rate["from"]),
                        until=end_of(rate),
                        rate_ppm=None if rate["rate"] == "unknown" else percent(rate["rate"]),
                        source=source_of(rate),
                        confidence=one_of("confidence", rate.get("confidence", "firm")),
                        delivered_to=rate.get("delivered_to", ""),
                        why=rate.get("why", ""),
                    )
                    for rate in tax["rate"]
                ),
                goods=tuple(
                    TaxGoods(
                        name=goods["class"],
                        since=day_of(goods["from"]),
                        until=end_of(goods),
                        prefixes=tuple(goods["hs"]),
                        source=source_of(goods),
                        confidence=one_of("confidence", goods.get("confidence", "firm")),
                    )
                    for goods in tax.get("goods", ())
                ),
                delivered_to=tax.get("delivered_to", ""),
            )
