"""Documents as rows of a table, for the formats that have columns: which columns there are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from headwater.errors import BadRequestError
from headwater.store.documents.projection import stored_root
from headwater.store.documents.records import DocumentRow
from headwater.store.transfer.rows import lineage_columns, selected

#: What a column holds. Values that are not of one plain type, and those that are nested, are written as JSON.
ColumnKind = Literal["null", "boolean", "integer", "float", "text", "json"]

#: Documents with fields made from data would make a table that nothing can open.
MAX_COLUMNS = 2000
_KINDS: dict[type, ColumnKind] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "float",
    str: "text",
}
_encode = msgspec.json.Encoder().encode


class Table:
    """How documents become rows. ``see`` every document first, then ``columns`` are known and ``values`` may be asked.

    ``fields`` chooses columns by dotted path; None is the whole stored document.
    """

    def __init__(self, fields: Sequence[str] | None, *, lineage: bool) -> None:
        self._fields = fields
        self._lineage = lineage
        self._seen: dict[str, ColumnKind] = {} if fields is None else dict.fromkeys(fields, "null")

    def see(self, document: DocumentRow) -> None:
        for name, value in self._own(document).items():
            kind = _KINDS.get(type(value), "json")
            self._seen[name] = _joined(self._seen.get(name, "null"), kind)
        if len(self._seen) > MAX_COLUMNS:
            raise BadRequestError(
                f"the documents have more than {MAX_COLUMNS} different fields, too many for a table;"
                " name those that you want in select_fields, or send format json",
                details={"limit": MAX_COLUMNS},
            )

    @property
    def columns(self) -> dict[str, ColumnKind]:
        """The columns in their order, with what they hold."""
        first: dict[str, ColumnKind] = {"document_id": "text"}
        last: dict[str, ColumnKind] = {}
        if self._fields is None:
            first["collection_id"], last["_internal"] = "text", "json"
        if self._lineage:
            last = {"lineage_chain": "json", "source_content_hash": "text", "document_created_at": "text", **last}
        return first | self._seen | {name: kind for name, kind in last.items() if name not in self._seen}

    def _own(self, document: DocumentRow) -> dict[str, Any]:
        if self._fields is not None:
            found = selected(document, self._fields)
            return {name: value for name, value in found.items() if name != "document_id"}
        return stored_root(msgspec.json.decode(document.body), document.derived_names)

    def values(self, document: DocumentRow) -> dict[str, Any]:
        """The document's values by column. A column that was not seen before is left out."""
        system: dict[str, Any] = {"document_id": document.document_id}
        if self._fields is None:
            system |= {"collection_id": document.collection_id, "_internal": msgspec.Raw(document.internal)}
        if self._lineage:
            columns = lineage_columns(document)
            system["lineage_chain"] = columns.pop("lineage_chain")
            system |= {name: msgspec.json.decode(value) for name, value in columns.items()}
        return system | self._own(document)


def _joined(one: ColumnKind, other: ColumnKind) -> ColumnKind:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "float" if {one, other} == {"integer", "float"} else "json"


def cell(value: Any) -> str:
    """A value in a CSV file: text as it is, nothing for null, everything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value).decode()


def column(kind: ColumnKind, name: str, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """The values of one column, as its kind wants them."""
    values = [row.get(name) for row in rows]
    if kind == "json":
        return [None if value is None else _encode(value).decode() for value in values]
    if kind == "float":
        return [None if value is None else float(value) for value in values]
    return values
