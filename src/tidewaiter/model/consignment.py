"""A consignment at house level, as lodged: the record that every message format is read into and written from.

Field names are ours; the WCO Data Model id of each is in its annotation, read from the WCO DMS 3.6 schemas
where they print one. Nothing in a record is computed: what customs makes of it is in the frames of an outcome.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from tidewaiter.model.about import KEEP_ACCOUNT, KEEP_PERSON, about
from tidewaiter.model.money import Money, check_exact

Function = Literal["original", "amendment", "cancellation"]
Direction = Literal["import", "export", "entry"]
"""An entry is declared for safety and security alone, before the goods arrive: nothing is priced or released by it."""
Channel = Literal["post", "express", "other"]
Category = Literal["sale", "gift", "sample", "documents", "return", "other"]
PersonKind = Literal["natural", "legal", "association"]
Role = Literal[
    "consignor", "consignee", "seller", "buyer", "importer", "exporter", "declarant", "representative", "carrier",
    "postal_operator", "marketplace", "payment_provider", "warehouse_keeper", "notify", "guarantor", "submitter",
    "manufacturer",
]  # fmt: skip
DocumentKind = Literal["supporting", "previous", "transport", "header"]

COUNTRY = "^[A-Z]{2}$"
COUNTRY_OR_NONE = "^([A-Z]{2})?$"


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Somebody with a part in the consignment. The role says which; one party in two parts is given twice."""

    role: Annotated[Role, about("Part played", wco="R005", privacy="public", purpose="identify")]
    id: (
        Annotated[
            str,
            about("EORI or other official number", wco="R144", privacy="business", purpose="identify", max_length=35),
        ]
        | None
    ) = None
    identity: (
        Annotated[
            str,
            about(
                "Number of a natural person's identity paper",
                privacy="sensitive",
                purpose="identify",
                keep=KEEP_PERSON,
                max_length=60,
            ),
        ]
        | None
    ) = None
    identity_type: (
        Annotated[
            str,
            about("Kind of that paper, as the dialect codes it", privacy="public", purpose="identify", max_length=3),
        ]
        | None
    ) = None
    name: (
        Annotated[
            str,
            about("Name", wco="R020", privacy="personal", purpose="identify", keep=KEEP_PERSON, max_length=140),
        ]
        | None
    ) = None
    kind: (
        Annotated[
            PersonKind, about("Natural or legal person", privacy="personal", purpose="identify", keep=KEEP_PERSON)
        ]
        | None
    ) = None
    status: (
        Annotated[
            str,
            about("Representation: 2 direct, 3 indirect", wco="102", purpose="identify", max_length=3),
        ]
        | None
    ) = None
    street: (
        Annotated[
            str,
            about(
                "Street and number", wco="239", privacy="personal", purpose="route", keep=KEEP_PERSON, max_length=210
            ),
        ]
        | None
    ) = None
    city: (
        Annotated[
            str,
            about("City", wco="241", privacy="personal", purpose="route", keep=KEEP_PERSON, max_length=70),
        ]
        | None
    ) = None
    region: (
        Annotated[
            str,
            about(
                "Country subdivision", wco="243", privacy="personal", purpose="route", keep=KEEP_PERSON, max_length=35
            ),
        ]
        | None
    ) = None
    postcode: (
        Annotated[
            str,
            about("Postcode", wco="245", privacy="personal", purpose="route", keep=KEEP_PERSON, max_length=17),
        ]
        | None
    ) = None
    country: (
        Annotated[str, about("Country", wco="242", privacy="business", purpose="route", pattern=COUNTRY)] | None
    ) = None
    phone: (
        Annotated[
            str,
            about("Telephone", wco="240", privacy="personal", purpose="answer", keep=KEEP_PERSON, max_length=50),
        ]
        | None
    ) = None
    email: (
        Annotated[
            str,
            about("E-mail", wco="240", privacy="personal", purpose="answer", keep=KEEP_PERSON, max_length=254),
        ]
        | None
    ) = None


