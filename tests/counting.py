"""How much a message holds by another hand: plain XPath, JSON, CSV and text, and nothing of our readers.

A counter a format; what it counts is what a person would count who looks into the file: declarations and goods items,
answers, documents of trade (orders, payments, waybills), movements of parcels.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lxml import etree


class Counts(NamedTuple):
    """What a message holds, or several together."""

    consignments: int = 0
    items: int = 0
    answers: int = 0
    documents: int = 0
    movements: int = 0

    def plus(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(*(one + more for one, more in zip(self, other, strict=True)))


# --- XML


def grown(data: bytes) -> etree._Element:
    """The tree of a message, without namespaces: one of these samples does not say what its prefixes stand for."""
    bare = re.sub(rb"\sxmlns=(?:\"[^\"]*\"|'[^']*')", b"", re.sub(rb"(</?)[\w.-]+:", rb"\1", data))
    return etree.fromstring(bare, etree.XMLParser(resolve_entities=False))


def count(root: etree._Element, path: str, *names: str) -> int:
    """How many elements of these local names stand below what the path finds."""
    test = " or ".join(f"local-name()='{name}'" for name in names)
    return len(root.xpath(f"{path}//*[{test}]"))


def of_ens(data: bytes) -> Counts:
    root = grown(data)
    heads = count(root, "", "CC315A", "CC313A")
    items = count(root, "//*[local-name()='CC315A' or local-name()='CC313A']", "GOOITEGDS")
    return Counts(heads, items, count(root, "", "CC304A", "CC305A", "CC316A", "CC328A", "CC351A"))


def of_wco(data: bytes) -> Counts:
    """Declarations as such, or whole in a report, but not what answers and summaries repeat; goods items; responses."""
    try:
        root = grown(data)
    except etree.XMLSyntaxError:
        return Counts()
    heads = root.xpath("/Declaration | //*[contains(name(), 'MetaData') or self::FullDeclarationObject]/Declaration")
    return Counts(
        len(heads), sum(count(one, ".", "GovernmentAgencyGoodsItem") for one in heads), count(root, "", "Response")
    )


def of_asycuda(data: bytes) -> Counts:
    root = grown(data)
    if root.tag == "Awmds":
        return Counts(count(root, "", "Bol_segment"), count(root, "", "Goods_segment"))
    return Counts(1, sum(bool("".join(one.itertext()).strip()) for one in root.findall("Item")))


def of_cargo_xml(data: bytes) -> Counts:
    """Houses, or the waybill that has none; an item for each commodity code of an item that has several."""
    root = grown(data)
    if root.tag == "Response":
        return Counts(answers=1)
    name = {"Waybill": "IncludedMasterConsignmentItem"}.get(root.tag, "IncludedHouseConsignmentItem")
    items = sum(max(len(one.findall("TypeCode")), 1) for one in root.iter(name))
    if root.tag == "HouseManifest":  # which has a description of each house and no items
        items = len(root.xpath(".//IncludedHouseConsignment/SummaryDescription"))
    return Counts(len(root.xpath(".//IncludedHouseConsignment")) or 1, items)


def of_ceb(data: bytes) -> Counts:
    root = grown(data)
    lists = count(root, "", "Inventory", "InvtCancel", "InvtRefund")
    items = count(root, "", "InventoryList", "InvtRefundList")
    answers = len(
        root.xpath("//*[starts-with(name(), 'CEB')]/*[contains(name(), 'Return') or self::Tax or self::Error]")
    )
    return Counts(lists, items, answers, count(root, "", "Order", "Payment", "Receipts", "Logistics"))


def of_ics2(data: bytes) -> Counts:
    root = grown(data)
    answers = count(root, "", "referralRequestDetails") + len(root.xpath("/*[self::IE4S02 or self::IE4N99]"))
    return Counts(count(root, "", "consignmentHouseLevel"), count(root, "", "goodsItem"), answers)


# --- JSON


def objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree, outer before inner."""
    if isinstance(tree, dict):
        yield tree
    for inside in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from objects(inside)


def loaded(data: bytes) -> Any:
    """The tree, of an object a line too; None for what is no JSON."""
    text = data.decode("utf-8-sig")
    try:
        return json.loads(text)
    except ValueError:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            return None


def of_json(data: bytes) -> Counts:
    tree = loaded(data)
    held = tree.get("consignments", [tree]) if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    ours = [one for one in held if isinstance(one, dict) and {"reference", "jurisdiction"} <= one.keys()]
    return Counts(len(ours), sum(len(one.get("items", ())) for one in ours))


