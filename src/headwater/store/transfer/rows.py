"""A stored document as one row of an export.

A row is the *stored* document: user fields at the root as they were sent, everything else in ``_internal``. With
vectors and lineage it is *complete*: an import makes the same document of it again. What an import needs beside what
people read is in ``_internal._export``, where no user field can be in its way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headwater.kit.clock import to_text
from headwater.store.documents.lineage import decode_sent
from headwater.store.documents.projection import VIOLATIONS, stored_root
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.vector_forms import vector_json
from headwater.store.transfer.paths import MISSING, value_at
from headwater.vectors.interface import VectorData

#: The member of ``_internal`` that makes a row one of ours, and the version of its form.
EXPORT = "_export"
VERSION = 1

_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")


class _Lineage(msgspec.Struct):
    chain: msgspec.Raw = msgspec.Raw(b"[]")


class _Internal(msgspec.Struct):
    """The members of ``_internal`` that rows need; decoding skips the others."""

    lineage: _Lineage = msgspec.field(default_factory=_Lineage)
    content_hash: msgspec.Raw = _NULL


def lineage_columns(document: DocumentRow) -> dict[str, msgspec.Raw]:
    """The three columns of ``include_lineage``, each as JSON."""
    seen = msgspec.json.decode(document.internal, type=_Internal)
    return {
        "lineage_chain": seen.lineage.chain,
        "source_content_hash": seen.content_hash,
        "document_created_at": msgspec.Raw(_encode(to_text(document.created_at))),
    }


def own_members(document: DocumentRow) -> dict[str, msgspec.Raw]:
    """The stored root, each value as JSON."""
    members = msgspec.json.decode(document.body, type=dict[str, msgspec.Raw])
    return stored_root(members, document.derived_names)


def json_row(
    document: DocumentRow,
    *,
    indexes: Mapping[str, Mapping[str, Any]],
    lineage: bool,
    vectors: Sequence[VectorData] | None = None,
) -> bytes:
    """The row as a line of JSON. ``vectors`` makes it a complete one; ``indexes`` are the collection's, by name."""
    columns = lineage_columns(document) if lineage else {}
    body = document.body[1:-1]
    if document.derived is not None or _mentions(body, (VIOLATIONS, *columns)):
        own = own_members(document)
        # A user field of that name is the document's own and stays.
        columns = {name: value for name, value in columns.items() if name not in own}
        body = _encode(own)[1:-1]
    parts = [
        b'{"document_id":',
        _encode(document.document_id),
        b',"collection_id":',
        _encode(document.collection_id),
        b"," + body if body else b"",
        b',"document_blobs":' + document.blobs if document.blobs else b"",
    ]
    if vectors is not None:
        parts += (b',"vectors":', _vectors_json(vectors))
    parts += [b"," + _encode(name) + b":" + value for name, value in columns.items()]
    note = _note(document, list(columns), indexes, vectors or ())
    parts += (b',"_internal":', document.internal[:-1], b',"', EXPORT.encode(), b'":', note, b"}}\n")
    return b"".join(parts)


def _mentions(body: bytes, names: Sequence[str]) -> bool:
    return any(_encode(name) + b":" in body for name in names)


def _vectors_json(vectors: Sequence[VectorData]) -> bytes:
    return b"{" + b",".join(_encode(vector.name) + b":" + vector_json(vector) for vector in vectors) + b"}"


def _note(
    document: DocumentRow, columns: list[str], indexes: Mapping[str, Mapping[str, Any]], vectors: Sequence[VectorData]
) -> bytes:
    return _encode(
        {
            "version": VERSION,
            "columns": columns,
            "lineage_sent": decode_sent(document.lineage_sent),
            "indexes": {vector.name: _definition(indexes[vector.name]) for vector in vectors},
        }
    )


def _definition(index: Mapping[str, Any]) -> dict[str, Any]:
    """What cannot be told from the vector itself, for a collection that has no such index yet."""
    return {name: index.get(name) for name in ("output", "feature_extractor_id", "distance")}


def vectors_row(document_id: str, vectors: Sequence[VectorData]) -> bytes:
    """The line of the separate vectors file."""
    members = _vectors_json(vectors)[1:-1]
    return b'{"document_id":' + _encode(document_id) + (b"," + members if members else b"") + b"}\n"


def selected(document: DocumentRow, fields: Sequence[str]) -> dict[str, Any]:
    """The values at those dotted paths, by path; paths that lead nowhere are left out.

    Fields are looked up as reads show them, so that a ``metadata`` key is found under its own name too.
    """
    shown: dict[str, Any] = msgspec.json.decode(document.body)
    shown["document_id"], shown["collection_id"] = document.document_id, document.collection_id
    if any(field.partition(".")[0] == "_internal" for field in fields):
        shown["_internal"] = msgspec.json.decode(document.internal)
    found: dict[str, Any] = {"document_id": document.document_id}
    for field in fields:
        value = value_at(shown, field)
        if value is not MISSING:
            found[field] = value
    return found
