"""The commodity answers of the UK trade tariff API: JSON:API as it comes, or with what it includes put in place.

Only measures that lay on a duty or a tax are given. A tariff quota has its order number where an additional code would
stand. Source: the trade tariff API of HMRC, `/commodities/{code}`; for Northern Ireland the same with schedule "eu".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tidewaiter.law.official import taric
from tidewaiter.law.official.measure import Measure, OfficialError

Json = Mapping[str, Any]


def read(path: Path, schedule: str = "gb") -> Iterator[Measure]:
    """The import duties of one commodity. Raises OfficialError where the file is no such answer."""
    try:
        document = flat(msgspec.json.decode(path.read_bytes()))
        code = document["goods_nomenclature_item_id"]
        measures = document["import_measures"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise OfficialError(f"{path.name}: not a commodity of the trade tariff API ({error})") from error
    for measure in measures:
        kind = taric.kind(measure["measure_type"]["id"], measure["measure_type"].get("measure_type_series_id") or "")
        since = taric.day(measure.get("effective_start_date"))
        if kind is None or since is None:
            continue
        quota = (measure.get("order_number") or {}).get("number")
        additional = (measure.get("additional_code") or {}).get("code")
        acts = [act.get("published_date") for act in measure.get("legal_acts") or ()]
        conditions = frozenset(
            condition.get("condition_code", "") for condition in measure.get("measure_conditions") or ()
        )
        yield Measure(
            schedule=schedule,
            code=taric.prefix(code),
            origin=taric.origin(measure["geographical_area"]["id"]),
            excluded=tuple(sorted(area["id"] for area in measure.get("excluded_countries") or ())),
            kind=kind,
            additional_code=quota or additional or "",
            since=since,
            until=taric.day_after(measure.get("effective_end_date")),
            known_from=min(filter(None, map(taric.day, acts)), default=None),
            rate=taric.rate((measure.get("duty_expression") or {}).get("base") or "", conditions),
            measure=str(measure.get("id", "")),
            source=", ".join(
                act["regulation_code"] for act in measure.get("legal_acts") or () if act.get("regulation_code")
            )
            or "UK trade tariff API",
        )


def flat(document: Json) -> Json:
    """The answer with everything it includes in its place; as it is where that has been done."""
    if "data" not in document:
        return document
    included = {(one["type"], one["id"]): one for one in document.get("included", ())}

    def whole(one: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {"id": one["id"], **(one.get("attributes") or {})}
        for name, related in (one.get("relationships") or {}).items() if depth else ():
            to = (related or {}).get("data")
            if isinstance(to, list):
                found[name] = [whole(included.get((each["type"], each["id"]), each), depth - 1) for each in to]
            elif to:
                found[name] = whole(included.get((to["type"], to["id"]), to), depth - 1)
        return found

    return whole(document["data"], 2)