def of_orders(data: bytes) -> Counts:
    """Orders, in whatever is wrapped around them, and their lines that are shipped; no fulfilment or refund."""
    tree = loaded(data)
    for name in ("orders", "order", "draft_order"):
        tree = tree.get(name, tree) if isinstance(tree, dict) else tree
    orders = [one for one in (tree if isinstance(tree, list) else [tree]) if {"line_items", "currency"} & one.keys()]
    lines = [line for one in orders for line in one.get("line_items", ())]
    return Counts(len(orders), sum(line.get("requires_shipping", True) for line in lines))


def of_amazon(data: bytes) -> Counts:
    """An order and its lines come apart, joined by the number of the order."""
    parts = [one for one in objects(loaded(data)) if "AmazonOrderId" in one or "orderId" in one]
    numbers = {one.get("AmazonOrderId", one.get("orderId")) for one in parts}
    lines = sum(len(one.get("OrderItems") or one.get("orderItems") or ()) for one in parts)
    return Counts(len(numbers), lines)


def of_easypost(data: bytes) -> Counts:
    """Shipments, inside an order of several or alone, with somewhere to go; the articles on their customs forms."""
    shipments = [one for one in objects(loaded(data)) if {"to_address", "from_address"} <= one.keys()]
    inner = {id(one) for outer in shipments for one in objects(outer) if one is not outer}
    orders = [one for one in shipments if isinstance(one.get("shipments"), list)]
    told = [one for one in shipments if one not in orders and (id(one) not in inner or orders)]
    items = sum(len((one.get("customs_info") or {}).get("customs_items") or ()) for one in told)
    return Counts(len(told), items)


def of_one_record(data: bytes) -> Counts:
    """Waybills that are no master, and shipments without a waybill; a piece is an item, or as many as its codes."""
    held = list(objects(loaded(data)))
    whole = {one["@id"]: one for one in held if "@id" in one and one.keys() - {"@id", "@type", "@context"}}

    def meant(one: Any) -> Any:
        return whole.get(one.get("@id"), one)

    def of_type(name: str) -> list[dict[str, Any]]:
        said = [one for one in held if one.get("@type") in (f"cargo:{name}", f"api:{name}")]
        return [one for one in said if one.keys() - {"@id", "@type", "@context"}]

    def listed(one: dict[str, Any], name: str) -> list[Any]:
        value = one.get(f"cargo:{name}", [])
        return [meant(entry) for entry in (value if isinstance(value, list) else [value])]

    waybills = of_type("Waybill")
    masters = [id(one) for waybill in waybills for one in listed(waybill, "masterWaybill")]
    carried = [id(one) for waybill in waybills for one in listed(waybill, "shipment")]
    alone = [one for one in of_type("Shipment") if id(one) not in carried]
    pieces = [
        piece for one in of_type("Shipment") for piece in listed(one, "pieces") if piece.keys() - {"@id", "@type"}
    ]
    items = sum(max(len(listed(piece, "contentProducts")), 1) for piece in pieces)
    own = sum(id(one) not in masters for one in waybills)
    return Counts(own + len(alone), items, len([one for one in held if one.get("@type") == "api:Error"]))


# --- sheets

REFERENCES = ("reference", "Order number", "Bestellnummer", "Numéro de commande", "订单号")
DESCRIPTIONS = ("description", "Item description", "Warenbezeichnung", "Désignation", "品名")


def of_rows(rows: list[list[str]]) -> Counts:
    """Consignments by their number in the first column, and rows that name goods."""
    if not rows or not rows[0] or rows[0][0] not in REFERENCES:
        return Counts()
    [described] = [place for place, name in enumerate(rows[0]) if name in DESCRIPTIONS]
    said = [row for row in rows[1:] if len(row) > described and row[0]]
    return Counts(len({row[0] for row in said}), sum(bool(row[described]) for row in said))


def of_csv(data: bytes) -> Counts:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    mark = max(",;\t", key=text.splitlines()[0].count)
    return of_rows(list(csv.reader(io.StringIO(text), delimiter=mark)))


def of_xlsx(data: bytes) -> Counts:
    return of_rows(sheet_rows(data))


