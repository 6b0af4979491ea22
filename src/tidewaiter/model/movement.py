"""What comes beside declarations and is tied to them: a dispatch of the post, an event in the life of an item.

Each kind of movement is a record of its own, told apart by its tag; `Movement` is any of them, and what a message
format hands over in `Reading.movements`. A movement declares nothing: it says where a declared thing is.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from tidewaiter.model.about import about
from tidewaiter.model.money import check_exact


class DispatchedItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A postal item in a receptacle."""

    item_id: Annotated[str, about("S10 number of the item", wco="D023", purpose="identify", max_length=35)]
    gross_mass: Annotated[Decimal, about("Kilograms with packing", wco="126")] | None = None

    def __post_init__(self) -> None:
        check_exact(self.gross_mass, "gross_mass")


class Receptacle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bag, tray or container of a dispatch, and the items in it that are listed one by one."""

    id: Annotated[str, about("S9 number of the receptacle", wco="159", purpose="identify", max_length=35)]
    items: Annotated[tuple[DispatchedItem, ...], about("Items in it", purpose="route")] = ()


class Dispatch(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="dispatch"
):
    """A dispatch pre-advised by the office of exchange that made it up (UPU message PREDES)."""

    id: Annotated[
        str,
        about("Offices, category, subclass, year and number: the first 20 of S9", purpose="identify", max_length=35),
    ]
    message_id: Annotated[str, about("The sender's number of the message", purpose="answer", max_length=35)] | None = (
        None
    )
    issued_at: Annotated[datetime, about("When the message was made", wco="D011", tz=True)] | None = None
    sent_by: Annotated[str, about("Postal operator that sends it", purpose="identify", max_length=35)] | None = None
    sent_to: Annotated[str, about("Postal operator that receives it", purpose="identify", max_length=35)] | None = None
    conveyance: Annotated[str, about("Flight, voyage or vehicle", wco="149", purpose="route", max_length=35)] | None = (
        None
    )
    departs_at: Annotated[datetime, about("When it is to leave", purpose="route", tz=True)] | None = None
    arrives_at: Annotated[datetime, about("When it is to arrive", purpose="route", tz=True)] | None = None
    receptacles: Annotated[tuple[Receptacle, ...], about("Its receptacles", purpose="route")] = ()


class ItemEvent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="item_event"
):
    """Something that happened to a postal item (UPU message EMSEVT)."""

    item_id: Annotated[str, about("S10 number of the item", wco="D023", purpose="identify", max_length=35)]
    event: Annotated[str, about("EMA posted … EMI delivered", privacy="public", purpose="route", max_length=3)]
    at: Annotated[datetime, about("When it happened", purpose="route", tz=True)]
    office: Annotated[str, about("Office where it happened", purpose="route", max_length=35)] | None = None
    reason: Annotated[str, about("Why, as a code of the operator", purpose="control", max_length=17)] | None = None
    receptacle_id: (
        Annotated[str, about("S9 number of the receptacle it was in", wco="159", purpose="route", max_length=35)] | None
    ) = None
    message_id: Annotated[str, about("The sender's number of the message", purpose="answer", max_length=35)] | None = (
        None
    )
    issued_at: Annotated[datetime, about("When the message was made", wco="D011", tz=True)] | None = None
    sent_by: Annotated[str, about("Postal operator that sends it", purpose="identify", max_length=35)] | None = None
    sent_to: Annotated[str, about("Postal operator that receives it", purpose="identify", max_length=35)] | None = None


PRESENTED = "EDB"
"""The event of an item that is presented to customs of the country of import. Source: UPU EMSEVT version 3."""

Movement = Dispatch | ItemEvent
"""Any movement beside declarations. A new kind joins the union."""
