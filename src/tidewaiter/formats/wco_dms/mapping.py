"""Our fields and their elements, line by line in the order of the schema, for reading, writing and pointing.

What no line names has no field of ours and is listed as dropped. Element names, their order and their WCO ids are
those of the UK CDS schemas (WCO Data Model 3.6, DMS). Lines marked `_is_h7` stand in the Danish schema of the H7 data
set, which shares the namespace, and not in the British one; they are read from anywhere.
"""

from __future__ import annotations

from tidewaiter.formats.wco_dms.choice import Choice
from tidewaiter.formats.wco_dms.passing import Writer
from tidewaiter.formats.wco_dms.shapes import Each, Group, Leaf, Line, Lines
from tidewaiter.formats.wco_dms.special import (
    HOUSE_WAYBILL,
    MASTER_WAYBILL,
    POST,
    FunctionCode,
    Pointers,
    Procedures,
    Texts,
    preference_alone,
    settle_preference,
    waybills,
)
from tidewaiter.model.consignment import (
    Adjustment,
    Authorisation,
    Change,
    Classification,
    Consignment,
    Document,
    Equipment,
    FiscalReference,
    GoodsItem,
    Guarantee,
    Packaging,
    Party,
    Role,
    Statement,
    TaxLine,
)

DECLARATION_SPACE = "urn:wco:datamodel:WCO:DEC-DMS:2"
DECLARATION_TYPES_SPACE = "urn:wco:datamodel:WCO:Declaration_DS:DMS:2"

SCHEMES = {"SRV": "GTIN", "SA": "SKU", "MF": "MPN"}
"""Names of ours for codes of UNECE list 7143 that say whose product number it is."""


def _is_h7(writer: Writer) -> bool:
    return writer.profile == "H7"


def _is_export(writer: Writer) -> bool:
    return writer.direction == "export"


def _is_import(writer: Writer) -> bool:
    return writer.direction != "export"


def _party(element: str, wco: str, role: Role, name: str, id: str, *, status: bool = False, contact: bool = False,
           **more: object) -> Each:  # fmt: skip
    """A party at its place: `name` and `id` are the WCO ids of those two, which differ by role."""
    lines: list[Line] = [Leaf("Name", name, "name"), Leaf("ID", id, "id")]
    if status:
        lines.append(Leaf("FunctionCode", "102", "status"))
    lines.append(
        Group(
            "Address",
            "04A",
            Leaf("CityName", "241", "city"),
            Leaf("CountryCode", "242", "country"),
            Leaf("CountrySubDivisionName", "243", "region"),
            Leaf("Line", "239", "street"),
            Leaf("PostcodeID", "245", "postcode"),
        )
    )
    fields = {"EM": "email", "TE": "phone"}
    # The schema gives these parties one Communication, and the others none.
    reach = Choice("Communication", "25A", value=("ID", "240"), by=("TypeCode", "253"), fields=fields, most=1)
    if contact:
        lines.append(reach)
    return Each(element, wco, "parties", Party, *lines, fixed={"role": role}, single=True, **more)  # type: ignore[arg-type]


def _sequence(*, numbered: bool = False) -> Leaf:
    return Leaf("SequenceNumeric", "006", "sequence", numbered=numbered)


def _h7_sequence() -> Leaf:
    """A number that the British schema knows only in what it sends back, and the Danish everywhere."""
    return Leaf("SequenceNumeric", "006", "sequence", when=_is_h7)


def _previous(**more: object) -> Each:
    return Each(
        "PreviousDocument",
        "99A",
        "documents",
        Document,
        _h7_sequence(),
        Leaf("CategoryCode", "D031", "category"),
        Leaf("ID", "D018", "id"),
        Leaf("TypeCode", "D019", "type"),
        Leaf("LineNumeric", "171", "line"),
        fixed={"kind": "previous"},
        **more,  # type: ignore[arg-type]
    )


def _fiscal_references() -> Each:
    return Each(
        "DomesticDutyTaxParty",
        "55B",
        "fiscal_references",
        FiscalReference,
        Leaf("ID", "R119", "id"),
        Leaf("RoleCode", "R005", "role"),
    )


def _adjustments() -> Each:
    return Each(
        "ChargeDeduction",
        "58B",
        "adjustments",
        Adjustment,
        Leaf("ChargesTypeCode", "371", "code"),
        Leaf("OtherChargeDeductionAmount", "181", "amount"),
    )


