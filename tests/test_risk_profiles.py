"""Profiles as files: what a file must hold, what a broken one does, and the fictional ones that come with the house."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import Any

import pytest

from tidewaiter.law import Law, load
from tidewaiter.law.rules import RiskFile
from tidewaiter.risk import ProfileError, read, ruleset

LAW = load()

GOOD = """
id = "example"
version = 3
title = "An example"
owner = "Example Office"
law = "Fictional"
from = 2021-01-01
lane = "examine"
score = 10
reason = "{item.net_mass} kg"
when = "item.net_mass > 5"

[[match]]
item.net_mass = "5.000001"

[[no_match]]
item.net_mass = 5
"""


def file(text: str, *, jurisdiction: str = "world") -> RiskFile:
    return RiskFile(jurisdiction=jurisdiction, name="example", content=tomllib.loads(text))


def law_with(*files: RiskFile) -> Law:
    """The law with these profiles in place of the world's."""
    world = dataclasses.replace(LAW.jurisdictions["world"], risk=files)
    digest = str(hash(tuple(str(file) for file in files)))
    return dataclasses.replace(LAW, jurisdictions={**LAW.jurisdictions, "world": world}, digest=digest)


def test_a_profile_is_read_with_all_it_says() -> None:
    profile = read(file(GOOD), LAW)

    assert (profile.id, profile.version, profile.lane, profile.score) == ("example", 3, "examine", 10)
    assert profile.countries == LAW.known
    assert profile.is_of_items
    assert not profile.fictional


def test_a_profile_of_one_country_holds_there_alone() -> None:
    assert read(file(GOOD, jurisdiction="gb"), LAW).countries == {"GB"}


