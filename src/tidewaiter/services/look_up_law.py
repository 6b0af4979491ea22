"""Looking law up: what holds for a code in a country on a day, where two laws differ, and what one lacks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec
import polars as pl

from tidewaiter.law import Law
from tidewaiter.law.expressions import Unsupported
from tidewaiter.law.measures import ENDED, NO_MEASURE
from tidewaiter.law.rules import Ground, Jurisdiction, Regime, Tax, TaxRate
from tidewaiter.law.timeline import ordinal


class MeasureView(msgspec.Struct, frozen=True, kw_only=True):
    """A measure of the tariff that holds for the goods: of the usual duty, a preference, or a layer besides."""

    kind: str
    code: str
    origin: str
    rate: str
    since: date
    until: date | None
    known_from: date | None
    additional_code: str
    claim: str
    measure: str
    source: str
    confidence: str


class TaxView(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of a tax for the goods; `rate` is null where none is held."""

    tax: str
    name: str
    rate: str | None
    source: str | None
    confidence: str


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a commodity code in a country on a day, as known on a day. `regimes` by priority: id and name."""

    country: str
    code: str
    origin: str
    on: date
    known_on: date
    law_digest: str
    measures: tuple[MeasureView, ...]
    taxes: tuple[TaxView, ...]
    regimes: tuple[tuple[str, str], ...]


def holding(
    law: Law, country: str, code: str, *, origin: str, on: date, known_on: date | None = None
) -> Holding | None:
    """What holds for the code and origin on the day, as it was known on another; None where no law is held."""
    known = known_on or on
    law = law.known_on(known) if known_on else law
    place = law.place(country, ordinal(on))
    if place is None:
        return None
    return Holding(
        country=country,
        code=code,
        origin=origin,
        on=on,
        known_on=known,
        law_digest=law.digest_of(country),
        measures=tuple(_measures(law, place.schedule or "", code, origin, on)),
        taxes=tuple(
            _tax(law, tax, code, on, place) for tax in _taxes(law, country) for place in (tax.delivered_to, *tax.places)
        ),
        regimes=tuple((regime.id, regime.name) for regime in law.regimes_on(place)),
    )


def _measures(law: Law, schedule: str, code: str, origin: str, on: date) -> Iterator[MeasureView]:
    """The usual duty first, then layers and preferences that could be claimed for the origin, and what needs a code."""
    frame = law.tariff.frame.filter(pl.col("schedule") == schedule)
    kinds = frame["kind"].unique().sort().to_list()
    for kind in sorted(kinds, key=lambda one: (one != "third_country", one)):
        for claim in ("", *sorted(law.tariff.claims(schedule, kind))):
            number = law.tariff.held(schedule, kind, code, origin=origin, day=on, claim=claim)
            if number != NO_MEASURE:
                yield _view(law.tariff.frame.row(number, named=True))
    in_force = (pl.col("since") <= on) & (pl.col("until").is_null() | (pl.col("until") > on))
    needs_code = frame.filter(in_force & (pl.col("additional_code") != "") & pl.col("origin").is_in(["", origin]))
    for row in needs_code.iter_rows(named=True):
        if code.startswith(row["code"]) and origin not in row["excluded"]:
            yield _view(row)


def _view(row: dict[str, object]) -> MeasureView:
    return msgspec.convert({name: row[name] for name in MeasureView.__struct_fields__}, MeasureView)


def _taxes(law: Law, country: str) -> list[Tax]:
    found: dict[str, Tax] = {}
    for folder in law.family(country):
        for tax in law.jurisdictions[folder].taxes:
            found.setdefault(tax.id, tax)
    return list(found.values())


def _tax(law: Law, tax: Tax, code: str, on: date, place: str) -> TaxView:
    number, is_firm = law.tax_rate_at(tax, law.classes(tax, code), on, place)
    rate = law.tax_rates[number] if number >= 0 else None
    return TaxView(
        tax=f"{tax.code} {tax.name}" + (f", delivered to {place}" if place else ""),
        name=rate.name if rate else "unknown",
        rate=rate.text if rate and rate.rate_ppm is not None else None,
        source=rate.source if rate else None,
        confidence=rate.confidence if rate and is_firm else "secondary",
    )


def differences(old: Law, new: Law) -> Iterator[str]:
    """What the second law says otherwise than the first, a line each."""
    for folder in sorted({*old.jurisdictions, *new.jurisdictions}):
        before, after = old.jurisdictions.get(folder), new.jurisdictions.get(folder)
        if before is None or after is None:
            yield f"{folder}: {'new' if before is None else 'gone'}"
        elif before.digest != after.digest:
            yield from _changed(folder, before, after)
    columns = [name for name in old.tariff.frame.columns if name != "measure"]
    rows = [
        set(law.tariff.frame.select(columns).with_columns(pl.col("excluded").list.join(" ")).iter_rows())
        for law in (old, new)
    ]
    for sign, only in (("-", rows[0] - rows[1]), ("+", rows[1] - rows[0])):
        for row in sorted(only, key=str):
            yield f"{sign} {row[0]}/tariff: {' '.join(str(value) for value in row[1:] if value not in (None, ''))}"


def _changed(folder: str, before: Jurisdiction, after: Jurisdiction) -> Iterator[str]:
    for part in ("ground", "taxes", "regimes", "permits"):
        texts = [{_said(entry): None for entry in getattr(place, part)} for place in (before, after)]
        for sign, only in (("-", texts[0].keys() - texts[1].keys()), ("+", texts[1].keys() - texts[0].keys())):
            yield from (f"{sign} {folder}/{part}: {text}" for text in sorted(only))
    for name in sorted({*before.lists, *after.lists}):
        codes = [
            {(code, e.since, e.until) for e in place.lists.get(name, ()) for code in e.codes.to_list()}
            for place in (before, after)
        ]
        for sign, gone in (("-", codes[0] - codes[1]), ("+", codes[1] - codes[0])):
            yield from (
                f"{sign} {folder}/codes/{name}: {code} from {since}" for code, since, _ in sorted(gone, key=str)
            )


def _said(entry: object) -> str:
    """A text of law without its numbers in this loading."""
    return msgspec.json.encode(_unnumbered(msgspec.to_builtins(entry, enc_hook=str)), order="sorted").decode()


def _unnumbered(part: object) -> object:
    if isinstance(part, dict):
        return {name: _unnumbered(value) for name, value in part.items() if name != "number"}
    return [_unnumbered(one) for one in part] if isinstance(part, list | tuple) else part


def wanting(law: Law) -> Iterator[str]:
    """What a law lacks or is unsure of, a line each: measures that are not reckoned, texts that are not firm."""
    frame = law.tariff.frame
    unsupported = [isinstance(one, Unsupported) for one in law.tariff.formulas]
    for schedule, rows in frame.filter(pl.Series(unsupported)).filter(pl.col("rate") != ENDED).group_by("schedule"):
        yield f"{schedule[0]}/tariff: {len(rows)} measures are not reckoned here"
    for folder, place in sorted(law.jurisdictions.items()):
        texts: list[Ground | Regime | TaxRate] = [*place.ground, *place.regimes]
        texts += [rate for tax in place.taxes for rate in tax.rates]
        unsure = sum(text.confidence != "firm" for text in texts)
        if unsure:
            yield f"{folder}: {unsure} of {len(texts)} texts were not read in the act itself"
        for tax in place.taxes:
            if not tax.rates:
                yield f"{folder}: no rates of {tax.code} {tax.name} are held"
