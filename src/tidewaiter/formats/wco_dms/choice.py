"""A repeated element whose code says which field of ours its value is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from tidewaiter.formats.tree import Node
from tidewaiter.formats.values import Unfit, kind_of
from tidewaiter.formats.wco_dms.passing import SEQUENCE, Condition, Element, Spot, Writer
from tidewaiter.formats.wco_dms.shapes import Leaf, Line, Lines
from tidewaiter.formats.wco_dms.values import Convert, converter, for_these, text_converter, written


class Choice:
    """A repeated element with a value and a code, where the code says which field of ours the value is.

    `fields` sends codes to fields, in the order of writing; `bare` is for an element without code. What goes to none
    of them, or to one that is taken, becomes a record of the list `rest` with the fields `rest_value`, `rest_by` and
    `rest_fixed`, or is dropped where there is no such list. `renamed` are our names for their codes there. `codes`
    gives another code to write for a field; `most` is how many may stand.
    """

    def __init__(
        self,
        element: str,
        wco: str,
        *,
        value: tuple[str, str],
        by: tuple[str, str],
        fields: Mapping[str, str],
        bare: str = "",
        rest: tuple[str, type[msgspec.Struct], str, str] | None = None,
        rest_fixed: Mapping[str, Any] | None = None,
        renamed: Mapping[str, str] | None = None,
        codes: Callable[[str, str, Writer], str] | None = None,
        when: Condition | None = None,
        most: int | None = None,
    ) -> None:
        self.element, self.wco, self.value, self.by = element, wco, value, by
        self.fields, self.bare, self.rest = dict(fields), bare, rest
        self.rest_fixed, self.codes, self.when, self.most = dict(rest_fixed or {}), codes, when, most
        self._renamed = dict(renamed or {})
        self._unnamed = {ours: theirs for theirs, ours in self._renamed.items()}
        self._write_as = {field: code for code, field in reversed(self.fields.items())}
        self._converts: dict[str, Convert] = {}
        if rest is not None:
            self._rest_value = text_converter(kind_of(rest[1], rest[2])[1])
            self._rest_by = text_converter(kind_of(rest[1], rest[3])[1])
            self._rest_lines = Lines(rest[1], ())
        self._inner: dict[str, Line] = {name: Leaf(name, tag, "") for name, tag in (value, by)}

    def bind(self, struct: type[msgspec.Struct]) -> None:
        """See `Line.bind`."""
        self._converts = {field: converter(struct, field) for field in {*self.fields.values(), self.bare} - {""}}

    def read(self, node: Node, into: dict[str, Any], spot: Spot) -> None:
        """See `Line.read`."""
        position = spot.count(self.element)
        here = f"{spot.here}/{self.element}[{position}]"
        inside = Spot(spot.at, here, spot.reader, trace=spot.trace)
        value = by = None
        value_name, by_name = self.value[0], self.by[0]
        for child in node.children:
            name = child.name
            if inside.trace is not None and name in (by_name, SEQUENCE):
                inside.trace.decides(child)
            if name == value_name and value is None:
                value = child
            elif name == by_name and by is None:
                by = child
            elif name == SEQUENCE and child.text == str(position):
                spot.reader.kept += 1
            else:
                spot.reader.drop(child, f"{here}/{child.name}")
        code = by.text if by is not None else ""
        field = self.fields.get(code, "") if code else self.bare
        if value is not None and value.text and field and field not in into:
            into_field = self._take(value, by, field, inside)
            if into_field is not None:
                into[field] = into_field
        elif self.rest is not None and (code or (value is not None and value.text)):
            self._take_rest(node, value, by, into, inside)
        else:
            for left in (value, by):
                if left is not None:
                    spot.reader.drop(left, f"{here}/{left.name}")

    def _take(self, value: Node, by: Node | None, field: str, spot: Spot) -> Any:
        """The value for the field, None where it is unfit."""
        path = f"{spot.here}/{self.value[0]}"
        try:
            converted = self._converts[field](value.text, value.attributes)
        except Unfit as unfit:
            spot.fault(unfit, value, field=field, path=path)
            if by is not None:
                spot.reader.drop(by, f"{spot.here}/{by.name}")
            return None
        if spot.trace is not None:
            spot.trace.value(field, value, for_these(self._converts[field], value.attributes))
        spot.reader.anchor[f"{spot.at}/{field}"] = path
        spot.reader.kept += 1 if by is None or not by.text else 2
        return converted

    def _take_rest(self, above: Node, value: Node | None, by: Node | None, into: dict[str, Any], spot: Spot) -> None:
        assert self.rest is not None  # noqa: S101  the caller asked
        name, _, value_field, by_field = self.rest
        records = into.setdefault(name, [])
        trace = None if spot.trace is None else spot.trace.inside(above)
        inside = Spot(f"{spot.at}/{name}/{len(records)}", spot.here, spot.reader)
        own: dict[str, Any] = {}
        for node, field, convert in ((value, value_field, self._rest_value), (by, by_field, self._rest_by)):
            if node is None or not node.text:
                continue
            path = f"{spot.here}/{node.name}"
            try:
                own[field] = convert(node.text, node.attributes)
            except Unfit as unfit:
                inside.fault(unfit, node, field=field, path=path)
                continue
            if trace is not None:
                trace.value(field, node, for_these(convert, node.attributes))
            spot.reader.anchor[f"{inside.at}/{field}"] = path
            spot.reader.kept += 1
        if own:
            records.append(self._rest_build({**own, **self.rest_fixed}))
            if spot.trace is not None and trace is not None:
                for field, fixed in self.rest_fixed.items():
                    trace.constant(field, fixed)
                spot.trace.built(name, trace, self._rest_build)
            spot.reader.anchor[inside.at] = spot.here

    def _rest_build(self, own: dict[str, Any]) -> Any:
        assert self.rest is not None  # noqa: S101  the caller asked
        by = self.rest[3]
        if by in own:
            own[by] = self._renamed.get(own[by], own[by])
        return self._rest_lines.build(own)

    def write(self, record: Any, writer: Writer) -> Iterator[Element]:
        """See `Line.write`."""
        if self.when is not None and not self.when(writer):
            return
        pairs = [
            (getattr(record, field), self.codes(field, code, writer) if self.codes else code)
            for field, code in self._write_as.items()
        ]
        if self.rest is not None:
            name, _, value_field, by_field = self.rest
            for one in getattr(record, name):
                if all(getattr(one, key) == fixed for key, fixed in self.rest_fixed.items()):
                    code = getattr(one, by_field) or ""
                    pairs.append((getattr(one, value_field) or "", self._unnamed.get(code, code)))
        filled = [(value, code) for value, code in pairs if value or (code and value is not None)]
        for value, code in filled[: self.most]:
            parts = ((self.value[0], written(value or "")[0]), (self.by[0], written(code)[0]))
            yield Element(self.element, children=[Element(name, text) for name, text in parts if text])

    def path_to(self, field: str) -> str:
        """See `Line.path_to`."""
        if field in self._converts:
            return f"{self.element}/{self.value[0]}"
        return self.element if self.rest is not None and field.partition(".")[0] == self.rest[0] else ""

    def inner(self) -> Mapping[str, Line]:
        """See `Line.inner`."""
        return self._inner
