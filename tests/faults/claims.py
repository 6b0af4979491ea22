"""What was acknowledged, and what must have come of it, as questions to the database whose answer must be yes."""

from __future__ import annotations

from typing import Any, NamedTuple

from tidewaiter.services.judging import Lodged


class Claim(NamedTuple):
    """What is claimed, and the question: it gives one value, which must be true."""

    what: str
    query: str
    given: tuple[Any, ...] = ()


def kept(done: Lodged, *, filer: str, data: bytes) -> Claim:
    """That the message which was answered so is kept as it came, with that answer."""
    return Claim(
        "I1 an acknowledged message is kept byte for byte with its answer",
        "select exists (select from messages where id = $1 and filer = $2 and raw = $3 and answer = $4)",
        (done.message_id, filer, data, done.answer),
    )


def counted(what: str, source: str, number: int, *given: Any) -> Claim:
    """That so many rows are there."""
    return Claim(f"{what}: {number}", f"select count(*) = {number} from {source}", given)


def messages(filer: str, number: int) -> Claim:
    """That a filer lodged so many messages."""
    return counted("messages of the filer", "messages where filer = $1", number, filer)


def consignments(filer: str, number: int) -> Claim:
    """That so many consignments of a filer were judged."""
    return counted("consignments of the filer", "consignments where filer = $1", number, filer)


def key_held(filer: str, key: str, data: bytes) -> Claim:
    """That the key belongs to the message of these bytes."""
    return Claim(
        "I2 the Idempotency-Key belongs to its message",
        "select exists (select from idempotency i join messages m on m.id = i.message_id where i.filer = $1"
        " and i.key = $2 and m.raw = $3)",
        (filer, key, data),
    )


def acted(id: int, kind: str, number: int = 1) -> Claim:
    """That this was done so often with a consignment."""
    return counted(f"acts of {kind}", "acts where consignment_id = $1 and kind = $2", number, id, kind)


def stands(id: int, control: str) -> Claim:
    """That a consignment is in this state of control."""
    return counted(f"it is {control}", "consignments where id = $1 and control = $2", 1, id, control)
