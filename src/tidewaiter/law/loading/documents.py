"""`documents.toml`: what goods need a document; `matching.toml`: documents of trade to match a declaration with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

from tidewaiter.law.loading.files import day_of, end_of, one_of, only, reading, source_of, toml_of
from tidewaiter.law.rules import MatchingRule, Permit, PermitGoods
from tidewaiter.law.text import amount, percent
from tidewaiter.model.finding import Severity
from tidewaiter.model.trade import TradeKind

_MOVED = ("direction", "origin", "not_origin", "export_country", "not_export_country")
"""Conditions on goods that need a document, each a list."""
_MATCHING = (
    "from", "until", "documents", "within_h", "before_declaration", "currency", "tolerance", "share", "signed",
    "unsigned", "procedures", "source", "confidence",
)  # fmt: skip


def permits_in(path: Path) -> Iterator[Permit]:
    """The documents in `documents.toml`. Raises LawError."""
    with reading(path):
        for document in toml_of(path)["document"]:
            only(document, "id", "name", "issuer", "codes", "exempt", "goods")
            for goods in document["goods"]:
                only(goods, "from", "until", "hs", "source", "confidence", *_MOVED)
                if unknown := set(goods.get("direction", ())) - {"import", "export"}:
                    raise ValueError(f"no direction is called {', '.join(sorted(unknown))}")
            if not document["codes"]:
                raise ValueError(f"{document['id']} has no code as which it is declared")
            yield Permit(
                id=document["id"],
                name=document["name"],
                issuer=document["issuer"],
                codes=tuple(document["codes"]),
                exempt=tuple(document.get("exempt", ())),
                goods=tuple(
                    PermitGoods(
                        since=day_of(goods["from"]),
                        until=end_of(goods),
                        prefixes=tuple(goods["hs"]),
                        source=source_of(goods),
                        confidence=one_of("confidence", goods.get("confidence", "firm")),
                        **{name: tuple(goods.get(name, ())) for name in _MOVED},
                    )
                    for goods in document["goods"]
                ),
            )


def matching_in(path: Path) -> Iterator[MatchingRule]:
    """The rules in `matching.toml`. Raises LawError."""
    with reading(path):
        for block in toml_of(path)["matching"]:
            only(block, *_MATCHING)
            tolerance, tolerance_currency = amount(block["tolerance"])
            for name in ("documents", "signed"):
                if unknown := set(block[name]) - set(get_args(TradeKind)):
                    raise ValueError(f"no document is called {', '.join(sorted(unknown))}")
            if not block["documents"] or type(block["within_h"]) is not int or block["within_h"] < 0:
                raise ValueError("documents must be named, and within_h be hours")
            if block["currency"] not in ("", tolerance_currency):
                raise ValueError("the tolerance is in another currency than the amounts")
            yield MatchingRule(
                since=day_of(block["from"]),
                until=end_of(block),
                documents=tuple(block["documents"]),
                within_h=block["within_h"],
                before_declaration=block["before_declaration"],
                currency=block["currency"],
                tolerance_micro=tolerance,
                tolerance_currency=tolerance_currency,
                tolerance_ppm=percent(block["share"]),
                signed=tuple(block["signed"]),
                unsigned=cast("Severity", one_of("unsigned", block["unsigned"])),
                procedures=tuple(block["procedures"]),
                source=source_of(block),
                confidence=one_of("confidence", block.get("confidence", "firm")),
            )
