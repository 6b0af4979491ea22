"""A real PostgreSQL for the tests: embedded by default, or the one that TIDEWAITER_DATABASE_URL names."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest
from hypothesis import settings

import own_law_once  # noqa: F401 -- before anything that reads law
from make import blind
from tidewaiter.law import Law, load
from tidewaiter.settings import Settings
from tidewaiter.store import Store, open_store, start_embedded
from tidewaiter.wiring import House

settings.register_profile("ours", deadline=None)
settings.load_profile("ours")  # how long an example takes says more of the machine than of us
gc.set_threshold(50_000, 20, 50)  # as the server does; as it comes, a tenth of the whole run went into collecting

NOW = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def what_a_file_leaves_is_not_walked_through_again() -> Iterator[None]:
    """Thousands of tests leave a heap that takes a second to collect, and some collect a hundred times."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


LONGEST = (
    "test_web_browser", "test_ens_corpus", "test_schema", "test_access_routes", "test_official_us", "test_one_record",
    "test_web_learning", "test_official_us_layers", "test_conform_corpus", "test_conform", "test_risk_model_kept",
)  # fmt: skip
"""Files that take longest, the longest first: begun last, one of two processors would wait for them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the files that take longest (`--no-loadscope-reorder` keeps the order)."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session")
def law() -> Law:
    """Law with two of the profiles that look at the past, so that every test looks it up and keeps it, and without the
    rest: in one schema all tests send parcels from the same made-up shop to the same made-up person and do not mind
    each other's, which is a split purchase. What those see is told in test_history.py, under all of the law."""
    return blind(load(), but=("identity-reused", "scheme-borrowed"))


@pytest.fixture(scope="session")
def watchful() -> Law:
    """The law with all its profiles."""
    return load()


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return os.environ.get("TIDEWAITER_DATABASE_URL") or start_embedded(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def new_schema(database_url: str) -> Iterator[Callable[[], str]]:
    """Gives names of schemas that are not there; in a database of somebody's all are dropped in the end."""
    given: list[str] = []

    def new() -> str:
        given.append(f"test_{secrets.token_hex(6)}")
        return given[-1]

    async def drop() -> None:
        connection = await asyncpg.connect(database_url)
        for schema in given:
            await connection.execute(f'drop schema if exists "{schema}" cascade')
        await connection.close()

    yield new
    if "TIDEWAITER_DATABASE_URL" in os.environ:
        asyncio.run(drop())


@pytest.fixture(scope="session")
def schema(new_schema: Callable[[], str]) -> str:
    """One schema for all tests that do not mind each other's consignments."""
    return new_schema()


@pytest.fixture
async def store(database_url: str, schema: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url, schema=schema, connections_max=20)
    yield opened
    await opened.close()


@pytest.fixture
async def own_store(database_url: str, new_schema: Callable[[], str]) -> AsyncIterator[Store]:
    """A store with a schema of its own: nobody else's consignments are part of the past."""
    opened = await open_store(database_url, schema=new_schema(), connections_max=5)
    yield opened
    await opened.close()


@pytest.fixture
def filer() -> str:
    """A filer nobody else is."""
    return f"filer-{secrets.token_hex(4)}"


@pytest.fixture
async def house(database_url: str, schema: str, store: Store, law: Law) -> House:
    """Nothing is drawn at random: references are another filer's each time, and one in a hundred would be."""
    settings = Settings(database_url=database_url, database_schema=schema)
    return House(settings=settings, law=replace(law, draw_share_ppm=0), store=store, now=lambda: NOW)
