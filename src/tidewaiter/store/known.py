"""What is known of messages that are about to be lodged: one query each for all of them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import asyncpg
import polars as pl

from tidewaiter.model.identifiers import compact
from tidewaiter.model.past import TRACKING_IDS, Past
from tidewaiter.store.lodgements import StoredMessage

Declaration = tuple[str, str, str, int]
"""What names a declaration for ever: filer, reference, function, version (0 where it has none)."""


class Asked(NamedTuple):
    """What is asked: messages by (filer, digest), keys as (filer, key), declarations by (filer, reference), parcels."""

    digests: Collection[tuple[str, bytes]] = ()
    keys: Collection[tuple[str, str]] = ()
    references: Collection[tuple[str, str]] = ()
    tracking_ids: Collection[str] = ()


class Known(NamedTuple):
    """What is known of it: messages by their digest and by their key, declarations that were accepted, parcels.

    Of a declaration that stands its id and that of its message. What is not there is left out.
    """

    by_digest: dict[tuple[str, bytes], StoredMessage]
    by_key: dict[tuple[str, str], StoredMessage]
    standing: dict[Declaration, tuple[int, int]]
    past: Past


_BY_DIGEST = (
    "select m.filer, m.id, m.digest, m.source, m.format, m.answer"
    " from unnest($1::text[], $2::bytea[]) as w(filer, digest)"
    " join messages m on m.filer = w.filer and m.digest = w.digest"
)
_BY_KEY = (
    "select i.filer, i.key, m.id, m.digest, m.source, m.format, m.answer"
    " from unnest($1::text[], $2::text[]) as w(filer, key)"
    " join idempotency i on i.filer = w.filer and i.key = w.key join messages m on m.id = i.message_id"
)
_STANDING = (
    "select c.id, c.message_id, c.filer, c.reference, c.function, coalesce(c.version, 0) as version"
    " from unnest($1::text[], $2::text[]) as w(filer, reference)"
    " join consignments c on c.filer = w.filer and c.reference = w.reference"
    " where c.control <> 'not_accepted' and (c.function = 'original' or c.version is not null)"
)
_PAST = (
    "select tracking_id, reference, max(accepted_on) as last_on from of_parcels($1)"
    " where function = 'original' and control <> 'not_accepted' group by tracking_id, reference"
)


async def look_up(connection: asyncpg.Connection, asked: Asked) -> Known:
    """What is known of all that is asked."""
    digests = await _fetch(connection, _BY_DIGEST, asked.digests)
    keys = await _fetch(connection, _BY_KEY, asked.keys)
    standing = await _fetch(connection, _STANDING, asked.references)
    numbers = [compact(number) for number in asked.tracking_ids]
    parcels = await connection.fetch(_PAST, numbers) if numbers else []
    return Known(
        by_digest={(row["filer"], row["digest"]): _message(row) for row in digests},
        by_key={(row["filer"], row["key"]): _message(row) for row in keys},
        standing={
            (row["filer"], row["reference"], row["function"], row["version"]): (row["id"], row["message_id"])
            for row in standing
        },
        past=Past(tracking_ids=pl.DataFrame([tuple(row) for row in parcels], schema=TRACKING_IDS, orient="row")),
    )


async def _fetch(
    connection: asyncpg.Connection, query: str, pairs: Collection[tuple[str, str | bytes]]
) -> Sequence[asyncpg.Record]:
    if not pairs:
        return []
    rows: Sequence[asyncpg.Record] = await connection.fetch(query, *map(list, zip(*pairs, strict=True)))
    return rows


def _message(row: asyncpg.Record) -> StoredMessage:
    return StoredMessage(**{name: row[name] for name in StoredMessage.__struct_fields__})
