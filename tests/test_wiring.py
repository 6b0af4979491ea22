from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from tidewaiter.settings import Settings
from tidewaiter.wiring import clock, law_of, open_house

pytestmark = pytest.mark.anyio


async def test_a_house_opens_with_its_store_and_shuts_it_again(
    database_url: str, new_schema: Callable[[], str], tmp_path: Path
) -> None:
    settings = Settings(database_url=database_url, database_schema=new_schema(), data_dir=tmp_path)

    async with open_house(settings) as house:
        assert await house.store.is_ready()
    assert not await house.store.is_ready()


async def test_the_draw_is_keyed_by_the_setting() -> None:
    assert law_of(Settings(draw_key="sixteen letters!")).draw_key == b"sixteen letters!"
    assert law_of(Settings()).draw_key != b"sixteen letters!"


async def test_the_clock_tells_aware_instants() -> None:
    assert clock().tzinfo is UTC
