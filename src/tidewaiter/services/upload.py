"""Uploading: a message arrives in parts, over a link that breaks, and is lodged once it is whole.

What is durable never has to be sent again, and nothing is durable twice. A whole upload goes to the same intake as any
message, under its Idempotency-Key or its own id, so that asking again gives the answer again and has no second effect.

Source: Resumable Uploads for HTTP, draft-ietf-httpbis-resumable-upload; RFC 9530 for the digest of the whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from tidewaiter.store import Store, Upload

PART_BYTES = 256 * 1024
"""At most so much is held before it is committed."""


class TooManyUploads(RuntimeError):
    """The filer has as many uploads that are not lodged as one may have."""


class NoUpload(RuntimeError):
    """The filer has no such upload, or it expired, or was given up."""


class OffsetDiffers(RuntimeError):
    """The upload does not stand where the sender goes on from."""

    def __init__(self, upload: Upload, offered: int) -> None:
        super().__init__(upload.received, offered)
        self.upload, self.offered = upload, offered


class TakenOver(RuntimeError):
    """Another request about the upload came later: this one may not go on."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.received)
        self.upload = upload


class Complete(RuntimeError):
    """The upload is complete already, and nothing can be added."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.received)
        self.upload = upload


class LengthDiffers(RuntimeError):
    """What the sender says of the length does not agree with what it said, or with what came."""


class TooLong(RuntimeError):
    """The upload is, or will be, longer than a message may be."""


class DigestDiffers(RuntimeError):
    """The bytes are not those that the sender meant. Unless it was lodged before, the upload is gone."""


class AnotherDigest(RuntimeError):
    """The sender said before that the whole has another digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a request says of an upload that it goes on with. `is_last` where it completes it; `length` and `sha256` are
    those of the whole, and `bytes` how long its own content is, where it says so."""

    received: int
    is_last: bool
    length: int | None = None
    sha256: bytes | None = None
    bytes: int | None = None

    @property
    def told_length(self) -> int | None:
        """The length of the whole, said either way. Raises LengthDiffers where both ways are used and do not agree."""
        told = self.received + self.bytes if self.is_last and self.bytes is not None else None
        if None not in (told, self.length) and told != self.length:
            raise LengthDiffers
        return self.length if told is None else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """Where uploads are kept, and what is allowed: bytes of one, how many open ones of a filer, for how long."""

    store: Store
    bytes_max: int
    open_max: int
    age_max: timedelta


async def begin(claim: Claim, *, filer: str, key: str | None, yard: Yard, at: datetime) -> Upload:
    """A new upload, or the one that was begun before under the key. Nothing is appended yet.

    Raises TooManyUploads, TooLong, LengthDiffers, AnotherDigest.
    """
    length = _within(claim, yard)
    begun = await yard.store.uploads.begin(
        secrets.token_urlsafe(24), filer=filer, key=key, length=length, sha256=claim.sha256, at=at,
        until=at + yard.age_max, open_max=yard.open_max,
    )  # fmt: skip
    if begun is None:
        raise TooManyUploads
    _agree(begun, length, claim.sha256)
    return begun


async def take(id: str, claim: Claim, parts: AsyncIterator[bytes], *, filer: str, yard: Yard, at: datetime) -> Upload:
    """The upload with what came, all of it durable; complete where the claim says so. An empty part commits what came.

    Where `parts` raises, what came before is durable all the same and the upload is not complete. Raises NoUpload,
    OffsetDiffers, TakenOver, Complete, TooLong, LengthDiffers, AnotherDigest.
    """
    store = yard.store
    found = await store.uploads.find(id, filer=filer, at=at)
    if found is None:
        raise NoUpload
    if found.is_complete:
        return await _asked_again(found, claim, parts)
    if found.received != claim.received:
        raise OffsetDiffers(found, claim.received)
    length = _within(claim, yard)
    _agree(found, length, claim.sha256)
    most = found.length if found.length is not None else length
    if most is not None and claim.bytes is not None and claim.received + claim.bytes > most:
        raise LengthDiffers
    upload = await store.uploads.claim(
        id, filer=filer, received=claim.received, length=length, sha256=claim.sha256, at=at
    )
    if upload is None:
        raise await _moved_on(found, claim, yard, at)
    taken = _Taking(upload, yard, at)
    try:
        async for part in parts:
            await taken.add(part)
    except _OURS:
        raise
    except Exception:
        await taken.flush()
        raise
    return await taken.flush(is_last=claim.is_last)


async def whole(upload: Upload, *, store: Store) -> bytes:
    """The bytes of a complete upload. Raises NoUpload, DigestDiffers."""
    data = await store.uploads.content(upload)
    if data is None:
        raise NoUpload
    if len(data) != upload.received:
        raise RuntimeError(f"an upload of {upload.received} bytes has {len(data)}")
    if upload.sha256 is not None and (await asyncio.to_thread(hashlib.sha256, data)).digest() != upload.sha256:
        if upload.message_id is None:
            await store.uploads.discard(upload.id, filer=upload.filer, at=upload.expires_at)
        raise DigestDiffers
    return data


def key_of(upload: Upload) -> str:
    """The Idempotency-Key under which the upload is lodged."""
    return upload.key if upload.key is not None else f"upload:{upload.id}"


async def _asked_again(found: Upload, claim: Claim, parts: AsyncIterator[bytes]) -> Upload:
    """A complete upload, asked for its answer by a claim that completes it once more and adds nothing."""
    if found.received != claim.received:
        raise OffsetDiffers(found, claim.received)
    if not claim.is_last:
        raise Complete(found)
    async for part in parts:
        if part:
            raise LengthDiffers
    _agree(found, claim.told_length, claim.sha256)
    return found if claim.sha256 is None else structs.replace(found, sha256=claim.sha256)


async def _moved_on(found: Upload, claim: Claim, yard: Yard, at: datetime) -> Exception:
    """Why the upload could not be claimed: another was faster."""
    now = await yard.store.uploads.find(found.id, filer=found.filer, at=at)
    return NoUpload() if now is None else OffsetDiffers(now, claim.received)


def _within(claim: Claim, yard: Yard) -> int | None:
    """The length of the whole, where the claim says it. Raises TooLong, LengthDiffers."""
    length = claim.told_length
    least = max(length or 0, claim.received + (claim.bytes or 0))
    if least > yard.bytes_max:
        raise TooLong
    if length is not None and least > length:
        raise LengthDiffers
    return length


def _agree(upload: Upload, length: int | None, sha256: bytes | None) -> None:
    """Raises LengthDiffers, AnotherDigest where something else was said of the upload before."""
    if None not in (upload.length, length) and upload.length != length:
        raise LengthDiffers
    if None not in (upload.sha256, sha256) and upload.sha256 != sha256:
        raise AnotherDigest


class _Taking:
    """What comes of one request, gathered into parts that are committed one by one."""

    def __init__(self, upload: Upload, yard: Yard, at: datetime) -> None:
        self._upload, self._yard, self._at = upload, yard, at
        self._held = bytearray()

    async def add(self, part: bytes) -> None:
        """Takes more. Raises TakenOver, NoUpload; TooLong, and nothing of the part is kept; LengthDiffers, and the
        upload is gone."""
        size = self._upload.received + len(self._held) + len(part)
        if self._upload.length is not None and size > self._upload.length:
            # The draft wants it so: nobody can know which of the bytes were meant.
            await self._yard.store.uploads.discard(self._upload.id, filer=self._upload.filer, at=self._at)
            raise LengthDiffers
        if size > self._yard.bytes_max:
            raise TooLong
        self._held += part
        if len(self._held) >= PART_BYTES or not part:
            await self.flush()

    async def flush(self, *, is_last: bool = False) -> Upload:
        """Commits what is held. Raises TakenOver, NoUpload, and LengthDiffers where too little came for the last."""
        length = self._upload.length
        is_short = is_last and length is not None and self._upload.received + len(self._held) < length
        if self._held or (is_last and not is_short):
            moved = await self._yard.store.uploads.append(
                self._upload, bytes(self._held), is_complete=is_last and not is_short,
                until=self._at + self._yard.age_max,
            )  # fmt: skip
            if moved is None:
                raise await self._lost()
            self._upload = moved
            self._held.clear()
        if is_short:
            raise LengthDiffers
        return self._upload

    async def _lost(self) -> Exception:
        now = await self._yard.store.uploads.find(self._upload.id, filer=self._upload.filer, at=self._at)
        return NoUpload() if now is None else TakenOver(now)


_OURS = (TakenOver, NoUpload, LengthDiffers)
"""After these nothing more can be kept."""


async def sweep(*, store: Store, at: datetime) -> int:
    """How many uploads expired and are gone."""
    return await store.uploads.sweep(at)
