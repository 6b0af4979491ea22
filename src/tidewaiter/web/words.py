"""Languages: which there are, which one a reader wants, and pages, days and amounts in it."""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path

import jinja2
from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from tidewaiter.web import names

DEFAULT = "en"
_ROOT = Path(str(resources.files("tidewaiter")))
LOCALES = _ROOT / "locale"
TEMPLATES = _ROOT / "web" / "templates"


@cache
def languages() -> Mapping[str, str]:
    """Every language there is a catalogue for, with its own name for itself."""
    codes = sorted(path.parents[1].name for path in LOCALES.glob("*/LC_MESSAGES/tidewaiter.po"))
    return {code: (Locale(code).get_display_name() or code).capitalize() for code in codes}


def wanted(asked: str | None, accept_language: str) -> str:
    """The language of the page: the one asked for, else the first that the reader's browser accepts and we have."""
    known = languages()
    if asked is not None and asked in known:
        return asked
    ranked = []
    for place, part in enumerate(accept_language.split(",")[:20]):
        tag, _, quality = part.strip().partition(";q=")
        weight = float(quality) if re.fullmatch(r"[01](\.[0-9]{1,3})?", quality, re.ASCII) else 1.0
        ranked.append((-weight, place, tag.lower().partition("-")[0]))
    return next((code for weight, _, code in sorted(ranked) if weight < 0 and code in known), DEFAULT)


@cache
def environment(language: str) -> jinja2.Environment:
    """The templates in that language."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    catalogue = _catalogue(language)
    made.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    locale = Locale(language)

    def word(code: str | None, table: Mapping[str, str]) -> str:
        """The word for a code; the code itself where there is none."""
        if code is None:
            return ""
        return catalogue.gettext(table[code]) if code in table else code

    def day(value: date | None) -> str:
        return "" if value is None else format_date(value, "long", locale=locale)

    def instant(value: datetime) -> str:
        """To the second, in UTC and without am or pm: officers of several countries compare them."""
        return f"{format_date(value, 'medium', locale=locale)} {value:%H:%M:%S} UTC"

    def minute(value: datetime) -> str:
        return f"{format_date(value, 'medium', locale=locale)} {value:%H:%M}"

    def number(value: str | Decimal | None) -> str:
        return "" if value is None else str(format_decimal(Decimal(value), locale=locale, decimal_quantization=False))

    def amount(value: str | Decimal | None) -> str:
        """With at least two decimals, as receipts have them."""
        if value is None:
            return ""
        exact = Decimal(value)
        shown = exact if exact.as_tuple().exponent < -2 else exact.quantize(Decimal("0.01"))  # type: ignore[operator]
        return str(format_decimal(shown, format="#,##0.00####", locale=locale, decimal_quantization=False))

    def share(value: float) -> str:
        """A figure that was reckoned, with one decimal."""
        return str(format_decimal(value, format="#,##0.0", locale=locale))

    def country(code: str, fallback: str = "") -> str:
        """The name of a country in that language; the fallback, or the code, for one that is made up."""
        return (
            str(locale.territories.get(code, "")) if code != "ZZ" and code in locale.territories else fallback or code
        )

    made.filters |= {
        "country": country,
        "word": word, "day": day, "instant": instant, "minute": minute, "number": number, "amount": amount,
        "share": share,
        "reason": catalogue.gettext,
    }  # fmt: skip

    def ordered(places: Mapping[str, str] | Sequence[str]) -> list[tuple[str, str]]:
        """Codes of countries with their names, in the order of the language's names."""
        called = places if isinstance(places, Mapping) else {}
        told = [(code, country(code, called.get(code, ""))) for code in places]
        return sorted(told, key=lambda pair: _plain(pair[1]))

    made.globals |= {"ordered": ordered, "names": names, "language": language, "languages": languages()}
    return made


def _plain(text: str) -> str:
    """The text without accents, by which names are put in order."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(part for part in parts if not unicodedata.combining(part)).casefold()


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    with (LOCALES / language / "LC_MESSAGES" / "tidewaiter.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
