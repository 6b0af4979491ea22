"""Documents that goods need: the check, the quote and a slow reader of the law's files find the same ones missing."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from make import consignment, item
from test_assessment_properties import LAW, ORACLE, SEEDS, Choose, seeded
from tidewaiter.checks import check
from tidewaiter.law.loading import LawError, load
from tidewaiter.model.batch import Batch
from tidewaiter.model.consignment import Consignment, Document
from tidewaiter.model.past import Past
from tidewaiter.services.quote import PERMIT_MISSING, quote

COUNTRIES = ("GB", "DE", "FR", "XI", "ZZ", "US")
FROM = ("US", "CN", "GB", "FJ", "NZ", "CH", "NO", "ES", None)


@cache
def asked() -> tuple[list[dict[str, Any]], list[str], list[str], list[date]]:
    """All documents of the law, the codes of goods that need them, the codes of documents, and the days of change."""
    documents = [one for folder in ORACLE.folders.values() for one in folder.documents]
    blocks = [goods for one in documents for goods in one["goods"]]
    codes = sorted({f"{prefix}000000"[:8] for goods in blocks for prefix in goods["hs"]})
    declared = sorted({code for one in documents for code in (*one["codes"], *one.get("exempt", []))})
    edges = {day for goods in blocks for day in (goods["from"], goods.get("until")) if day}
    return documents, codes, declared, sorted(edges | {day - timedelta(1) for day in edges} | {date(2026, 3, 2)})


def parcel(choose: Choose[Any], reference: str) -> Consignment:
    """A consignment of which some goods may need documents, and some of these be declared."""
    _, codes, declared, days = asked()

    def documents() -> tuple[Document, ...]:
        found = [choose(declared) for _ in range(choose((0, 0, 1, 1, 2)))]
        return tuple(
            Document(category=code[:1], type=code[1:]) if choose((True, False)) else Document(type=code)
            for code in found
        )

    return consignment(
        reference=reference,
        jurisdiction=choose(COUNTRIES),
        accepted_on=choose(days),
        direction=choose(("import", "import", "import", "export")),
        export_country=choose(FROM),
        documents=documents(),
        items=[
            item(
                hs_code=choose((*codes, "61091000", "99999999", None)),
                origin_country=choose(FROM),
                export_country=choose((None, None, *FROM)),
                documents=documents(),
            )
            for _ in range(choose((1, 1, 2, 4)))
        ],
    )


@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=SEEDS)
def test_the_check_finds_what_a_slow_reader_of_the_law_finds(seed: int) -> None:
    choose = seeded(seed)
    drawn = [parcel(choose, f"P{number}") for number in range(300)]
    findings = check(Batch.of(drawn), LAW, Past())
    found = set(findings.filter(findings["code"] == PERMIT_MISSING).select("row", "item").iter_rows())
    wanted = {
        (row, place)
        for row, one in enumerate(drawn)
        for place, missing in enumerate(ORACLE.documents_missing(one))
        if missing
    }

    assert wanted
    assert found == wanted


@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(seed=SEEDS)
def test_a_quote_lists_the_permits_that_are_missing(seed: int) -> None:
    one = parcel(seeded(seed), "Q1")
    assert one.accepted_on is not None
    made = quote(one, law=LAW, on=one.accepted_on).preflight
    told = {(permit.permit, pointer) for permit in made.permits for pointer in permit.pointers}
    missing = ORACLE.documents_missing(one)
    fixes = [fix for fix in made.fixes if PERMIT_MISSING in fix.codes]

    assert told == {(name, f"/items/{place}") for place, names in enumerate(missing) for name in names}
    assert bool(fixes) == bool(told)


def test_a_missing_permit_is_a_fix_with_who_issues_it_and_the_code_of_not_needing_it() -> None:
    one = consignment(jurisdiction="GB", items=[item(hs_code="41133000", price="20 GBP"), item(hs_code="61091000")])
    made = quote(one, law=LAW, on=date(2026, 11, 2)).preflight
    [permit] = made.permits
    [fix] = [fix for fix in made.fixes if PERMIT_MISSING in fix.codes]

    assert permit.codes == ("C400",)
    assert permit.exempt == ("Y900",)
    assert permit.pointers == ("/items/0",)
    assert permit.issuer in fix.text
    assert fix.pointers == ("/items/0/documents",)
    assert made.fixes[-1] == fix  # what is wrong or unknown goes before it


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ('codes = ["Z1"]\nhs = ["01"]', "no key"),
        ("codes = []", "no code"),
        (
            'codes = ["Z1"]\n[[document.goods]]\nfrom = 2020-01-01\nhs = ["01"]\nsource = "s"\ndirection = ["in"]',
            "direction",
        ),
    ],
)
def test_a_document_that_says_something_odd_is_refused(tmp_path: Any, broken: str, told: str) -> None:
    place = tmp_path / "aa"
    place.mkdir()
    (place / "jurisdiction.toml").write_text('code = "AA"\nname = "A"\n')
    if "[[document.goods]]" not in broken:
        broken += '\n[[document.goods]]\nfrom = 2020-01-01\nhs = ["01"]\nsource = "s"\n'
    (place / "documents.toml").write_text(f'[[document]]\nid = "a"\nname = "A"\nissuer = "B"\n{broken}')

    with pytest.raises(LawError, match=told):
        load(tmp_path)


def test_a_country_has_the_documents_of_the_folder_above_it_and_none_where_there_are_none() -> None:
    assert LAW.permits("US") == ()
    assert {one.id for one in LAW.permits("DE")} >= {"cites", "ched-p"}
