"""Answers made of stored bytes: a document is joined from its columns and not parsed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from headwater.store.documents.records import DocumentRow
from headwater.store.documents.vector_forms import vector_json
from headwater.vectors.interface import VectorData

_encode = msgspec.json.Encoder().encode


class RenderOptions(msgspec.Struct, array_like=True, frozen=True):
    """What an answer shows besides the record."""

    #: Give each blob a ``presigned_url``. That is done to the rendered document, by ``with_signed_urls``.
    presigned_urls: bool = False
    #: Show every vector.
    vectors: bool = False
    #: True shows their names only, a list those vectors only. See ``with_storage_names``.
    vector_names: Literal[True] | list[str] | None = None

    @property
    def needs_vectors(self) -> bool:
        return self.vectors or self.vector_names is not None


PLAIN = RenderOptions()


def with_storage_names(options: RenderOptions, indexes: Iterable[dict[str, Any]]) -> RenderOptions:
    """The options with requested output names turned into storage names; unknown ones are left out."""
    if not isinstance(options.vector_names, list):
        return options
    wanted = set(options.vector_names)
    names = [index["name"] for index in indexes if index["name"] in wanted or index.get("output") in wanted]
    return RenderOptions(options.presigned_urls, options.vectors, names)


def render_document(document: DocumentRow, options: RenderOptions = PLAIN, vectors: Sequence[VectorData] = ()) -> bytes:
    """The document as JSON. ``vectors`` are all its vectors, needed only if ``options.needs_vectors``."""
    shown = shown_vectors(options, vectors) if options.needs_vectors else ()
    body = _without(document.body, {vector.name for vector in shown}) if shown else document.body
    parts = [
        b'{"document_id":',
        _encode(document.document_id),
        b',"collection_id":',
        _encode(document.collection_id),
        b"," if len(body) > 2 else b"",
        body[1:-1],
        b',"document_blobs":',
        document.blobs or b"[]",
        b',"searchable_at":',
        _encode(document.searchable_at),
    ]
    if options.needs_vectors:
        parts += _vector_parts(options, vectors, shown)
    parts += (b',"_internal":', document.internal, b"}")
    return b"".join(parts)


def with_expanded(content: bytes, expanded: bytes) -> bytes:
    """A rendered document with ``_expanded``, which is given as JSON."""
    return b"".join((content[:-1], b',"_expanded":', expanded, b"}"))


def shown_vectors(options: RenderOptions, vectors: Sequence[VectorData]) -> Sequence[VectorData]:
    """Those of the document's vectors that stand at its root."""
    if isinstance(options.vector_names, list):
        return [vector for vector in vectors if vector.name in options.vector_names]
    return vectors if options.vectors else ()


def _vector_parts(options: RenderOptions, vectors: Sequence[VectorData], shown: Sequence[VectorData]) -> list[bytes]:
    names = _encode([vector.name for vector in vectors])
    parts = [b',"_vectors":', names, b',"vector_hydration_incomplete":false']
    for vector in shown:
        parts += (b",", _encode(vector.name), b":", vector_json(vector))
    return parts


def shadowed_names(document: DocumentRow, options: RenderOptions, vectors: Sequence[VectorData]) -> list[str]:
    """User fields that the answer leaves out because a returned vector has the same name."""
    if not options.needs_vectors:
        return []
    names = [vector.name for vector in shown_vectors(options, vectors)]
    return [name for name in names if _mentions(document.body, name) and name in msgspec.json.decode(document.body)]


def shadow_warning(names: Sequence[str]) -> str:
    """The sentence that tells a caller what ``shadowed_names`` found."""
    return f"user fields hidden by vectors of the same name: {', '.join(names)}"


def _mentions(body: bytes, name: str) -> bool:
    return _encode(name) + b":" in body


def _without(body: bytes, names: set[str]) -> bytes:
    """The body without those members. It is parsed only if one of the names occurs in it at all."""
    if not any(_mentions(body, name) for name in names):
        return body
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return _encode({name: value for name, value in members.items() if name not in names})
