"""What an officer tells the filer with a decision: on what goods are refused, and what is asked for.

Each has a code, words and a remedy, so that every dialect can say it in the place where it says what was found.
"""

from __future__ import annotations

from collections.abc import Mapping

from tidewaiter.model.finding import Finding, Kind

_APPEAL = "You may ask for the reasons in writing, and appeal to the office that decided."
_OF_APPEALS = "Revised Kyoto Convention, General Annex, standards 10.1, 10.3 and 10.4"
_OF_DOCUMENTS = "Revised Kyoto Convention, General Annex, standards 3.16 and 3.17"
_OF_INFORMATION = "WCO/ICAO Joint Guiding Principles for PLACI: request for information"


def _ground(code: str, text: str) -> Kind:
    return Kind(code=code, severity="error", text=text, remedy=_APPEAL, law=_OF_APPEALS)


def _wanted(code: str, text: str, remedy: str, law: str = _OF_DOCUMENTS) -> Kind:
    return Kind(code=code, severity="note", text=text, remedy=remedy, law=law)


GROUNDS: Mapping[str, Kind] = {
    "prohibited": _ground("REF-01", "An officer refused it: such goods may not be brought in."),
    "no_permit": _ground("REF-02", "An officer refused it: a permit that law asks for is missing."),
    "not_as_declared": _ground("REF-03", "An officer refused it: the goods are not what was declared."),
    "counterfeit": _ground("REF-04", "An officer refused it: the goods infringe another's right."),
}
"""On what an officer may refuse."""

WANTED: Mapping[str, Kind] = {
    "invoice": _wanted("ASK-01", "The invoice is asked for.", "Send the commercial or pro forma invoice."),
    "payment": _wanted("ASK-02", "Proof of what was paid is asked for.", "Send a receipt or statement of the payment."),
    "transport": _wanted("ASK-03", "The transport document is asked for.", "Send the waybill or bill of lading."),
    "origin": _wanted("ASK-04", "Proof of origin is asked for.", "Send the statement or certificate of origin."),
    "permit": _wanted("ASK-05", "The permit that law asks for is asked for.", "Send the licence or certificate."),
    "description": _wanted(
        "ASK-06", "A fuller description of the goods is asked for.",
        "Say what they are, what they are made of and what they are for.", _OF_INFORMATION,
    ),
    "picture": _wanted(
        "ASK-07", "A picture or data sheet of the goods is asked for.", "Send one that shows the type.", _OF_INFORMATION
    ),
    "parties": _wanted(
        "ASK-08", "Who sends and who receives the goods is asked for.",
        "Give both in full, by an amendment or in the reply.", _OF_INFORMATION,
    ),
    "answer": _wanted("ASK-09", "An answer is asked for.", "Reply to it.", _OF_INFORMATION),
}  # fmt: skip
"""What an officer may ask a filer for; `answer` goes with a question in the officer's own words."""

TOLD = (*GROUNDS.values(), *WANTED.values())
"""Everything that can be told so."""


def told(kind: Kind, question: str = "") -> Finding:
    """The same as a filer is told it; `question` goes before our words where there is one."""
    return Finding(
        code=kind.code, severity=kind.severity, pointer="", text=question or kind.text, remedy=kind.remedy, law=kind.law
    )