def _statements(*lines: Line, **more: object) -> Each:
    return Each(
        "AdditionalInformation",
        "03A",
        "statements",
        Statement,
        _h7_sequence(),
        Leaf("StatementCode", "226", "code"),
        Leaf("StatementDescription", "225", "text"),
        Leaf("StatementTypeCode", "369", "type"),
        *lines,
        **more,  # type: ignore[arg-type]
    )


def _head_document(document: Document, writer: Writer) -> bool:
    """Documents of the whole stand here; supporting ones too, where no better place is."""
    return document.kind == "header" or (document.kind == "supporting" and not _is_h7(writer))


def _scheme_code(field: str, code: str, writer: Writer) -> str:
    """TSP is the commodity code of the tariff; H7 has six digits, which the Danish schema calls HS."""
    return "HS" if field == "hs_code" and _is_h7(writer) else code


def _nowhere(_: Writer) -> bool:
    return False


_TAX = Each(
    "DutyTaxFee",
    "50A",
    "taxes",
    TaxLine,
    Leaf("DutyRegimeCode", "164", "preference", decides=True),
    Leaf("SpecificTaxBaseQuantity", "129", "base_quantity", unit="base_unit"),
    Leaf("TypeCode", "113", "type"),
    Leaf("QuotaOrderID", "401", "quota"),
    Group(
        "Payment",
        "94A",
        Leaf("MethodCode", "107", "method"),
        Leaf("TaxAssessedAmount", "120", "assessed"),
        Leaf("PaymentAmount", "378", "payable"),
    ),
    adds=preference_alone,
    finish=settle_preference,
)

_ITEM = Each(
    "GovernmentAgencyGoodsItem",
    "68A",
    "items",
    GoodsItem,
    Leaf("CustomsValueAmount", "108", "customs_value"),
    _sequence(numbered=True),
    Leaf("StatisticalValueAmount", "114", "statistical_value"),
    Leaf("TransactionNatureCode", "103", "transaction_nature"),
    Each(
        "AdditionalDocument",
        "02A",
        "documents",
        Document,
        _h7_sequence(),
        Leaf("CategoryCode", "D031", "category"),
        Leaf("EffectiveDateTime", "276", "valid_until"),
        Leaf("ID", "D005", "id"),
        Leaf("Name", "D028", "name"),
        Leaf("TypeCode", "D006", "type"),
        Leaf("LPCOExemptionCode", "360", "status"),
        Group("Submitter", "17B", Leaf("Name", "R058", "issuer")),
        Group(
            "WriteOff",
            "22C",
            Leaf("QuantityQuantity", "502", "quantity", unit="quantity_unit"),
            Leaf("AmountAmount", "503", "amount"),
        ),
        takes=lambda document, _: document.kind != "previous",
    ),
    _statements(),
    _party("Buyer", "16A", "buyer", "R009", "R010", contact=True),
    Group(
        "Commodity",
        "23A",
        Leaf("Description", "137", "description"),
        Choice(
            "Classification",
            "21A",
            value=("ID", "145"),
            by=("IdentificationTypeCode", "337"),
            fields={"TSP": "hs_code", "HS": "hs_code", "TRC": "taric_code"},
            bare="hs_code",
            rest=("codes", Classification, "code", "scheme"),
            renamed=SCHEMES,
            codes=_scheme_code,
        ),
        _TAX,
        Group(
            "GoodsMeasure",
            "65A",
            Leaf("GrossMassMeasure", "126", "gross_mass", mass=True),
            Leaf("NetNetWeightMeasure", "128", "net_mass", mass=True),
            Leaf("TariffQuantity", "130", "quantity", unit="quantity_unit"),
        ),
        Group("InvoiceLine", "79A", Leaf("ItemChargeAmount", "112", "price")),
        Each("TransportEquipment", "31B", "equipment", Equipment, _sequence(numbered=True), Leaf("ID", "159", "id")),
    ),
    _party("Consignee", "27A", "consignee", "R014", "R015"),
    _party("Consignor", "30A", "consignor", "R020", "R021"),
    Group(
        "CustomsValuation",
        "41A",
        Leaf("MethodCode", "122", "valuation_method"),
        Leaf("FreightChargeAmount", "117", "freight", when=_is_h7),
        _adjustments(),
    ),
    Group("Destination", "99B", Leaf("CountryCode", "465", "destination_country")),
    _fiscal_references(),
    Group("ExportCountry", "95B", Leaf("ID", "062", "export_country")),
    Procedures(),
    Choice(
        "Origin",
        "92A",
        value=("CountryCode", "063"),
        by=("TypeCode", "501"),
        fields={"1": "origin_country", "2": "preference_country"},
        bare="origin_country",
    ),
    Each(
        "Packaging",
        "93A",
        "packages",
        Packaging,
        _sequence(numbered=True),
        Leaf("MarksNumbersID", "142", "marks"),
        Leaf("QuantityQuantity", "144", "quantity"),
        Leaf("TypeCode", "141", "type"),
    ),
    _previous(),
    _party("Seller", "09B", "seller", "R050", "R051", contact=True),
    Group("UCR", "35B", Leaf("TraderAssignedReferenceID", "009", "ucr")),
    Group("ValuationAdjustment", "39B", Leaf("AdditionCode", "188", "valuation_indicators")),
    always=True,
)

