"""Lodging: a message takes effect once, is kept, and is answered after everything is committed.

The same bytes from the same filer are one lodgement, whose answer is given again: those of a sheet under the same
mapping of its columns, which is remembered. A reference that stands already is no second declaration: with the same
content it is the first again, with other content a conflict. Orders, payments and waybills are kept, and declarations
are matched with them. Where the post says that an item is presented to customs, the goods that were declared before are
presented with it.

Many are lodged as one: they are read together, looked up together, go through the corridor together and are committed
together. What comes of it is what would have come had they been lodged one after the other, in their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import structs

from tidewaiter.law import Law
from tidewaiter.model.identifiers import compact
from tidewaiter.model.movement import PRESENTED, ItemEvent
from tidewaiter.services import match
from tidewaiter.services.clear import Message, received_at
from tidewaiter.services.judging import Judged, KeyTaken, Lodged, judge, keep
from tidewaiter.services.preparing import Desk, Lodging, Prepared, independent, prepare
from tidewaiter.services.present import present_arrived
from tidewaiter.services.screen import Shelf
from tidewaiter.store import AlreadyThere, Store, StoreUnavailable

__all__ = ["Desk", "KeyTaken", "Lodged", "Lodging", "TryAgain", "lodge", "lodge_all", "settle"]

ATTEMPTS = 5
"""So often is a lodgement tried anew that met another one with the same bytes, key or reference."""
AWAY_AFTER = 2
"""After so many messages in a row for which the store could not be reached, the rest are not tried."""


class TryAgain(Exception):
    """Others lodge the same references at the same time, again and again: nothing was kept of this one."""


async def lodge(
    message: Message,
    *,
    store: Store,
    law: Law,
    at: datetime,
    jurisdiction: str | None = None,
    key: str | None = None,
    person_key: bytes = match.PUBLIC_KEY,
    signers: Collection[str] = (),
) -> Lodged:
    """What became of the message, once it is committed. `message.sender` is the filer, `at` when it was received.

    The rest as in `Desk`. Raises KeyTaken where `key` belongs to another message, TryAgain where it could not be
    lodged now, StoreUnavailable.
    """
    shelf = Shelf(store)
    desk = Desk(store=store, law=law, jurisdiction=jurisdiction, person_key=person_key, signers=signers, shelf=shelf)
    [done] = await lodge_all([Lodging(structs.replace(message, received_at=at), key)], desk)
    if isinstance(done, Exception):
        raise done
    return done


async def lodge_all(lodgings: Sequence[Lodging], desk: Desk) -> list[Lodged | Exception]:
    """What became of each, as if lodged in this order; or what `lodge` would have raised."""
    results: dict[int, Lodged | Exception] = {}
    waiting: list[tuple[int, Prepared]] = []
    for place, one in enumerate(await prepare(lodgings, desk)):
        if isinstance(one, Prepared):
            waiting.append((place, one))
        else:
            results[place] = one
    while waiting:
        now = independent([one for _, one in waiting])
        done = await settle([waiting[place][1] for place in now], desk)
        results.update((waiting[place][0], result) for place, result in zip(now, done, strict=True))
        waiting = [one for place, one in enumerate(waiting) if place not in now]
    return [results[place] for place in range(len(lodgings))]


async def settle(
    prepared: Sequence[Prepared], desk: Desk, judged: Judged | Exception | None = None
) -> list[Lodged | Exception]:
    """What became of each, all committed together; where that fails, each for itself. They are `independent`.

    `judged` is what `judge` made of them, where it was asked already.
    """
    results = await _settle_together(prepared, desk, judged)
    if results is not None:
        return await _with_arrivals(prepared, results, desk)
    away, one_by_one = 0, list[Lodged | Exception]()
    for one in prepared:
        alone = await _settle_together([one], desk) if away < AWAY_AFTER else None
        [result] = alone or [StoreUnavailable("it was away for those before")]
        away = away + 1 if isinstance(result, StoreUnavailable) else 0
        one_by_one.append(result)
    return await _with_arrivals(prepared, one_by_one, desk)


async def _with_arrivals(
    prepared: Sequence[Prepared], results: Sequence[Lodged | Exception], desk: Desk
) -> list[Lodged | Exception]:
    """The results, once what the post says is there is presented. Where that fails now the sender is told so, who sends
    again: then the message is lodged already, and the goods are presented once."""
    done = list(results)
    arriving: dict[str, set[str]] = defaultdict(set)
    told: dict[str, list[int]] = defaultdict(list)
    for place, (one, result) in enumerate(zip(prepared, results, strict=True)):
        if isinstance(result, Lodged) and (numbers := _arriving(one, result)):
            arriving[one.message.sender] |= numbers
            told[one.message.sender].append(place)
    for filer, places in told.items():
        at = max(received_at(prepared[place].message) for place in places)
        try:
            await present_arrived(arriving[filer], filer=filer, desk=desk, at=at)
        except Exception as hindered:  # of one filer's goods: the others have their results
            for place in places:
                done[place] = hindered
    return done


def _arriving(one: Prepared, result: Lodged) -> set[str]:
    """The parcels of which a message says that they are presented, and those of goods that it declares as not there
    yet: their event may have come before."""
    numbers = {
        compact(event.item_id)
        for event in one.reading.movements
        if isinstance(event, ItemEvent) and event.event == PRESENTED
    }
    if any(made.decision.control == "lodged" for made in result.results):
        tracked = (declared.consignment.tracking_id for declared in one.reading.declared)
        numbers |= {compact(number) for number in tracked if number is not None}
    return numbers


async def _settle_together(
    prepared: Sequence[Prepared], desk: Desk, judged: Judged | Exception | None = None
) -> list[Lodged | Exception] | None:
    """None where many failed together."""
    for _ in range(ATTEMPTS):
        try:
            judged = await judge(prepared, desk) if judged is None else judged
            if isinstance(judged, Exception):
                raise judged
            return await keep(judged, prepared, desk)
        except AlreadyThere:
            judged = None
        except Exception as error:
            return [error] if len(prepared) == 1 else None
    return [TryAgain()] if len(prepared) == 1 else None
