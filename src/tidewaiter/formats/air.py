"""What house waybills have in common, in whatever message they come: how their values become a consignment.

What is told so is told for safety and security before loading: the direction is `entry`, the mode is air. A customs
note (an OCI line of CARGO-IMP) is a country, a subject, a content code and a content; it is kept as a statement of
type OCI whose code is the first three, 'US/CUS/AH'. A trader's number among them ('KR/SHP/T') is the number of that
party, where the party lives in that country.

Source: IATA Cargo-XML and CARGO-IMP, segment OCI (other customs, security and regulatory control information).
"""

from __future__ import annotations

from tidewaiter.formats.mapped_reading import Taker, Values, build
from tidewaiter.formats.reading import Declared
from tidewaiter.formats.text import found
from tidewaiter.model.consignment import Consignment, Role
from tidewaiter.model.finding import Finding, Kind

_LAW = "IATA Cargo-XML toolkit and CARGO-IMP manual"

NO_REFERENCE = Kind(
    code="AIR-01",
    severity="error",
    text="The waybill has no number and no reference of the sender.",
    remedy="Give the number of the house waybill, or of the air waybill where there is no house.",
    law=_LAW,
)
NO_JURISDICTION = Kind(
    code="AIR-02",
    severity="error",
    text="Neither the sender nor the address of the consignee says of which country this is asked.",
    remedy="Give the consignee's country, or name the country when lodging.",
    law="WCO SAFE Framework of Standards, pillar 1, standard 6",
)
NOTHING_HELD = Kind(
    code="AIR-03",
    severity="error",
    text="The message holds no waybill that is read here: {detail}.",
    remedy="Send a house waybill, a house manifest or an air waybill.",
    law=_LAW,
)
KINDS = (NO_REFERENCE, NO_JURISDICTION, NOTHING_HELD)
"""Every kind of finding about waybills as such."""

AIR = "4"
"""Mode of transport by UNECE Recommendation 19."""
NOTE, TRADER = "OCI", "T"
PARTIES: dict[str, Role] = {"SHP": "consignor", "CNE": "consignee", "NFY": "notify", "AGT": "representative"}
"""Whom the subject of a customs note means."""


def declared(values: Values, taker: Taker, *, jurisdiction: str | None, known: tuple[Finding, ...] = ()) -> Declared:
    """The consignment of these values. `known` are findings about the message, which hold for it too.

    The reference is the sender's, else the number of the house, else that of the waybill. The country asked is the
    one named when lodging, else the one in which the consignee lives.
    """
    anchor = taker.anchor
    for field in ("house_bill", "master_bill"):
        if "reference" not in values and field in values:
            values["reference"] = values[field]
            anchor["/reference"] = anchor[f"/{field}"]
    at = anchor.get("", "")
    if "reference" not in values:
        taker.findings.append(found(NO_REFERENCE, pointer="/reference", source_pointer=at))
        values["reference"] = ""
    values["jurisdiction"] = jurisdiction or _country(values)
    if not values["jurisdiction"]:
        taker.findings.append(found(NO_JURISDICTION, pointer="/jurisdiction", source_pointer=at))
    values["direction"] = "entry"
    values.setdefault("transport", {}).setdefault("border_mode", AIR)
    return Declared(
        consignment=build(Consignment, values), findings=(*known, *taker.findings), anchor=dict(taker.anchor)
    )


def _country(values: Values) -> str:
    countries = (one.get("country", "") for one in values.get("parties", ()) if one["role"] == "consignee")
    return next(countries, "")
