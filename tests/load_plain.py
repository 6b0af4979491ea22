"""What anybody would write first, to compare with: FastAPI and SQLAlchemy, a transaction a request, no assessment."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import BigInteger, Identity, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = os.environ.get("LOAD_SCHEMA", "load_plain")
ENGINE = create_async_engine(
    os.environ.get("LOAD_DATABASE_URL", "postgresql://").replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=20,
    max_overflow=0,
    connect_args={"server_settings": {"search_path": SCHEMA}},
)
SESSION = async_sessionmaker(ENGINE, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Lodged(Base):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    reference: Mapped[str] = mapped_column(Text, unique=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with ENGINE.begin() as connection:
        await connection.execute(text("select pg_advisory_xact_lock(1)"))  # several may begin at once
        await connection.execute(text(f'create schema if not exists "{SCHEMA}"'))
        await connection.run_sync(Base.metadata.create_all)
    yield
    await ENGINE.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/plain")
async def lodge(body: dict[str, Any]) -> dict[str, int]:
    async with SESSION() as session:
        one = Lodged(reference=body["reference"], body=body)
        session.add(one)
        await session.commit()
        return {"id": one.id}
