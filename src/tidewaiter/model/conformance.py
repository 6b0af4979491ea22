"""The report of the conformance kit: what each message keeps and breaks, stage by stage, as records people read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, get_args

import msgspec

from tidewaiter.model.finding import Severity, Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
"""The stages in their order."""

StageOutcome = Literal["passed", "failed", "open"]
"""open: nothing was found, but an earlier stage failed, so that nothing certain can be said before that is mended."""
Decided = Literal["accepted", "rejected"]


class Found(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding with its stage. `location` is its place in the message, as the dialect points; `pointer` in ours."""

    stage: Stage
    code: str
    severity: Severity
    location: str
    pointer: str = ""
    text: str
    remedy: str = ""
    law: str = ""


class StageResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a stage, and how many findings of each gravity it gave."""

    stage: Stage
    outcome: StageOutcome
    errors: int = 0
    warnings: int = 0
    notes: int = 0


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, order=True):
    """A code and the place it is found at; `times` is how many more of it one side has than the other."""

    code: str
    location: str
    times: int = 1


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found beside what was expected, as multisets of code and place.

    `missing` was expected and not found, `surplus` found and not expected. A decision is compared where one is
    expected; '' where none is.
    """

    agrees: bool
    missing: tuple[Place, ...] = ()
    surplus: tuple[Place, ...] = ()
    decision_expected: str = ""
    decision_found: str = ""


class MessageReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message: what it is (SHA-256 in hexadecimal), what was read of it, and what was found.

    `kept` leaf values found a field; of the `dropped` that did not, `not_mapped` names at most 100 places. `conforms`
    is that it agrees with what is expected of it, or, where nothing is, that there is no error.
    """

    source: str
    sha256: str
    bytes: int
    format: str
    conforms: bool
    consignments: int
    items: int
    documents: int
    movements: int
    answers: int
    kept: int
    dropped: int
    stages: tuple[StageResult, ...]
    findings: tuple[Found, ...] = ()
    not_mapped: tuple[str, ...] = ()
    agreement: Agreement | None = None


class FormatRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sum over the messages of a format; `read` are those that anything was read from: a consignment, a document of
    trade, a movement or an answer."""

    format: str
    files: int
    read: int
    consignments: int
    items: int
    documents: int
    movements: int
    answers: int
    kept: int
    dropped: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the kit says of a set of messages.

    `format` is the one asked for, or `any`. `law` is the digest of the law whose rules were asked, '' where they were
    not. `together` is whether the messages were looked at as one set, or each as a case by itself. `compared` counts
    the messages of which an answer was expected, `agreed` those that agree with it.
    """

    version: str
    made_at: datetime
    on: date
    format: str
    law: str
    conforms: bool
    together: bool
    compared: int
    agreed: int
    formats: tuple[FormatRow, ...]
    messages: tuple[MessageReport, ...]


class SignedReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A report and who vouches for it.

    `signature` is a JWS over the canonical form of `report` (RFC 8785), with its content detached (RFC 7515, appendix
    F), by the Ed25519 key whose thumbprint (RFC 7638) is `key`. Both are '' in a report that nobody signed; `note` says
    so in words.
    """

    report: Report
    signature: str = ""
    key: str = ""
    note: str = ""
