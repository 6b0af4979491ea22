"""Replying to what was asked: a filer's text, documents, or an amendment it lodged. Each request is replied to once.

What is said is personal and kept apart; that it was said, its digest and what follows are committed with it. A reply
decides nothing: it brings the consignment back to where an officer, or the assessment, looks at it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from tidewaiter.access import Principal
from tidewaiter.clearance import REPLIED
from tidewaiter.model.answer import AnswerKind
from tidewaiter.model.outcome import Decision
from tidewaiter.services.acting import CannotNow, NotAllowed, Step, said, seen
from tidewaiter.services.rule import rule
from tidewaiter.store import Acting, Channel, Document, NewReply, Store, StoredConsignment

TEXT_MAX = 4_000
DOCUMENTS_MAX = 20
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png", "text/plain")
"""What a document may be: nothing that runs when it is opened."""
_BEGINS: Mapping[str, bytes] = {"application/pdf": b"%PDF-", "image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n"}
_RECEIVED: tuple[AnswerKind, ...] = ("received",)
_WORD = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]*")


class Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document of a reply: `type` as the declaration would name it (N380), `number` its own, `name` of the file.

    `content` in base64 is optional where its number says enough, and then needs its `media_type`.
    """

    type: str = ""
    number: str = ""
    name: str = ""
    media_type: str = ""
    content: str = ""


class Saying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reply. `channel` says to what, where several things are asked: security (information) or control (documents).

    `amendment` is the number of the filer's message that amended the declaration.
    """

    text: str = ""
    documents: tuple[Sent, ...] = ()
    amendment: int | None = None
    channel: Channel | None = None


class Replied(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended: the number of the reply, what it answered, its digest (SHA-256), and where the consignment stands.

    `is_repeat` where it had been sent before.
    """

    reply: int
    channel: Channel
    sha256: str
    security: str
    control: str
    is_repeat: bool = False


async def reply(
    id: int, saying: Saying, *, principal: Principal, store: Store, at: datetime, key: str | None = None
) -> Replied:
    """How it ended. The same again, under the same key or with nothing asked since, is done once.

    Raises NotThere, NotAllowed, CannotNow, and MovedOn where somebody else was first.
    """
    documents, contents = _documents(saying.documents)
    text = _text(saying.text)
    if not text and not documents and saying.amendment is None:
        raise CannotNow("empty_reply")
    digest = _digest(id, text, documents, saying.amendment)
    async with store.acts.on(id) as found:
        acting = seen(found, principal)
        ruling = rule(principal, "reply", acting.stored)
        if not ruling.allowed:
            raise NotAllowed(ruling.policy)
        actor = _actor(principal, acting)
        before = await _before(acting, actor, digest, key)
        if before is not None:
            return before
        channel = _channel(acting.stored, saying.channel)
        if saying.amendment is not None and not await acting.amended_by(saying.amendment):
            raise CannotNow("amendment")
        step = Step(decision=_after(acting.stored, channel), kinds=_RECEIVED)
        answers, message = said(acting, step, at=at)
        number = await acting.reply(
            NewReply(
                channel=channel, at=at, actor=actor, digest=digest, text=text, documents=documents,
                contents=contents, amendment=saying.amendment, key=key,
            ),
            step.decision, answers=answers, message=message,
        )  # fmt: skip
        return Replied(
            reply=number, channel=channel, sha256=digest.hex(), security=step.decision.security,
            control=step.decision.control,
        )  # fmt: skip


def asked_on(stored: StoredConsignment) -> tuple[Channel, ...]:
    """The channels on which something is asked of the filer."""
    open_: list[Channel] = []
    if stored.security == "information_requested":
        open_.append("security")
    if stored.control == "documents_requested":
        open_.append("control")
    return tuple(open_)


async def _before(acting: Acting, actor: str, digest: bytes, key: str | None) -> Replied | None:
    """What had been replied: under this key, or the very same as the last where nothing is asked since."""
    kept = await acting.replied_under(actor, key) if key is not None else None
    if kept is not None and (kept.consignment_id, kept.digest) != (acting.stored.id, digest):
        raise CannotNow("key_taken")
    if kept is None and not asked_on(acting.stored):
        last = await acting.last_reply()
        kept = last if last is not None and last.digest == digest else None
    if kept is None:
        return None
    return Replied(
        reply=kept.id, channel=kept.channel, sha256=digest.hex(), security=acting.stored.security,
        control=acting.stored.control, is_repeat=True,
    )  # fmt: skip


def _actor(principal: Principal, acting: Acting) -> str:
    """Whose account replies. In an open house, where nobody has one, it is the filer's name."""
    return acting.stored.filer if principal.kind == "open" else principal.id


def _channel(stored: StoredConsignment, named: Channel | None) -> Channel:
    asked = asked_on(stored)
    if not asked or (named is not None and named not in asked):
        raise CannotNow("no_request")
    if named is None and len(asked) > 1:
        raise CannotNow("which_request")
    return named or asked[0]


def _after(stored: StoredConsignment, channel: Channel) -> Decision:
    """Where a consignment stands once its filer has replied: assessed again, or before an officer."""
    before = Decision(security=stored.security, control=stored.control, reasons=(REPLIED,))
    if channel == "security":
        return msgspec.structs.replace(before, security="pending")
    return msgspec.structs.replace(before, control="hold")


def _text(text: str) -> str:
    told = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    if len(told) > TEXT_MAX or not all(_WORD.fullmatch(line) for line in told.split("\n")):
        raise CannotNow("reply_unfit")
    return told


def _documents(sent: Sequence[Sent]) -> tuple[tuple[Document, ...], tuple[bytes, ...]]:
    """The documents and their contents. Raises CannotNow."""
    if len(sent) > DOCUMENTS_MAX:
        raise CannotNow("reply_unfit")
    documents, contents = [], []
    for one in sent:
        words = (one.type, one.number, one.name, one.media_type)
        if not (one.type or one.number) or any(len(word) > 100 or not _WORD.fullmatch(word) for word in words):
            raise CannotNow("reply_unfit")
        content = _content(one)
        contents.append(content)
        documents.append(
            Document(
                type=one.type, number=one.number, name=one.name, media_type=one.media_type, size=len(content),
                sha256=hashlib.sha256(content).hexdigest() if content else "",
            )
        )  # fmt: skip
    return tuple(documents), tuple(contents)


def _content(one: Sent) -> bytes:
    try:
        content = base64.b64decode(one.content, validate=True)
    except (binascii.Error, ValueError):
        raise CannotNow("reply_unfit") from None
    # What says it is a picture must begin as one: else a browser may make something else of it.
    begins = _BEGINS.get(one.media_type, b"")
    if bool(content) != bool(one.media_type) or (
        content and (one.media_type not in MEDIA_TYPES or not content.startswith(begins))
    ):
        raise CannotNow("document_unfit")
    return content


def _digest(id: int, text: str, documents: Sequence[Document], amendment: int | None) -> bytes:
    whole = {"consignment": id, "text": text, "documents": documents, "amendment": amendment}
    return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).digest()
