"""The card of a model: what it is, what it rests on, how good it is and what it is not for, on a page."""

from __future__ import annotations

from collections.abc import Iterator

from tidewaiter.risk.intervals import Area, Rate
from tidewaiter.risk.model.inputs import REASONS
from tidewaiter.risk.model.model import Model


def card(model: Model) -> str:
    """The card, in Markdown."""
    return "\n".join(_lines(model)) + "\n"


def _lines(model: Model) -> Iterator[str]:
    measured = model.measured
    yield f"# Risk model of {model.jurisdiction}, version {model.version}"
    yield ""
    yield f"Digest `{model.digest}`. Trained at {model.trained_at.isoformat()} by {model.fitted_by}."
    yield ""
    yield "## What it says"
    yield ""
    yield (
        "How likely it is that a look at a consignment finds something wrong, and which of a fixed list of reasons "
        "speak for that. It orders a queue. It decides nothing: what must be looked at is so by profiles, and the "
        "random share is drawn before it is asked."
    )
    yield ""
    yield "## What it was learnt from"
    yield ""
    yield (
        f"{_rate(model.examples)} inspections of consignments accepted from {model.since} to {model.until} found "
        f"something; of the random picks among them {_rate(model.drawn)}. Each was seen as it was known when it was "
        "accepted, and its result counts from when it was known."
    )
    yield ""
    yield "## How good it is"
    yield ""
    yield (
        "Measured going forward: each part of the time by trees that learnt from what was known before it began. "
        "Intervals hold the true figure 95 times in a hundred."
    )
    yield ""
    yield f"- Random picks: AUC {_area(measured.random)}."
    yield f"- All that were inspected, most of them chosen for their looks: AUC {_area(measured.picked)}."
    yield f"- Random picks found wrong: {_rate(measured.base)}."
    yield f"- The same of the fifth of them that scores highest: {_rate(measured.highest)}."
    yield ""
    yield "| random picks with a chance up to | expected | found |"
    yield "|---|---|---|"
    for band in measured.bands:
        yield f"| {band.most:.1%} | {band.expected:.1%} | {_rate(band.found)} |"
    yield ""
    yield "## What it looks at"
    yield ""
    yield "No attribute of a party, and nothing made of a name: a person is counted, never described."
    yield ""
    for key, words in REASONS.items():
        own = [f"`{name}`" for name, reason in zip(model.features, model.reasons, strict=True) if reason == key]
        if own:
            yield f"- {words}: {', '.join(own)}."
    yield ""
    yield "## What it is not for"
    yield ""
    yield (
        "Not to refuse, seize or fine: an adverse decision is a named person's. Not for another country or another "
        "kind of traffic. Not once it has drifted: `tidewaiter risk drift` says so. Of what nobody inspected it knows "
        "nothing; a new scheme is met by the random share first."
    )
    if model.before.strata:
        yield ""
        yield "## How things were, by stratum of random picks"
        yield ""
        yield "| section / origins / channel | found wrong |"
        yield "|---|---|"
        for name, found in model.before.strata.items():
            yield f"| {name} | {_rate(found)} |"


def _rate(rate: Rate) -> str:
    if rate.rate is None:
        return "none"
    return f"{rate.found:,} of {rate.looked_at:,} ({rate.rate:.1%}; {rate.low:.1%} to {rate.high:.1%})"


def _area(area: Area) -> str:
    return f"{area.value:.3f} ({area.low:.3f} to {area.high:.3f}), {area.wrong:,} wrong and {area.right:,} right"