def sheet_rows(data: bytes) -> list[list[str]]:
    """The rows of the first sheet, which have their texts in the cells or in a list beside it."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        listed = "xl/sharedStrings.xml"
        shared = [
            "".join(one.itertext()) for one in (grown(packed.read(listed)) if listed in packed.namelist() else ())
        ]
        sheet = grown(packed.read("xl/worksheets/sheet1.xml"))
    rows: list[list[str]] = []
    order: list[str] = []
    for row in sheet.iter("row"):
        cells: dict[str, str] = {}
        for cell in row.iter("c"):
            text = "".join(part.text or "" for part in cell.iter("v", "t"))
            letters = re.sub("[0-9]", "", cell.get("r", ""))
            cells[letters] = shared[int(text)] if cell.get("t") == "s" else text
        order = order or sorted(cells, key=lambda name: (len(name), name))
        rows.append([cells.get(name, "") for name in order])
    return rows


# --- lines of text


def of_cargo_imp(data: bytes) -> Counts:
    """Houses and waybills; an item for each commodity code, or one where goods are named at all."""
    told = Counts()
    text = data.decode().replace("\r", "").replace("\n/", "/").replace("\n", "\n ")
    for kind, message in re.findall(r"(FHL|FWB)/[0-9]+(.*?)(?=FHL/|FWB/|\Z)", text, re.DOTALL):
        houses = message.split("HBS/")[1:] if kind == "FHL" else [message]
        for house in houses:
            codes = len(re.findall(r"/NH/[0-9]+", house)) if kind == "FWB" else 0
            for run in re.findall(r"HTS((?:/[0-9]+)+)", house) if kind == "FHL" else ():
                codes += run.count("/")
            told = told.plus(Counts(1, max(codes, 1)))
    return told.plus(Counts(answers=len(re.findall(r"(?:FMA|FNA)\s*ACK/", text))))


def segments(data: bytes) -> list[list[str]]:
    """The segments of an interchange as lists of elements, by the signs of UNA."""
    text = data.decode("utf-8-sig", "replace")
    element, release, end = ("+", "?", "'") if not text.startswith("UNA") else (text[4], text[6], text[8])
    text = text[9:] if text.startswith("UNA") else text
    kept = text.replace(release * 2, "\x01").replace(release + end, "\x02").replace(release + element, "\x03")
    return [one.strip().split(element) for one in kept.split(end) if one.strip()]


def of_edifact(data: bytes) -> Counts:
    """By the kind of message: consignments by CNI or their own bill, or the message itself; items by GID or CST."""
    told = Counts()
    kind, tags, part = "", Counter[str](), ""
    for tag, *rest in [*segments(data), ["UNH", "", "end"]]:
        if tag == "UNH":
            told = told.plus(_message(kind, tags))
            kind, tags, part = re.split(r"\W", rest[1])[0], Counter(), ""
        part = rest[0] if tag == "UNS" else part
        tags[f"{tag}{part}"] += 1
        tags["bills"] += tag == "RFF" and rest[0][:2] == "BM"
    return told


def _message(kind: str, tags: Counter[str]) -> Counts:
    if kind in ("CUSRES", "CONTRL"):
        return Counts(answers=1)
    if kind == "CUSDEC":
        return Counts(1, tags["CSTD"])
    return (
        Counts(max(tags["CNI"], tags["bills"]), tags["GID"] + tags["GDS"]) if kind in ("CUSCAR", "CUSEXP") else Counts()
    )


def of_post(data: bytes) -> Counts:
    """In the four forms of the profile: items with their contents, answers, dispatches, events."""
    if data.startswith(b"UN"):
        kinds = [re.split(r"\W", one[2])[0] for one in segments(data) if one[0] == "UNH"]
        tags = Counter(one[0] for one in segments(data))
        named = Counts(tags["CNI"], tags["GID"]) if kinds[0] in ("ITMATT", "CUSITM") else Counts()
        return named._replace(movements=kinds.count("PREDES"), answers=tags["CNI"] if kinds[0] == "CUSRSP" else 0)
    if data.lstrip(b"\xef\xbb\xbf").startswith(b"<"):
        root = grown(data)
        return Counts(len(root.xpath("//item")), len(root.xpath("//content")))
    if data.startswith(b"{"):
        tree = json.loads(data)
        kind, inside = tree["message"], tree.get("item", [])
        if kind == "CUSRSP":
            return Counts(answers=len(inside))
        moved = len(tree.get("event", ())) if kind == "EMSEVT" else kind == "PREDES"
        return Counts(len(inside), sum(len(one.get("content", ())) for one in inside), movements=int(moved))
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    if rows[0]["message"] == "EMSEVT":
        return Counts(movements=len(rows))
    goods = {(row["item.item_id"], row["item.content.sequence"]) for row in rows if row["item.content.description"]}
    return Counts(len({row["item.item_id"] for row in rows}), len(goods))


COUNTERS: dict[str, Callable[[bytes], Counts]] = {
    "amazon": of_amazon, "asycuda": of_asycuda, "cargo_imp": of_cargo_imp, "cargo_xml": of_cargo_xml, "ceb": of_ceb,
    "csv": of_csv, "easypost": of_easypost, "edifact": of_edifact, "ens": of_ens, "ics2": of_ics2, "json": of_json,
    "one_record": of_one_record, "post": of_post,
    "shopify": of_orders, "wco_dms": of_wco, "woocommerce": of_orders, "xlsx": of_xlsx,
}  # fmt: skip
"""A counter for every format, by its name."""