class FiscalReference(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """A tax registration that answers for the tax: IOSS, VOEC, a VAT number."""

    role: Annotated[
        str,
        about(
            "FR1 importer … FR5 import scheme (IOSS) … FR7",
            wco="R005",
            privacy="public",
            purpose="collect",
            max_length=3,
        ),
    ]
    id: Annotated[
        str,
        about("Registration number", wco="R119", purpose="collect", keep=KEEP_ACCOUNT, max_length=35),
    ]


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A paper or record that the declaration rests on. `kind` says which list of the message it stands in."""

    kind: Annotated[DocumentKind, about("Supporting, previous, transport or header document", privacy="public")] = (
        "supporting"
    )
    category: Annotated[str, about("Category of the type code", wco="D031", privacy="public", max_length=3)] | None = (
        None
    )
    type: Annotated[str, about("Type code", wco="D006", privacy="public", max_length=4)] | None = None
    id: Annotated[str, about("Number", wco="D005", max_length=70)] | None = None
    name: Annotated[str, about("Name or reason", wco="D028", max_length=140)] | None = None
    status: Annotated[str, about("Document status", wco="360", privacy="public", max_length=3)] | None = None
    line: Annotated[int, about("Line of the previous declaration", wco="171", ge=0)] | None = None
    sequence: Annotated[int, about("Sequence number as sent", wco="006", ge=0)] | None = None
    quantity: Annotated[Decimal, about("Quantity written off", wco="502")] | None = None
    quantity_unit: Annotated[str, about("Unit of the quantity written off", privacy="public", max_length=8)] | None = (
        None
    )
    amount: Annotated[Money, about("Amount written off", wco="501", purpose="value")] | None = None
    valid_until: Annotated[datetime, about("End of validity", wco="D010", tz=True)] | None = None
    issuer: Annotated[str, about("Issuing authority", wco="R052", max_length=70)] | None = None

    def __post_init__(self) -> None:
        check_exact(self.quantity, "quantity")


class Statement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Additional information: a coded or written statement, and what it speaks of where it says so."""

    code: Annotated[str, about("Statement code", wco="226", privacy="public", max_length=17)] | None = None
    text: (
        Annotated[
            str,
            about("Statement in words", wco="225", privacy="personal", keep=KEEP_PERSON, max_length=512),
        ]
        | None
    ) = None
    type: Annotated[str, about("Statement type", wco="369", privacy="public", max_length=3)] | None = None
    pointer: (
        Annotated[
            str,
            about("WCO pointer to what it speaks of: '42A/67A/68A[1]'", wco="97A", privacy="public", max_length=512),
        ]
        | None
    ) = None
    sequence: Annotated[int, about("Sequence number as sent", wco="006", ge=0)] | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One change that an amendment or cancellation asks for."""

    reason: Annotated[str, about("Reason code", wco="099", privacy="public", max_length=3)] | None = None
    pointer: (
        Annotated[
            str,
            about("WCO pointer to what changes: '42A/67A/68A[1]/23A#137'", wco="97A", privacy="public", max_length=512),
        ]
        | None
    ) = None


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """An addition to the price or a deduction from it, by its official code."""

    code: Annotated[
        str,
        about(
            "Charge type, for example AK transport to the frontier",
            wco="371",
            privacy="public",
            purpose="value",
            max_length=3,
        ),
    ]
    amount: Annotated[Money, about("Amount", wco="181", purpose="value", keep=KEEP_ACCOUNT)] | None = None


class Packaging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Packages of one kind."""

    sequence: Annotated[int, about("Sequence number as sent", wco="006", ge=0)] | None = None
    type: Annotated[str, about("UNECE Recommendation 21 code", wco="141", privacy="public", max_length=2)] | None = None
    quantity: Annotated[int, about("How many packages", wco="144", ge=0, le=99_999_999)] | None = None
    marks: Annotated[str, about("Shipping marks", wco="142", max_length=512)] | None = None
    pieces: Annotated[int, about("How many pieces, of goods without packing", ge=0, le=99_999_999)] | None = None


class Classification(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """A code beside the commodity code: additional codes of the tariff, a product identifier, a CUS number."""

    scheme: Annotated[
        str,
        about(
            "TRA tariff additional, GN national additional, CV CUS number, GTIN, SKU, MPN",
            privacy="public",
            purpose="classify",
            max_length=5,
        ),
    ]
    code: Annotated[str, about("The code", wco="145", purpose="classify", max_length=70)]


class TaxLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A tax as the declarant states it; what customs charges is assessed, not copied from here."""

    type: (
        Annotated[
            str, about("Tax type: A00 duty, B00 VAT, …", wco="113", privacy="public", purpose="collect", max_length=3)
        ]
        | None
    ) = None
    preference: (
        Annotated[
            str,
            about(
                "Preference: 100 none, 300 preferential origin, …",
                wco="164",
                privacy="public",
                purpose="collect",
                max_length=3,
            ),
        ]
        | None
    ) = None
    quota: (
        Annotated[str, about("Quota order number", wco="401", privacy="public", purpose="collect", max_length=6)] | None
    ) = None
    base_quantity: (
        Annotated[Decimal, about("Base in units", wco="129", purpose="collect", keep=KEEP_ACCOUNT)] | None
    ) = None
    base_unit: Annotated[str, about("Unit of the base", privacy="public", purpose="collect", max_length=8)] | None = (
        None
    )
    method: (
        Annotated[str, about("Method of payment", wco="107", privacy="public", purpose="collect", max_length=1)] | None
    ) = None
    assessed: (
        Annotated[Money, about("Tax the declarant computed", wco="120", purpose="collect", keep=KEEP_ACCOUNT)] | None
    ) = None
    payable: (
        Annotated[Money, about("Tax the declarant will pay", wco="378", purpose="collect", keep=KEEP_ACCOUNT)] | None
    ) = None

    def __post_init__(self) -> None:
        check_exact(self.base_quantity, "base_quantity")


class Equipment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A container or receptacle and its seals."""

    id: Annotated[str, about("Container or receptacle number", wco="159", max_length=35)] | None = None
    sequence: Annotated[int, about("Sequence number as sent", wco="006", ge=0)] | None = None
    seals: Annotated[tuple[str, ...], about("Seal numbers", wco="165")] = ()


class Authorisation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """An authorisation relied upon and who holds it."""

    type: Annotated[str, about("Type of authorisation", wco="R145", privacy="public", max_length=4)] | None = None
    holder: Annotated[str, about("Holder's EORI", wco="R144", purpose="identify", max_length=35)] | None = None


class Guarantee(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What secures the debt."""

    type: (
        Annotated[str, about("Type of guarantee", wco="101", privacy="public", purpose="collect", max_length=3)] | None
    ) = None
    id: (
        Annotated[str, about("Guarantee reference", wco="D014", purpose="collect", keep=KEEP_ACCOUNT, max_length=70)]
        | None
    ) = None
    reference: (
        Annotated[
            str,
            about("Other reference of the guarantee", wco="100", purpose="collect", keep=KEEP_ACCOUNT, max_length=35),
        ]
        | None
    ) = None


class Means(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A means of transport that brings some of the goods over the border."""

    id: Annotated[str, about("Flight, vessel, vehicle", wco="T006", purpose="route", max_length=35)] | None = None
    nationality: (
        Annotated[str, about("Its nationality", wco="T014", privacy="public", purpose="route", max_length=2)] | None
    ) = None


class GoodsItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Goods of one kind in the consignment. Price paid, customs value, statistical value are kept apart."""

    sequence: Annotated[int, about("Number of the item in the declaration", wco="006", ge=0, le=99_999)] | None = None
    description: (
        Annotated[str, about("What the goods are", wco="137", privacy="personal", purpose="classify", max_length=512)]
        | None
    ) = None
    hs_code: (
        Annotated[
            str,
            about(
                "Commodity code: six digits of the Harmonized System and what law adds",
                wco="145",
                privacy="public",
                purpose="classify",
                max_length=22,
            ),
        ]
        | None
    ) = None
    taric_code: (
        Annotated[
            str,
            about(
                "Two digits of the national or Union tariff after the eighth",
                wco="145",
                privacy="public",
                purpose="classify",
                max_length=4,
            ),
        ]
        | None
    ) = None
    codes: Annotated[
        tuple[Classification, ...], about("Codes beside the commodity code", wco="21A", purpose="classify")
    ] = ()
    origin_country: (
        Annotated[
            str,
            about(
                "Country of non-preferential origin", wco="063", privacy="public", purpose="collect", pattern=COUNTRY
            ),
        ]
        | None
    ) = None
    preference_country: (
        Annotated[
            str,
            about(
                "Country or group of preferential origin", wco="063", privacy="public", purpose="collect", max_length=4
            ),
        ]
        | None
    ) = None
    preference: (
        Annotated[
            str,
            about(
                "Preference claimed: 100 none, 300 preferential origin",
                wco="164",
                privacy="public",
                purpose="collect",
                max_length=3,
            ),
        ]
        | None
    ) = None
    price: (
        Annotated[
            Money, about("Price of this line as invoiced, all units", wco="112", purpose="value", keep=KEEP_ACCOUNT)
        ]
        | None
    ) = None
    customs_value: (
        Annotated[Money, about("Customs value as declared", wco="108", purpose="value", keep=KEEP_ACCOUNT)] | None
    ) = None
    statistical_value: Annotated[Money, about("Statistical value as declared", wco="114", purpose="value")] | None = (
        None
    )
    freight: (
        Annotated[
            Money, about("Carriage of this line, where stated by line", wco="117", purpose="value", keep=KEEP_ACCOUNT)
        ]
        | None
    ) = None
    adjustments: Annotated[
        tuple[Adjustment, ...], about("Additions and deductions of this line", wco="58B", purpose="value")
    ] = ()
    valuation_method: (
        Annotated[
            str, about("1 transaction value … 6 fall-back", wco="122", privacy="public", purpose="value", max_length=3)
        ]
        | None
    ) = None
    valuation_indicators: (
        Annotated[
            str, about("Four digits on relation and conditions of sale", wco="188", purpose="value", max_length=4)
        ]
        | None
    ) = None
    gross_mass: Annotated[Decimal, about("Kilograms with packing", wco="126", purpose="control")] | None = None
    net_mass: Annotated[Decimal, about("Kilograms without packing", wco="128", purpose="control")] | None = None
    quantity: (
        Annotated[
            Decimal, about("Quantity in the tariff's supplementary unit, or pieces", wco="130", purpose="collect")
        ]
        | None
    ) = None
    quantity_unit: (
        Annotated[str, about("Unit of the quantity", privacy="public", purpose="collect", max_length=8)] | None
    ) = None
    procedure: (
        Annotated[
            str, about("Procedure requested: 40 free circulation, … 9610", wco="166", privacy="public", max_length=4)
        ]
        | None
    ) = None
    previous_procedure: Annotated[str, about("Procedure before", wco="161", privacy="public", max_length=2)] | None = (
        None
    )
    additional_procedures: Annotated[
        tuple[str, ...], about("Additional procedure codes: C07, C08, 1H7, F48, …", wco="166", privacy="public")
    ] = ()
    transaction_nature: (
        Annotated[str, about("Nature of transaction", wco="103", privacy="public", purpose="value", max_length=2)]
        | None
    ) = None
    export_country: (
        Annotated[str, about("Country of dispatch", wco="062", privacy="public", purpose="route", pattern=COUNTRY)]
        | None
    ) = None
    destination_country: (
        Annotated[str, about("Country of destination", wco="465", privacy="public", purpose="route", pattern=COUNTRY)]
        | None
    ) = None
    ucr: Annotated[str, about("Unique consignment reference of the line", wco="009", max_length=70)] | None = None
    freight_payment: (
        Annotated[
            str, about("How carriage of this line is paid", wco="098", privacy="public", purpose="route", max_length=1)
        ]
        | None
    ) = None
    loading_place: (
        Annotated[str, about("Place of loading of this line", wco="L010", purpose="route", max_length=35)] | None
    ) = None
    unloading_place: (
        Annotated[str, about("Place of unloading of this line", wco="L013", purpose="route", max_length=35)] | None
    ) = None
    means: Annotated[
        tuple[Means, ...], about("Means crossing the border with this line", wco="15A", purpose="route")
    ] = ()
    packages: Annotated[tuple[Packaging, ...], about("Packages", wco="93A")] = ()
    documents: Annotated[tuple[Document, ...], about("Documents", wco="02A")] = ()
    statements: Annotated[
        tuple[Statement, ...], about("Additional information", wco="03A", privacy="personal", keep=KEEP_PERSON)
    ] = ()
    taxes: Annotated[tuple[TaxLine, ...], about("Taxes as declared", wco="50A", purpose="collect")] = ()
    equipment: Annotated[tuple[Equipment, ...], about("Containers of this line", wco="31B")] = ()
    parties: Annotated[
        tuple[Party, ...], about("Parties of this line alone", privacy="personal", purpose="identify", keep=KEEP_PERSON)
    ] = ()
    fiscal_references: Annotated[
        tuple[FiscalReference, ...],
        about("Tax registrations for this line", wco="55B", purpose="collect", keep=KEEP_ACCOUNT),
    ] = ()

    def __post_init__(self) -> None:
        check_exact(self.gross_mass, "gross_mass")
        check_exact(self.net_mass, "net_mass")
        check_exact(self.quantity, "quantity")


class Transport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """How the goods travel. `border_` is the means that crosses the border; modes are UNECE Recommendation 19."""

    border_mode: (
        Annotated[
            str,
            about(
                "Mode at the border: 1 sea, 3 road, 4 air, 5 post; 10, 11 by ferry with and without driver",
                wco="T022",
                privacy="public",
                purpose="route",
                max_length=2,
            ),
        ]
        | None
    ) = None
    border_id: (
        Annotated[
            str, about("Means crossing the border: flight, vessel, vehicle", wco="T006", purpose="route", max_length=35)
        ]
        | None
    ) = None
    border_id_type: (
        Annotated[str, about("What that identity is", wco="T018", privacy="public", purpose="route", max_length=2)]
        | None
    ) = None
    border_nationality: (
        Annotated[str, about("Nationality of that means", wco="T014", privacy="public", purpose="route", max_length=2)]
        | None
    ) = None
    conveyance: (
        Annotated[str, about("Number of the flight, voyage or crossing", wco="149", purpose="route", max_length=35)]
        | None
    ) = None
    arrival_id: Annotated[str, about("Means on arrival", wco="T002", purpose="route", max_length=35)] | None = None
    arrival_id_type: (
        Annotated[str, about("What that identity is", wco="T034", privacy="public", purpose="route", max_length=2)]
        | None
    ) = None
    arrival_mode: (
        Annotated[str, about("Mode on arrival", wco="T020", privacy="public", purpose="route", max_length=1)] | None
    ) = None
    departure_id: Annotated[str, about("Means at departure", wco="T004", purpose="route", max_length=35)] | None = None
    departure_id_type: (
        Annotated[str, about("What that identity is", wco="T029", privacy="public", purpose="route", max_length=2)]
        | None
    ) = None
    departure_mode: (
        Annotated[str, about("Mode at departure", wco="T021", privacy="public", purpose="route", max_length=1)] | None
    ) = None
    container: (
        Annotated[
            str,
            about(
                "1 where the goods travel in containers, else 0",
                wco="096",
                privacy="public",
                purpose="route",
                max_length=1,
            ),
        ]
        | None
    ) = None
    freight_payment: (
        Annotated[str, about("How carriage is paid", wco="098", privacy="public", purpose="route", max_length=1)] | None
    ) = None
    loading_place: Annotated[str, about("Place of loading", wco="L010", purpose="route", max_length=35)] | None = None
    unloading_place: Annotated[str, about("Place of unloading", wco="L013", purpose="route", max_length=35)] | None = (
        None
    )
    route: Annotated[
        tuple[str, ...], about("Countries passed on the way", wco="064", privacy="public", purpose="route")
    ] = ()


class GoodsLocation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """Where the goods can be seen."""

    name: Annotated[str, about("Location", wco="L016", purpose="route", max_length=256)] | None = None
    id: Annotated[str, about("Location code", wco="L017", purpose="route", max_length=35)] | None = None
    type: (
        Annotated[str, about("Type of location", wco="L110", privacy="public", purpose="route", max_length=3)] | None
    ) = None
    qualifier: (
        Annotated[str, about("How it is identified", wco="410", privacy="public", purpose="route", max_length=3)] | None
    ) = None
    country: Annotated[str, about("Country", wco="242", privacy="public", purpose="route", max_length=2)] | None = None


class Consignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """One house consignment as lodged, with its declaration."""

    reference: Annotated[str, about("The sender's own reference (LRN)", wco="D026", purpose="identify", max_length=70)]
    jurisdiction: Annotated[
        str,
        about(
            "Country whose law is asked for; empty where the message names none",
            privacy="public",
            purpose="identify",
            pattern=COUNTRY_OR_NONE,
        ),
    ]
    accepted_on: (
        Annotated[
            date,
            about(
                "Legal day of acceptance in the jurisdiction; set by the door",
                privacy="public",
                purpose="collect",
                keep=KEEP_ACCOUNT,
            ),
        ]
        | None
    ) = None
    function: Annotated[
        Function, about("Original, amendment or cancellation", wco="017", privacy="public", purpose="identify")
    ] = "original"
    mrn: Annotated[str, about("Customs' reference (MRN)", wco="D014", purpose="identify", max_length=35)] | None = None
    version: Annotated[int, about("Version of the declaration", privacy="public", purpose="identify", ge=0)] | None = (
        None
    )
    direction: Annotated[
        Direction, about("Import, export, or entry for safety and security alone", privacy="public", purpose="control")
    ] = "import"
    declaration_type: (
        Annotated[
            str, about("Declaration and additional type: IMA, IMD, EXA, …", wco="D013", privacy="public", max_length=3)
        ]
        | None
    ) = None
    procedure_category: Annotated[str, about("Data set: H1, H7, …", privacy="public", max_length=3)] | None = None
    channel: Annotated[Channel, about("Post, express or other", privacy="public", purpose="control")] | None = None
    category: (
        Annotated[Category, about("Sale, gift, sample, documents, return", privacy="public", purpose="control")] | None
    ) = None
    declared_acceptance: (
        Annotated[datetime, about("Acceptance or tax point stated by the sender", wco="023", tz=True)] | None
    ) = None
    issued_at: Annotated[datetime, about("When the message was made", wco="D011", tz=True)] | None = None
    message_id: (
        Annotated[
            str, about("The sender's number of the message, which answers repeat", purpose="answer", max_length=70)
        ]
        | None
    ) = None
    declared_at: Annotated[datetime, about("When the sender says that it was declared or amended", tz=True)] | None = (
        None
    )
    declaration_place: (
        Annotated[str, about("Where the sender says that it was declared or amended", max_length=35)] | None
    ) = None
    circumstance: (
        Annotated[
            str,
            about(
                "Specific circumstance: C road, D rail, E authorised operator; F32 express, F43 post",
                wco="504",
                privacy="public",
                max_length=3,
            ),
        ]
        | None
    ) = None

    tracking_id: (
        Annotated[
            str, about("UPU S10 or carrier's number on the parcel", wco="D023", purpose="identify", max_length=35)
        ]
        | None
    ) = None
    house_bill: (
        Annotated[str, about("House air waybill or bill", wco="D023", purpose="identify", max_length=35)] | None
    ) = None
    master_bill: (
        Annotated[
            str, about("Master air waybill, bill or postal dispatch", wco="D023", purpose="identify", max_length=35)
        ]
        | None
    ) = None
    ucr: Annotated[str, about("Unique consignment reference", wco="009", purpose="identify", max_length=70)] | None = (
        None
    )
    order_id: Annotated[str, about("Order at the shop or platform", purpose="identify", max_length=60)] | None = None

    parties: Annotated[
        tuple[Party, ...], about("Parties by role", privacy="personal", purpose="identify", keep=KEEP_PERSON)
    ] = ()
    fiscal_references: Annotated[
        tuple[FiscalReference, ...], about("Tax registrations", wco="55B", purpose="collect", keep=KEEP_ACCOUNT)
    ] = ()
    export_country: (
        Annotated[str, about("Country of dispatch", wco="062", privacy="public", purpose="route", pattern=COUNTRY)]
        | None
    ) = None
    destination_country: (
        Annotated[str, about("Country of destination", wco="465", privacy="public", purpose="route", pattern=COUNTRY)]
        | None
    ) = None

    item_count: Annotated[int, about("Number of goods items as declared", wco="228", privacy="public", ge=0)] | None = (
        None
    )
    package_count: Annotated[int, about("Number of packages as declared", wco="146", privacy="public", ge=0)] | None = (
        None
    )
    gross_mass: Annotated[Decimal, about("Kilograms in all as declared", wco="131")] | None = None

    invoice_total: (
        Annotated[Money, about("Total of the invoice", wco="109", purpose="value", keep=KEEP_ACCOUNT)] | None
    ) = None
    paid: Annotated[Money, about("Price the buyer paid in all", purpose="value", keep=KEEP_ACCOUNT)] | None = None
    freight: (
        Annotated[
            Money,
            about("Carriage and postage charged apart from the goods", wco="117", purpose="value", keep=KEEP_ACCOUNT),
        ]
        | None
    ) = None
    insurance: (
        Annotated[Money, about("Insurance charged apart from the goods", wco="118", purpose="value", keep=KEEP_ACCOUNT)]
        | None
    ) = None
    discount: Annotated[Money, about("Discount on the whole order", purpose="value", keep=KEEP_ACCOUNT)] | None = None
    tax_collected: (
        Annotated[Money, about("Tax the seller charged at the sale", purpose="collect", keep=KEEP_ACCOUNT)] | None
    ) = None
    adjustments: Annotated[
        tuple[Adjustment, ...], about("Additions and deductions of the whole", wco="58B", purpose="value")
    ] = ()
    incoterm: (
        Annotated[str, about("Incoterms 2020 rule", wco="090", privacy="public", purpose="value", max_length=3)] | None
    ) = None
    incoterm_place: Annotated[str, about("Named place", wco="L002", purpose="value", max_length=35)] | None = None
    transaction_nature: (
        Annotated[str, about("Nature of transaction", wco="103", privacy="public", purpose="value", max_length=2)]
        | None
    ) = None
    declared_rate_currency: (
        Annotated[
            str,
            about(
                "Currency of the rate agreed in the contract",
                wco="135",
                privacy="public",
                purpose="value",
                pattern="^[A-Z]{3}$",
            ),
        ]
        | None
    ) = None
    declared_rate: (
        Annotated[Decimal, about("Rate of exchange agreed in the contract", wco="118", purpose="value")] | None
    ) = None

    transport: Annotated[Transport, about("How it travels", purpose="route")] | None = None
    location: Annotated[GoodsLocation, about("Where it can be seen", wco="64A", purpose="route")] | None = None
    equipment: Annotated[tuple[Equipment, ...], about("Containers and receptacles", wco="31B", purpose="route")] = ()
    warehouse_type: Annotated[str, about("Type of warehouse", wco="L112", privacy="public", max_length=2)] | None = None
    warehouse_id: Annotated[str, about("Warehouse", wco="L019", max_length=35)] | None = None
    declaration_office: (
        Annotated[str, about("Office of declaration", wco="065", privacy="public", max_length=17)] | None
    ) = None
    presentation_office: (
        Annotated[str, about("Office of presentation", wco="G015", privacy="public", max_length=17)] | None
    ) = None
    supervising_office: (
        Annotated[str, about("Supervising office", wco="G012", privacy="public", max_length=17)] | None
    ) = None
    entry_office: (
        Annotated[str, about("Office of first entry", privacy="public", purpose="route", max_length=17)] | None
    ) = None
    arrival_expected: (
        Annotated[datetime, about("When arrival at the office of first entry is expected", purpose="route", tz=True)]
        | None
    ) = None
    later_entry_offices: Annotated[
        tuple[str, ...], about("Offices of entry called at afterwards", privacy="public", purpose="route")
    ] = ()
    exit_office: Annotated[str, about("Office of exit", wco="G005", privacy="public", max_length=17)] | None = None

    documents: Annotated[tuple[Document, ...], about("Documents of the whole", wco="02A")] = ()
    statements: Annotated[
        tuple[Statement, ...], about("Additional information", wco="03A", privacy="personal", keep=KEEP_PERSON)
    ] = ()
    authorisations: Annotated[tuple[Authorisation, ...], about("Authorisations relied upon", wco="17C")] = ()
    guarantees: Annotated[
        tuple[Guarantee, ...], about("Guarantees", wco="90A", purpose="collect", keep=KEEP_ACCOUNT)
    ] = ()
    changes: Annotated[
        tuple[Change, ...], about("What an amendment or cancellation changes", wco="06A", privacy="public")
    ] = ()
    items: Annotated[tuple[GoodsItem, ...], about("Goods items", wco="68A")] = ()

    def __post_init__(self) -> None:
        check_exact(self.gross_mass, "gross_mass")
        check_exact(self.declared_rate, "declared_rate")
