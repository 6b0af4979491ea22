"""A receipt for a lodgement: with our public key, anyone can see from it what was lodged, when, and its log index.

One signature is made over all that one commit wrote: the root of a Merkle tree over its leaves, with the index of the
first. A receipt is that signature, the index of its leaf, the leaf, and the path from there to the root, in one line:
`JWS~index~leaf~path`, the last two in base64url. It has one spelling. See docs/reference/audit.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec
from joserfc.jwk import OKPKey

from tidewaiter.audit.leaf import Leaf, Lodged
from tidewaiter.audit.merkle import HASH_BYTES, leaf_hash, levels_of, path_in, root_by_path
from tidewaiter.services.audit import LogDamaged
from tidewaiter.services.signing import Unverified, decoded, encoded, opened, sign
from tidewaiter.store import Commit, Store

TYPE = "tidewaiter-receipt"
BYTES_MAX = 1 << 18
"""A receipt has about 1,300 bytes, and at most some 90,000 where many consignments were in the message."""
FORM = re.compile(rb"[A-Za-z0-9_.-]+~(?:0|[1-9][0-9]{0,18})~[A-Za-z0-9_-]*~[A-Za-z0-9_-]*")
"""What tells a receipt of this kind from one for charges, which is JSON."""


class Signed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed for one commit: the log, the index of its first leaf, how many there are, and their root."""

    first: int
    log: str
    root: str
    size: int


class LodgementReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt says: the leaf of the lodgement has this index in this log. `entry` are the bytes of the leaf."""

    log: str
    index: int
    leaf: Lodged
    entry: bytes


async def receipt_of(message_id: int, *, filer: str, store: Store, key: OKPKey) -> str | None:
    """The receipt of this filer's message; None where there is no such, or it was lodged before the log began.

    Raises LogDamaged.
    """
    commit = await store.commit_of(message_id, filer=filer)
    return receipts_of(commit, key).get(message_id) if commit is not None else None


def receipts_of(commit: Commit, key: OKPKey) -> dict[int, str]:
    """The receipts of all messages that one commit wrote, by our numbers of them. Raises LogDamaged."""
    for row in commit.rows:
        if leaf_hash(row.entry) != row.hash:
            raise LogDamaged(f"entry {row.index}", "it is not what was written: its hash is another")
    levels = levels_of([row.hash for row in commit.rows])
    payload = Signed(
        first=commit.rows[0].index, log=commit.origin, root=encoded(levels[-1][0]), size=len(commit.rows)
    )  # fmt: skip
    token = sign(msgspec.json.encode(payload, order="sorted"), key, TYPE)
    leaves = [(place, row, msgspec.json.decode(row.entry, type=Leaf)) for place, row in enumerate(commit.rows)]
    return {
        leaf.message: "~".join([token, str(row.index), encoded(row.entry), encoded(b"".join(path_in(levels, place)))])
        for place, row, leaf in leaves
        if isinstance(leaf, Lodged)
    }


def verify(data: bytes, key: OKPKey, *, messages: Sequence[bytes] = ()) -> LodgementReceipt:
    """What the receipt in these bytes says, which the holder of the key signed. Raises Unverified.

    Where messages are given, it must be of one of them. A line end after the receipt is none of it.
    """
    text = data.removesuffix(b"\n")
    if len(text) > BYTES_MAX or not FORM.fullmatch(text):
        raise Unverified("this is no receipt for a lodgement")
    token, index, leaf, path = text.decode().split("~")
    signed = _signed(opened(token, key, TYPE))
    try:
        entry, hashes, root = decoded(leaf), decoded(path), decoded(signed.root)
    except ValueError:
        raise Unverified("it is not spelt as it was given") from None
    steps = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    if root_by_path(leaf_hash(entry), int(index) - signed.first, signed.size, steps) != root:
        raise Unverified("what it says was changed after it was signed")
    try:
        said = msgspec.json.decode(entry, type=Lodged)
    except msgspec.DecodeError:
        raise Unverified("it is not of a lodgement") from None
    if messages and said.sha256 not in {hashlib.sha256(message).hexdigest() for message in messages}:
        raise Unverified("it is of another message")
    return LodgementReceipt(log=signed.log, index=int(index), leaf=said, entry=entry)


def _signed(payload: bytes) -> Signed:
    try:
        return msgspec.json.decode(payload, type=Signed)
    except msgspec.DecodeError:
        raise Unverified("what was signed is of another version") from None