_TRANSPORT_DOCUMENT = Choice(
    "TransportContractDocument",
    "30B",
    value=("ID", "D023"),
    by=("TypeCode", "D024"),
    fields={
        f"N{HOUSE_WAYBILL}": "house_bill",
        f"N{MASTER_WAYBILL}": "master_bill",
        f"N{POST}": "tracking_id",
    },
    rest=("documents", Document, "id", "type"),
    rest_fixed={"kind": "transport"},
    when=_is_h7,
)

_CONSIGNMENT = Group(
    "Consignment",
    "28A",
    Leaf("ContainerCode", "096", "transport.container"),
    Group(
        "ArrivalTransportMeans",
        "10A",
        Leaf("ID", "T002", "transport.arrival_id"),
        Leaf("IdentificationTypeCode", "T034", "transport.arrival_id_type"),
        Leaf("ModeCode", "T020", "transport.arrival_mode"),
    ),
    Group(
        "DepartureTransportMeans",
        "46A",
        Leaf("ID", "T004", "transport.departure_id"),
        Leaf("IdentificationTypeCode", "T029", "transport.departure_id_type"),
        Leaf("ModeCode", "T021", "transport.departure_mode"),
    ),
    Group("Freight", "62A", Leaf("rate", "117", "freight", when=_nowhere)),
    Group(
        "GoodsLocation",
        "64A",
        Leaf("Name", "L016", "location.name"),
        Leaf("ID", "L017", "location.id"),
        Leaf("TypeCode", "L110", "location.type"),
        Group(
            "Address",
            "04A",
            Leaf("TypeCode", "410", "location.qualifier"),
            Leaf("CountryCode", "242", "location.country"),
        ),
    ),
    Group("LoadingLocation", "83A", Leaf("ID", "L010", "transport.loading_place")),
    _TRANSPORT_DOCUMENT,
    Each(
        "TransportEquipment",
        "31B",
        "equipment",
        Equipment,
        _sequence(numbered=True),
        Leaf("ID", "159", "id"),
        Texts("Seal", "44B", ("ID", "165"), "seals"),
    ),
)

_SHIPMENT = Group(
    "GoodsShipment",
    "67A",
    Leaf("TransactionNatureCode", "103", "transaction_nature"),
    Each(
        "AdditionalDocument",
        "02A",
        "documents",
        Document,
        _h7_sequence(),
        Leaf("CategoryCode", "D031", "category"),
        Leaf("ID", "D005", "id"),
        Leaf("TypeCode", "D006", "type"),
        fixed={"kind": "supporting"},
        when=_is_h7,
    ),
    _statements(when=_nowhere),
    _party("Buyer", "16A", "buyer", "R009", "R010", contact=True),
    _party("Consignee", "27A", "consignee", "R014", "R015"),
    _CONSIGNMENT,
    _party("Consignor", "30A", "consignor", "R020", "R021", when=_is_import),
    Group("CustomsValuation", "41A", Leaf("FreightChargeAmount", "117", "freight"), _adjustments()),
    Group("Destination", "99B", Leaf("CountryCode", "465", "destination_country")),
    _fiscal_references(),
    Group("ExportCountry", "95B", Leaf("ID", "062", "export_country")),
    Group("Freight", "62A", Leaf("rate", "117", "freight", when=_nowhere)),
    _ITEM,
    _party("Importer", "74A", "importer", "R037", "R038", contact=True),
    _previous(adds=waybills),
    _party("Seller", "09B", "seller", "R050", "R051", contact=True),
    _party("Surety", "19B", "guarantor", "R054", "R055"),
    Group(
        "TradeTerms",
        "22B",
        Leaf("ConditionCode", "090", "incoterm"),
        Leaf("LocationID", "L002", "incoterm_place"),
    ),
    Group("UCR", "35B", Leaf("TraderAssignedReferenceID", "009", "ucr")),
    Group("Warehouse", "43B", Leaf("ID", "L019", "warehouse_id"), Leaf("TypeCode", "L112", "warehouse_type")),
)

