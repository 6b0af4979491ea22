"""Hypothesis strategies for consignments as a waybill can hold them, and what the tests of such messages share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from strategies import COUNTRIES, amounts, decimals, texts
from tidewaiter.model.consignment import (
    Consignment,
    Document,
    Equipment,
    GoodsItem,
    Packaging,
    Party,
    Statement,
    Transport,
)

SCRIPTS = ("Ångström & Søn", "Тестовая Фирма", "شركة المثال", "示例贸易有限公司", "บริษัท ตัวอย่าง", "የምሳሌ ድርጅት")
"""A name in Latin, Cyrillic, Arabic, Han, Thai and Ethiopic script."""
INSTANTS = st.datetimes(datetime(2019, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
NOTE_CODES = st.sampled_from(("US/CUS/AH", "US/CUS/RT", "KR/SHP/CP", "//ED", "US//FT"))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def names() -> st.SearchStrategy[str]:
    """Names in every script."""
    return st.one_of(st.sampled_from(SCRIPTS), texts())


def party(role: str) -> st.SearchStrategy[Party]:
    """A party that lives somewhere."""
    fields = some(id=texts(), street=names(), city=names(), region=texts(), postcode=texts(17), phone=texts(),
                  email=texts())  # fmt: skip
    return st.builds(
        lambda name, country, more: Party(role=role, name=name, country=country, **more),  # type: ignore[arg-type]
        names(),
        st.sampled_from(COUNTRIES),
        fields,
    )


def goods(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[GoodsItem]:
    """Goods items with a description."""
    fields = some(
        sequence=st.integers(0, 99_999), hs_code=st.sampled_from(("610910", "85395200", "9405219000")),
        gross_mass=decimals(), origin_country=st.sampled_from(COUNTRIES),
        packages=st.integers(0, 9_999).map(lambda n: (Packaging(quantity=n),)), **more,
    )  # fmt: skip
    return st.builds(lambda text, found: GoodsItem(description=text, **found), names(), fields)


def statements() -> st.SearchStrategy[tuple[Statement, ...]]:
    """Notes of every kind, in the order in which they are written."""
    kinds = {
        "HDR": st.builds(Statement, type=st.just("HDR"), code=st.just("C"), text=texts()),
        "SLC": st.builds(Statement, type=st.just("SLC"), text=st.integers(0, 999).map(str)),
        "SUM": st.builds(Statement, type=st.just("SUM"), text=names()),
        "SPH": st.builds(Statement, type=st.just("SPH"), code=st.sampled_from(("NSC", "SPX", "ELI"))),
        "SSR": st.builds(Statement, type=st.just("SSR"), text=names()),
        "OSI": st.builds(Statement, type=st.just("OSI"), text=names()),
        "ACC": st.builds(Statement, type=st.just("ACC"), code=st.just("GEN"), text=texts()),
        "OCI": st.builds(Statement, type=st.just("OCI"), code=NOTE_CODES, text=texts()),
    }
    lists = [st.lists(strategy, max_size=2) for strategy in kinds.values()]
    return st.tuples(*lists).map(lambda found: tuple(one for listed in found for one in listed))


def waybills() -> st.SearchStrategy[Consignment]:
    """Consignments as a house waybill can hold them."""
    equipment = st.one_of(
        st.builds(Equipment, id=st.sampled_from(("AKE12345ZZ", "PMC1337XX", "TROLLEY 9"))),
    )
    fields = some(
        house_bill=texts(), master_bill=st.sampled_from(("999-12345675", "999-00000011")), message_id=texts(),
        function=st.sampled_from(("amendment", "cancellation")), issued_at=INSTANTS, declared_at=INSTANTS,
        declaration_place=texts(), item_count=st.integers(0, 99), package_count=st.integers(0, 999),
        gross_mass=decimals(), invoice_total=amounts(), freight=amounts(), statements=statements(),
        documents=st.lists(st.builds(Document, id=texts(), type=texts(4), name=names()), max_size=2).map(tuple),
        items=st.lists(goods(equipment=st.lists(equipment, max_size=2).map(tuple)), max_size=3).map(tuple),
    )  # fmt: skip
    moved = some(loading_place=texts(), unloading_place=texts(), conveyance=texts())
    parties = st.tuples(party("consignor"), party("consignee"), party("representative"), party("notify"))
    return st.builds(_waybill, texts(), parties, moved, fields)


def _waybill(reference: str, parties: tuple[Party, ...], moved: dict[str, Any], more: dict[str, Any]) -> Consignment:
    return Consignment(
        reference=reference,
        jurisdiction=parties[1].country or "",
        direction="entry",
        parties=parties,
        transport=Transport(border_mode="4", **moved),
        **more,
    )


def waybill(**what: Any) -> Consignment:
    """A house waybill of a lamp by air to the United States that has all that is asked for before loading."""
    consignor = Party(role="consignor", name="Example Trading Ltd", street="1 Example Road", city="Sampletown",
                      postcode="000000", country="CN")  # fmt: skip
    consignee = Party(role="consignee", name="Pat Example", street="2 Sample Street", city="Exampleville",
                      region="NY", postcode="00000", country="US")  # fmt: skip
    given = Consignment(
        reference="SAMPLE0001",
        jurisdiction="US",
        direction="entry",
        house_bill="SAMPLE0001",
        master_bill="999-12345675",
        parties=(consignor, consignee),
        package_count=1,
        gross_mass=Decimal("1.5"),
        transport=Transport(border_mode="4", loading_place="PVG", unloading_place="JFK"),
        items=(GoodsItem(sequence=1, description="Desk lamp of metal", hs_code="940521"),),
    )
    return msgspec.structs.replace(given, **what)
