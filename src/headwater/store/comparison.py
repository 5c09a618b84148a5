"""Does the index say what the records say? The core of ``headwater verify`` and of the periodic audit."""

from __future__ import annotations

from typing import Any

import apsw
import numpy as np

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.collections import load_collection
from headwater.store.index import indexed_vectors
from headwater.vectors.interface import VectorData, VectorShard
from headwater.vectors.names import LEXICAL

#: Cosine vectors are normalised by the engine in float32; anything coarser than this is another vector.
_TOLERANCE = 1e-4


def compare_slice(
    connection: apsw.Connection, shard: VectorShard | None, collection_row: int, after_row: int, limit: int
) -> list[dict[str, Any]]:
    """Compare the vectors of up to ``limit`` documents after ``after_row``.

    Answers one entry a difference, ``{"document_id", "problem"}``, and as the last entry ``{"next_row": n | None}``.
    """
    rows = fetch_all(
        connection,
        "SELECT v.document_row, v.data, v.lexical, d.document_id FROM vectors v JOIN documents d USING (document_row)"
        " WHERE v.collection_row = ? AND v.document_row > ? ORDER BY v.document_row LIMIT ?",
        (collection_row, after_row, limit),
    )
    collection = load_collection(connection, collection_row)
    cosine = {spec.name for spec in collection.vectors if spec.distance == "cosine"} if collection else set()
    fetched = {} if shard is None else shard.fetch([row[0] for row in rows])
    differences: list[dict[str, Any]] = []
    for document_row, data, weights, document_id in rows:
        problem = _difference(indexed_vectors(data, weights), fetched.get(document_row), cosine)
        if problem:
            differences.append({"document_id": document_id, "problem": problem})
    differences.append({"next_row": rows[-1][0] if len(rows) == limit else None})
    return differences


def _difference(recorded: list[VectorData], indexed: list[VectorData] | None, cosine: set[str]) -> str | None:
    if indexed is None:
        return "has vectors but is not in the index"
    found = {vector.name: vector for vector in indexed}
    for vector in recorded:
        other = found.pop(vector.name, None)
        if other is None:
            return f"its {_called(vector.name)} is not in the index"
        if not _same(vector, other, vector.name in cosine and vector.kind != "sparse"):
            return f"its {_called(vector.name)} differs from the one in the index"
    if found:
        return f"the index has what the record has not: {', '.join(map(_called, sorted(found)))}"
    return None


def _called(name: str) -> str:
    return "text" if name == LEXICAL else f"vector {name!r}"


def _same(recorded: VectorData, indexed: VectorData, cosine: bool) -> bool:
    if recorded.kind == "sparse":
        return _weights(recorded) == _weights(indexed)
    expected = np.frombuffer(recorded.data, "<f4").reshape(-1, recorded.width).astype("f8")
    actual = np.frombuffer(indexed.data, "<f4")
    if actual.size != expected.size:
        return False
    if cosine:
        norms = np.linalg.norm(expected, axis=1, keepdims=True)
        expected = expected / np.where(norms == 0, 1, norms)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return bool(np.abs(actual.reshape(expected.shape) - expected).max(initial=0) <= _TOLERANCE * scale)


def _weights(vector: VectorData) -> dict[int, float]:
    indices = np.frombuffer(vector.indices, "<u4").tolist()
    return dict(zip(indices, np.frombuffer(vector.data, "<f4").tolist(), strict=True))


def extra_points(connection: apsw.Connection, shard: VectorShard | None, collection_row: int) -> list[dict[str, Any]]:
    """Points that no record asks for, and points of an older version of their record."""
    expected = dict(
        connection.execute("SELECT document_row, sequence FROM vectors WHERE collection_row = ?", (collection_row,))
    )
    differences = []
    for document_row, sequence in shard.scan() if shard is not None else ():
        if document_row not in expected:
            differences.append({"document_row": document_row, "problem": "is in the index but has no record"})
        elif sequence != expected[document_row]:
            differences.append({"document_row": document_row, "problem": f"is indexed as of write {sequence}"})
    return differences
