"""`tidewaiter deliver`: the delivery of webhooks in a process of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.console import Console

from tidewaiter.wiring import House

InHouse = Callable[[Callable[[House], Awaitable[None]]], None]


def deliver_command(err: Console, in_house: InHouse) -> Callable[[], None]:
    """The command."""

    async def work(house: House) -> None:
        from tidewaiter import server  # the web libraries take a third of a second that no other command needs

        err.print("delivering webhooks; Ctrl-C ends it")
        await server.deliver(house)

    def deliver() -> None:
        """Deliver webhooks, as `serve` does beside its other work. Any number of processes may: each receiver is served
        by one at a time."""
        in_house(work)

    return deliver