def test_a_profile_of_a_union_holds_in_its_member_states() -> None:
    members = {country for country in LAW.known if "eu" in LAW.family(country)}

    assert read(file(GOOD, jurisdiction="eu"), LAW).countries == members
    assert "GB" not in members


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('id = "example"', 'id = "Example"', "'Example' cannot be an id"),
        ('id = "example"', 'id = "random"', "'random' cannot be an id"),
        ('id = "example"', "", "id is missing"),
        ("version = 3", 'version = "3"', "version must be a int"),
        ("version = 3", "version = true", "version must be a int"),
        ('owner = "Example Office"', 'owner = ""', "owner is missing"),
        ('law = "Fictional"', "", "law is missing"),
        ("from = 2021-01-01", "", "from is missing"),
        ("from = 2021-01-01", 'from = "2021-01-01"', "from must be a date"),
        ("score = 10", "score = 10\nuntil = 2021-01-01", "it ends before it begins"),
        ("score = 10", "score = 101", "score must be from 0 to 100"),
        ("score = 10", "score = 10\nurgency = 3", "unknown: urgency"),
        ("score = 10", 'score = 10\nchannel = "pigeon"', "channel = 'pigeon' is none of post, express, other"),
        ('lane = "examine"', 'lane = "seize"', "lane = 'seize' is none of"),
        ("{item.net_mass}", "{item.description}", "reason: {item.description} is no field with a figure"),
        ("{item.net_mass}", "{item.mass}", "reason: {item.mass} is no field with a figure"),
        ("item.net_mass > 5", "item.net_mas > 5", "when, line 1, column 1: no field is called item.net_mas;"),
        ("item.net_mass > 5", "1 < 2", "when: it looks at no field"),
        ("item.net_mass > 5", "listed('risk-nothing', item.hs_code)", "there is no list risk-nothing.csv in codes/"),
        ("item.net_mass > 5", "item.hs_code in list('risk-nothing')", "when: there is no list risk-nothing.csv"),
        ("item.net_mass > 5", "item.net_mass > 6", "example 1 of [[match]] does not match"),
        ("item.net_mass > 5", "item.net_mass >= 5", "example 1 of [[no_match]] matches"),
        ("item.net_mass > 5", "item.value_per_kg > 5", "example 1 of [[match]] does not match"),
        ("[[match]]", "[[nomatch]]", "unknown: nomatch"),
        ('[[no_match]]\nitem.net_mass = 5', "", "it needs at least one example [[no_match]]"),
        ("[[no_match]]\nitem.net_mass = 5", "[no_match]\nitem.net_mass = 5", "at least one example [[no_match]]"),
        ("item.net_mass = 5\n", "item.net_mass = 5.5\n", '[[no_match]]: item.net_mass must be a decimal; write'),
        ("item.net_mass = 5\n", 'item.net_mass = "a bit"\n', "item.net_mass = 'a bit' is no number"),
        ("item.net_mass = 5\n", "item.hs_code = 61\n", "item.hs_code must be text"),
        ("item.net_mass = 5\n", "item.mass = 5\n", "no field is called item.mass"),
        ("item.net_mass = 5\n", "net_mass = 5\n", "net_mass is no field"),
        ("item.net_mass = 5\n", "item.value_per_kg = 5\n", "is reckoned; give item.value, item.net_mass"),
        ("item.net_mass = 5\n", f"consignment.item_count = {2**63}\n", "consignment.item_count must be a whole number"),
        ("item.net_mass = 5\n", "item.additional_procedures = [1]\n", "must be a list of texts"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_profile_is_said(old: str, new: str, words: str) -> None:
    broken = GOOD.replace(old, new)
    assert broken != GOOD

    with pytest.raises(ProfileError) as caught:
        read(file(broken), LAW)
    assert words in str(caught.value)


def test_a_reason_about_the_whole_cannot_show_a_figure_of_an_item() -> None:
    whole = GOOD.replace("item.net_mass > 5", "consignment.gross_mass > 5")

    with pytest.raises(ProfileError, match="is of an item, and the condition is about the whole"):
        read(file(whole), LAW)


def test_a_mistake_far_down_is_found_by_line_and_column() -> None:
    text = GOOD.replace('when = "item.net_mass > 5"', "when = '''\nitem.net_mass > 5\n  || item.hs_code > 5\n'''")

    with pytest.raises(ProfileError, match="when, line 2, column 19: cannot compare text with a whole number"):
        read(file(text), LAW)


def test_a_broken_profile_is_left_out_and_does_not_stop_the_others() -> None:
    broken = dataclasses.replace(file(GOOD.replace("> 5", "> 'a'")), name="broken")
    rules = ruleset(law_with(file(GOOD), broken, file(GOOD.replace('"example"', '"other"'))))

    assert [profile.id for profile in rules.profiles] == ["example", "other"]
    assert [(fault.jurisdiction, fault.name) for fault in rules.faults] == [("world", "broken")]
    assert "line 1, column 15" in rules.faults[0].text


def test_the_same_version_twice_is_a_fault_and_another_version_is_not() -> None:
    rules = ruleset(law_with(file(GOOD), file(GOOD), file(GOOD.replace("version = 3", "version = 4"))))

    assert [profile.version for profile in rules.profiles] == [3, 4]
    assert [fault.text for fault in rules.faults] == ["version 3 of example is there twice"]


def test_whatever_a_file_holds_it_is_a_fault_and_no_exception() -> None:
    odd: list[Any] = [None, 1, 1.5, "x", [], [1], {}, {"a": 1}, [{"item": 1}], [{"item": {"net_mass": []}}], True]
    base = tomllib.loads(GOOD)
    files = [
        RiskFile(jurisdiction="world", name=key, content={**base, key: value})
        for key in [*base, "until"]
        for value in odd
    ]

    rules = ruleset(law_with(*files))

    assert len(rules.faults) + len(rules.profiles) == len(files)
    assert {fault.name for fault in rules.faults} == {*base, "until"}


def test_the_profiles_that_come_with_the_house_are_whole_and_fictional() -> None:
    rules = ruleset(LAW)

    assert rules.faults == ()
    assert len(rules.profiles) >= 10
    assert all(profile.fictional and profile.id.startswith("fiction-") for profile in rules.profiles)