DECLARATION = Lines(
    Consignment,
    (
        Leaf("AcceptanceDateTime", "023", "declared_acceptance"),
        FunctionCode(),
        Leaf("ProcedureCategory", "", "procedure_category"),
        Leaf("FunctionalReferenceID", "D026", "reference"),
        Leaf("ID", "D014", "mrn"),
        Leaf("IssueDateTime", "D011", "issued_at"),
        Leaf("TypeCode", "D013", "declaration_type"),
        Leaf("GoodsItemQuantity", "228", "item_count"),
        Leaf("DeclarationOfficeID", "065", "declaration_office"),
        Leaf("InvoiceAmount", "109", "invoice_total"),
        Leaf("TotalGrossMassMeasure", "131", "gross_mass", mass=True),
        Leaf("TotalPackageQuantity", "146", "package_count"),
        Leaf("VersionID", "383", "version", when=_nowhere),
        _party("Submitter", "17B", "submitter", "R058", "R059"),
        Each(
            "AdditionalDocument",
            "02A",
            "documents",
            Document,
            Leaf("CategoryCode", "D031", "category"),
            Leaf("ID", "D005", "id"),
            Leaf("TypeCode", "D006", "type"),
            fixed={"kind": "header"},
            takes=_head_document,
        ),
        _statements(Pointers()),
        _party("Agent", "05A", "representative", "R003", "R004", status=True),
        Each(
            "Amendment",
            "06A",
            "changes",
            Change,
            Leaf("ChangeReasonCode", "099", "reason"),
            Pointers(),
        ),
        Each(
            "AuthorisationHolder",
            "17C",
            "authorisations",
            Authorisation,
            Leaf("ID", "R144", "holder"),
            Leaf("CategoryCode", "R145", "type"),
        ),
        Group(
            "BorderTransportMeans",
            "15A",
            Leaf("ID", "T006", "transport.border_id"),
            Leaf("IdentificationTypeCode", "T018", "transport.border_id_type"),
            Leaf("RegistrationNationalityCode", "T014", "transport.border_nationality"),
            Leaf("ModeCode", "T022", "transport.border_mode"),
        ),
        Group(
            "Consignment",
            "28A",
            _party("Carrier", "18A", "carrier", "R011", "R012", contact=True),
            _party("Consignor", "30A", "consignor", "R020", "R021", when=_is_export),
            Group("Freight", "62A", Leaf("PaymentMethodCode", "098", "transport.freight_payment")),
            Texts("Itinerary", "81A", ("RoutingCountryCode", "064"), "transport.route"),
        ),
        Group(
            "CurrencyExchange",
            "40A",
            Leaf("CurrencyTypeCode", "135", "declared_rate_currency"),
            Leaf("RateNumeric", "118", "declared_rate"),
        ),
        _party("Declarant", "57B", "declarant", "R124", "R123", contact=True),
        Group("ExitOffice", "56A", Leaf("ID", "G005", "exit_office")),
        _party("Exporter", "57A", "exporter", "R031", "R032", contact=True),
        _SHIPMENT,
        Each(
            "ObligationGuarantee",
            "90A",
            "guarantees",
            Guarantee,
            Leaf("ID", "D014", "id"),
            Leaf("ReferenceID", "100", "reference"),
            Leaf("SecurityDetailsCode", "101", "type"),
        ),
        Group("PresentationOffice", "15C", Leaf("ID", "G015", "presentation_office")),
        Group("SupervisingOffice", "97B", Leaf("ID", "G012", "supervising_office")),
    ),
)
"""A declaration of any kind: new, amended or cancelled, to come in or to go out."""
