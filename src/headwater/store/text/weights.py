"""What the text of a document weighs: made from its projection, packed for its row, unpacked for the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headwater.query import Fields
from headwater.query.ordering import elements
from headwater.store.fields.maintain import Record, fields_of
from headwater.vectors.interface import VectorData, VectorSpec
from headwater.vectors.names import LEXICAL

LEXICAL_SPEC = VectorSpec(LEXICAL, "sparse", None, "dot")
_WORD_BYTES = 8


def text_of(fields: Fields, paths: Sequence[str]) -> str:
    """Every string at the paths, those in arrays too."""
    return "\n".join(_strings(fields, paths))


def _strings(fields: Fields, paths: Sequence[str]) -> Iterator[str]:
    for path in paths:
        yield from (value for value in elements(fields.values_at(path)) if isinstance(value, str))


def weights_of(document: Record, paths: Sequence[str]) -> bytes | None:
    """The column ``vectors.lexical`` of the document."""
    text = text_of(fields_of(document, paths), paths)
    if not text:
        return None
    # Imported here: only the writer comes to this, and a worker must not load the engine.
    from headwater.vectors.bm25 import document_weights

    weights = document_weights(text)
    return None if weights is None else weights.indices + weights.data


def unpacked(weights: bytes) -> VectorData:
    """The weights as the index keeps them."""
    words = len(weights) // _WORD_BYTES
    half = len(weights) // 2
    return VectorData(LEXICAL, "sparse", 1, words, weights[half:], weights[:half])
