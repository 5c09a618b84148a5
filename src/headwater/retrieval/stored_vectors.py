"""The vectors that documents keep, for stages that compare documents with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw
import msgspec
import numpy as np

from headwater.store.documents.records import checked_vectors
from headwater.store.find import Budget
from headwater.vectors.interface import VectorData

#: By its row, the names of a document's vectors that are wanted; None where its collection has no such index.
Wanted = Mapping[int, Sequence[str | None]]
Stored = dict[int, list[VectorData | None]]


def load_stored_vectors(connection: apsw.Connection, budget: Budget, wanted: Wanted) -> Stored:
    """The wanted vectors of those documents that have any, in one read. Call it by ``Runtime.find``.

    Several rows of one vector become their mean, for a document with a thousand of them is no rarity.
    """
    rows = connection.execute(
        "SELECT document_row, data, checksum FROM vectors WHERE document_row IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(wanted)).decode(),),
    )
    found: Stored = {}
    for document_row, data, checksum in rows:
        budget.spend(1)
        vectors = {vector.name: vector for vector in checked_vectors(f"document row {document_row}", data, checksum)}
        found[document_row] = [_pooled(vectors.get(name or "")) for name in wanted[document_row]]
    return found


def _pooled(vector: VectorData | None) -> VectorData | None:
    if vector is None or vector.kind != "multi":
        return vector
    rows = np.frombuffer(vector.data, "<f4").reshape(vector.rows, vector.width)
    return VectorData(
        vector.name, "dense", 1, vector.width, rows.mean(axis=0, dtype=np.float64).astype("<f4").tobytes()
    )
