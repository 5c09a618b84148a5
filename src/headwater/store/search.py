"""Searching by vectors: a worker asks the storage process, which holds the indexes.

A hit is a point of the index, so it may be newer than the worker's snapshot or already be gone. Whoever shows documents
looks each up, and drops those whose vectors are of another ``sequence`` or that the caller may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from headwater.store.interface import Store
from headwater.vectors.interface import Hit, VectorData


class SearchRequest(msgspec.Struct, array_like=True, frozen=True):
    """The points of one collection that are nearest to a query.

    A vector bears the name of one of the collection's indexes; one of multi-vectors takes a dense vector as well.
    A text is looked for in the collection's text index, by BM25.
    """

    collection_row: int
    query: VectorData | str
    limit: int
    #: ``packed_rows`` of the only documents to look at; these are compared exactly.
    within: bytes | None = None
    #: Hits below this are left out. Scores are those of ``headwater.vectors.scores``.
    min_score: float | None = None


class Found(msgspec.Struct, array_like=True, frozen=True):
    """Hits as they cross the socket, column by column."""

    document_rows: bytes
    sequences: bytes
    scores: bytes

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> Found:
        return cls(
            packed_rows(hit.document_row for hit in hits),
            packed_rows(hit.sequence for hit in hits),
            np.fromiter((hit.score for hit in hits), "<f8", len(hits)).tobytes(),
        )

    def hits(self) -> list[Hit]:
        scores = np.frombuffer(self.scores, "<f8").tolist()
        return list(map(Hit, unpacked_rows(self.document_rows), unpacked_rows(self.sequences), scores))


def packed_rows(rows: Iterable[int]) -> bytes:
    return np.fromiter(rows, "<i8").tobytes()


def unpacked_rows(packed: bytes) -> list[int]:
    found: list[int] = np.frombuffer(packed, "<i8").tolist()
    return found


encode_requests = msgspec.msgpack.Encoder().encode
decode_requests = msgspec.msgpack.Decoder(list[SearchRequest]).decode
encode_found = msgspec.msgpack.Encoder().encode
_decode_columns = msgspec.msgpack.Decoder(list[Found]).decode


def decode_found(answer: bytes) -> list[list[Hit]]:
    return [found.hits() for found in _decode_columns(answer)]


async def search(store: Store, requests: Sequence[SearchRequest]) -> list[list[Hit]]:
    """The hits of each request, best first; those of equal score in the order of their rows.

    One after another in the storage process, at one moment: no write comes in between. Raises ``ValidationError`` for a
    vector that does not fit its index or a text where no field is declared as text, and ``ServiceUnavailableError``
    while an index is being rebuilt: an answer never lacks a part of the collection. Only a text index that was declared
    a moment ago may not know all documents yet: see ``store.text.indexes.load_text_index``.
    """
    if not requests:
        return []
    return decode_found(await store.query("search", encode_requests(requests)))
