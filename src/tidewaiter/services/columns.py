"""What a filer's headings stand for: said once with a sheet, and remembered for every sheet with the same headings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import structs

from tidewaiter.services.clear import Message, received_at
from tidewaiter.store import Store


async def with_columns(message: Message, titles: Sequence[str], *, store: Store) -> Message:
    """The sheet, whose headings are `titles`, with the mapping of columns that holds for it: its own, which is
    remembered, else the remembered.
    """
    key = hashlib.sha256(msgspec.json.encode(titles)).digest()
    known = await store.sheet_columns(filer=message.sender, titles=key)
    if not message.columns:
        return structs.replace(message, columns=known) if known else message
    if known != message.columns:
        await store.remember_columns(
            filer=message.sender, titles=key, columns=message.columns, at=received_at(message)
        )  # fmt: skip
    return message


def digest_of(message: Message) -> bytes:
    """What tells the message from others of its filer: its bytes, and its mapping of columns where it has one."""
    digest = hashlib.sha256(message.data).digest()
    if not message.columns:
        return digest
    return hashlib.sha256(digest + msgspec.json.encode(dict(message.columns), order="sorted")).digest()
