"""Several processes that answer on one address, each of which can keep a processor busy.

Python runs one thread of a process at a time, so one process lodges no more than one processor can. The first process
answers nobody: it starts the others, starts another in the place of one that ended, and does what is done beside the
answering. The others share nothing but the database. The system shares out among them who connects.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import sys
from contextlib import suppress

import uvloop

from tidewaiter import server
from tidewaiter.settings import Settings, SettingsError
from tidewaiter.wiring import HINDRANCES, House, open_house

log = logging.getLogger("tidewaiter.several")

ADDRESS_S = 10
"""So long is waited for the address: when a first process was killed, the others finish what they have begun."""
LOOK_S = 0.25
"""So often is tried meanwhile."""
ANEW_S = 1
"""So much later another begins in the place of one that ended: one that ends at once must not keep us busy."""

# A fork would take the threads' locks along, in whatever state they are.
_spawning = multiprocessing.get_context("spawn")


async def serve(house: House) -> None:
    """Answer by as many processes as the settings say, until this one is told to stop.

    Raises SettingsError where the address cannot be had, or as `server.application`.
    """
    settings = house.settings
    server.application(house)  # what each of them would raise is raised here, once
    places = await _places(settings)
    # Polars would take a thread a processor in each of them. They read it when they begin; our own is loaded already.
    threads = max(1, len(os.sched_getaffinity(0)) // settings.processes)
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    stopping = asyncio.Event()
    for told in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(told, stopping.set)
    async with server.working(house):
        answering = [asyncio.create_task(_keep_answering(settings, place)) for place in places]
        await stopping.wait()
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)


async def _places(settings: Settings) -> list[list[socket.socket]]:
    """The sockets of each process. Raises SettingsError."""
    for _ in range(int(ADDRESS_S / LOOK_S)):
        with suppress(SettingsError):
            return shared_out(settings.host, settings.port, settings.processes)
        await asyncio.sleep(LOOK_S)
    return shared_out(settings.host, settings.port, settings.processes)


def shared_out(host: str, port: int, count: int) -> list[list[socket.socket]]:
    """The sockets of so many processes at one address, among which the system shares out who connects.

    Raises SettingsError where the address is another's, or none of this machine.
    """
    try:
        found = {(family, address) for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        for family, address in found:
            _bound(family, address, is_shared=False).close()  # shared, it would be had beside another of the same user
        return [[_bound(family, address, is_shared=True) for family, address in found] for _ in range(count)]
    except OSError as hindered:
        raise SettingsError(f"{host}:{port} cannot be served: {hindered.strerror}") from None


def _bound(family: int, address: tuple[object, ...], *, is_shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


async def _keep_answering(settings: Settings, place: list[socket.socket]) -> None:
    """One process after the other answers there, until this is cancelled."""
    while True:
        try:
            code = await _one_answers(settings, place)
            log.critical("a process that answered has ended, another begins code=%s", code)
        except OSError as hindered:  # no memory, or too many processes: it may pass
            log.critical("no process could be begun error=%s", type(hindered).__name__)
        await asyncio.sleep(ANEW_S)


async def _one_answers(settings: Settings, place: list[socket.socket]) -> int | None:
    """How a process ended that answered there. From then on nobody listens there, and who connects comes to the others.
    Cancelled, it ends the process. Raises OSError where none can be begun."""
    process = _spawning.Process(target=_answer, args=(settings, place), daemon=True)
    process.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)
        process.terminate()
        await asyncio.to_thread(process.join)
        for one in place:
            with suppress(OSError):  # where it did not come to listen
                one.shutdown(socket.SHUT_RDWR)
    return process.exitcode


def _answer(settings: Settings, place: list[socket.socket]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of us; the first process says when to stop
    try:
        uvloop.run(_answering(settings, place))
    except HINDRANCES as hindered:
        log.critical("cannot answer: %s", hindered)
        sys.exit(2)


async def _answering(settings: Settings, place: list[socket.socket]) -> None:
    async with open_house(settings) as house:
        if first := multiprocessing.parent_process():
            _stop_after(first.sentinel)
        await server.answer(house, place)


def _stop_after(first: int) -> None:
    """Stops this process once the first has ended, which when killed could tell nobody to stop."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(first)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(first, stop)
