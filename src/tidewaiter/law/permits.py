"""Which documents law asks for goods: licences, certificates and notices, by commodity code, day and country."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import NamedTuple

from tidewaiter.law.law import Law
from tidewaiter.law.rules import Permit, PermitGoods
from tidewaiter.law.timeline import in_force


class Moved(NamedTuple):
    """What law looks at of goods that move: where it is law, the day, 'import' or 'export', the commodity code, the
    country of origin and that from which they are sent."""

    country: str
    day: date | None
    direction: str | None
    code: str | None
    origin: str | None
    sent_from: str | None


class Needed(NamedTuple):
    """A document that is needed, and by which text."""

    permit: Permit
    by: PermitGoods

    @property
    def text(self) -> str:
        """'Phytosanitary certificate (N851), issued by …: source'."""
        permit = self.permit
        return f"{permit.name} ({' or '.join(permit.codes)}), issued by {permit.issuer}: {self.by.source}"


def needed(law: Law, goods: Moved, declared: Collection[str] = ()) -> list[Needed]:
    """The documents that the goods need, those left out of which a code is declared, or one of not needing it."""
    if goods.day is None or not goods.code:
        return []
    return [
        Needed(permit, by)
        for permit in law.permits(goods.country)
        if not any(code in declared for code in (*permit.codes, *permit.exempt))
        and (by := next((one for one in in_force(permit.goods, goods.day) if _holds(one, goods)), None))
    ]


def concerned(law: Law, countries: frozenset[str], codes: Iterable[str | None]) -> list[str]:
    """Those of the commodity codes for which some document may be needed in one of the countries."""
    prefixes = law.remembered(("prefixes of permits", countries), lambda: _prefixes(law, countries))
    return [code for code in codes if code and code.startswith(prefixes)] if prefixes else []


def _prefixes(law: Law, countries: frozenset[str]) -> tuple[str, ...]:
    goods = (one for country in countries for permit in law.permits(country) for one in permit.goods)
    return tuple(sorted({prefix for one in goods for prefix in one.prefixes}))


def _holds(when: PermitGoods, goods: Moved) -> bool:
    """Whether all conditions hold. A country that is not stated is none of those named."""
    tests: Iterator[bool] = (
        not wanted or value in wanted
        for wanted, value in (
            (when.direction, goods.direction),
            (when.origin, goods.origin),
            (when.export_country, goods.sent_from),
        )
    )
    return (
        (goods.code or "").startswith(when.prefixes)
        and all(tests)
        and goods.origin not in when.not_origin
        and goods.sent_from not in when.not_export_country
    )
