"""A report that its maker vouches for: signed, and verified by whoever holds the public key.

The signature is over the canonical form of the report (RFC 8785), detached, so that the report stays readable. A file
that spells the same in two ways is refused: what a person reads is what was signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import msgspec
from joserfc import jws
from joserfc.jwk import OKPKey

from tidewaiter.model.conformance import Report, SignedReport
from tidewaiter.services.signing import Unverified, encoded, opened, sign

TYPE = "tidewaiter-conformance+json"
UNSIGNED = "This report is not signed: no key is configured where it was made (TIDEWAITER_SIGNING_KEY)."
SIGNED = "Verify with: tidewaiter conform --verify REPORT --key PUBLIC_KEY"
REPORT_BYTES_MAX = 256 * 1024 * 1024


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a report is what the holder of a key signed; `why` not, in words. `report` is None where it is none."""

    holds: bool
    why: str = ""
    report: Report | None = None


def attest(report: Report, key: OKPKey | None) -> SignedReport:
    """The report with its signature; without a key, one that says that nobody signed it."""
    if key is None:
        return SignedReport(report=report, note=UNSIGNED)
    whole = sign(canonical(report), key, TYPE)
    return SignedReport(report=report, signature=jws.detach_content(whole), key=key.thumbprint(), note=SIGNED)


def canonical(report: Report) -> bytes:
    """The one spelling of the report: RFC 8785. There are only texts, whole numbers, yes and no in it."""
    built = msgspec.to_builtins(report)
    return json.dumps(built, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def verify(data: bytes, key: OKPKey, *, messages: Sequence[bytes] = ()) -> Checked:
    """Whether the report in these bytes is what the holder of this key signed, and is about these messages.

    Of messages that are given, each must be one of those reported. Bad input is an answer, never an exception.
    """
    if len(data) > REPORT_BYTES_MAX:
        return Checked(holds=False, why="it is too long for a report")
    try:
        signed = msgspec.json.decode(data, type=SignedReport)
        json.loads(data, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return Checked(holds=False, why="it is no report of this version, or says something twice")
    report = signed.report
    if not signed.signature:
        return Checked(holds=False, why="nobody signed it", report=report)
    wrong = _wrong_signature(signed, key)
    if wrong:
        return Checked(holds=False, why=wrong, report=report)
    known = {one.sha256 for one in report.messages}
    strange = sum(hashlib.sha256(message).hexdigest() not in known for message in messages)
    if strange:
        return Checked(holds=False, why=f"{strange} of these messages are not among those reported", report=report)
    return Checked(holds=True, report=report)


def _wrong_signature(signed: SignedReport, key: OKPKey) -> str:
    parts = signed.signature.split(".")
    if len(parts) != 3 or parts[1]:
        return "its signature is not of the form that is written here"
    if signed.key != key.thumbprint():
        return "another key signed it"
    try:
        opened(f"{parts[0]}.{encoded(canonical(signed.report))}.{parts[2]}", key, TYPE)
    except Unverified as wrong:
        return str(wrong)
    return ""


def _each_once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
