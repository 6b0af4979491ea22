"""A made-up world whose truth is known, to find out what the house sees of it.

`build` makes sellers, listings and buyers from a seeded generator; `run_weeks` sends their parcels, with schemes
planted among them, through the same corridor as any others, week by week: each is declared, and presented some days
later, judged by what was known before, a few are inspected, and what these show is known later. `measured` says how
much was found, `noticed` how soon something new is met by chance. Nothing here looks at a clock. May import
everything below it, and is imported by the doors alone.

What is measured here is true of this world. It says whether a detector works as it is meant to, and not how many real
parcels are of which kind.
"""

from tidewaiter.simulation.framing import TRUTH, filled
from tidewaiter.simulation.inspecting import FOUND, inspect
from tidewaiter.simulation.learning import examples, known, picked_by
from tidewaiter.simulation.measuring import Measured, Noticed, Recall, Share, as_lodged, measured, noticed
from tidewaiter.simulation.planting import USUAL_PLAN, Plan
from tidewaiter.simulation.running import CAPACITY, Week, picks, run_weeks, scores
from tidewaiter.simulation.world import SCHEMES, World, build

__all__ = [
    "CAPACITY",
    "FOUND",
    "SCHEMES",
    "TRUTH",
    "USUAL_PLAN",
    "Measured",
    "Noticed",
    "Plan",
    "Recall",
    "Share",
    "Week",
    "World",
    "as_lodged",
    "build",
    "examples",
    "filled",
    "inspect",
    "known",
    "measured",
    "noticed",
    "picked_by",
    "picks",
    "run_weeks",
    "scores",
]
