"""What goods cost: a table made anew each day of what was accepted, and having it at hand when goods are compared."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import polars as pl

from tidewaiter.risk.history import NO_PRICES, PRICES, REMEMBERED_D, PeerTable, peer_table
from tidewaiter.store import Store

EVERY = timedelta(days=1)
"""So often is the table made anew."""
log = logging.getLogger(__name__)


async def make_prices(*, store: Store, at: datetime, every: timedelta = EVERY) -> int | None:
    """Of how many goods a table of prices was made; None where the one that holds is not old enough, or where another
    process has made one meanwhile.

    Raises StoreUnavailable.
    """
    newest = await store.history.newest_prices()
    if newest is not None and newest.at > at - every:
        return None
    with tempfile.TemporaryDirectory(prefix="tidewaiter-prices-") as folder:
        file = Path(folder) / "goods.csv"
        await store.history.goods(since=at - timedelta(days=REMEMBERED_D), file=file)
        goods, state = await asyncio.to_thread(_made, file)
    is_kept = await store.history.keep_prices(state, goods=goods, at=at, after=at - every)
    return goods if is_kept else None


def _made(file: Path) -> tuple[int, bytes]:
    # Polars takes a file of nothing for a fault.
    goods = pl.read_csv(file, has_header=False, schema=PRICES) if file.stat().st_size else pl.DataFrame(schema=PRICES)
    return len(goods), written(peer_table(goods))


def written(table: PeerTable) -> bytes:
    """The table to be kept, in Arrow's format for files."""
    state = BytesIO()
    table.frame.write_ipc(state, compression="zstd")
    return state.getvalue()


def read(state: bytes) -> PeerTable:
    """The table that was `written`."""
    return PeerTable(pl.read_ipc(BytesIO(state)))


@dataclass(slots=True)
class PriceShelf:
    """The table of prices at hand for lodging. While a new one is made ready the old one goes on."""

    store: Store
    _number: int | None = None
    _table: PeerTable = NO_PRICES
    _reading: asyncio.Task[None] | None = field(default=None, repr=False)

    async def table(self, number: int | None) -> PeerTable:
        """The table, where that of this number is the newest. It is waited for where none is at hand that tells
        anything; else the one before goes on, as where the new one cannot be read. Who asks next tries again."""
        if number is None or number == self._number:
            return self._table
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(number))
        reading = self._reading
        if not self._table.is_telling or reading.done():
            try:
                await asyncio.shield(reading)
            except Exception as hindered:
                log.error("prices not read error=%s", type(hindered).__name__)
            finally:
                if self._reading is reading and reading.done():
                    self._reading = None
        return self._table

    async def _read(self, number: int) -> None:
        state = await self.store.history.prices(number)
        if state is not None:
            self._table, self._number = await asyncio.to_thread(read, state), number
