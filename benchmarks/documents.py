"""The documents that every contender stores: a 384-dimensional vector, a text and two small fields."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import orjson

from benchmarks.load import Target

DIMENSIONS = 384
VECTOR = "own_v1_embedding"
_TEXT = "The quick brown fox jumps over the lazy dog while nobody is looking at the warehouse. " * 2


@cache
def vectors(count: int, seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """``count`` unit vectors, rounded as a client that prints six digits would."""
    values = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return values.round(6)


def _fields(number: int) -> dict[str, object]:
    return {"title": f"document {number}", "text": _TEXT, "n": number}


# -- Headwater ------------------------------------------------------------------------------------------------


def creates(target: Target, collection: str, count: int, seed: int) -> list[bytes]:
    """``POST /v1/collections/{c}/documents``, one document each."""
    path = f"/v1/collections/{collection}/documents"
    requests = []
    for number, vector in enumerate(vectors(count, seed)):
        feature = {"feature_extractor_id": "own_v1", "vectors": {"embedding": vector.tolist()}}
        body = _fields(number) | {"features": [feature]}
        requests.append(target.encode("POST", path, orjson.dumps(body)))
    return requests


def upserts(
    target: Target, namespace: str, collection: str, count: int, batch: int, seed: int, first: int = 0
) -> list[bytes]:
    """``POST /v1/namespaces/{n}/documents/upsert`` in batches. Ids are ``doc_`` and the number, 24 hex digits."""
    path = f"/v1/namespaces/{namespace}/documents/upsert"
    requests = []
    for start, rows in _batches(count, batch, seed):
        documents = [
            {
                "document_id": document_id(first + number),
                "vectors": {VECTOR: vector.tolist()},
                "payload": _fields(number),
            }
            for number, vector in enumerate(rows, start)
        ]
        body = orjson.dumps({"collection_id": collection, "documents": documents})
        requests.append(target.encode("POST", path, body))
    return requests


def gets(target: Target, collection: str, ids: list[str]) -> list[bytes]:
    return [target.encode("GET", f"/v1/collections/{collection}/documents/{found}") for found in ids]


def same(target: Target, method: str, path: str) -> list[bytes]:
    """The same request without a body, once."""
    return [target.encode(method, path)]


def document_id(number: int) -> str:
    return f"doc_{number:024x}"


# -- Chroma ---------------------------------------------------------------------------------------------------


def chroma_adds(target: Target, path: str, count: int, batch: int, seed: int, first: int) -> list[bytes]:
    """Chroma's ``add`` of the same documents, ``batch`` of them in a request."""
    requests = []
    for start, rows in _batches(count, batch, seed):
        numbers = range(start, start + len(rows))
        body = {
            "ids": [document_id(first + number) for number in numbers],
            "embeddings": rows.tolist(),
            "documents": [_TEXT] * len(rows),
            "metadatas": [{"title": f"document {number}", "n": number} for number in numbers],
        }
        requests.append(target.encode("POST", path, orjson.dumps(body)))
    return requests


def _batches(count: int, batch: int, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    rows = vectors(count, seed)
    for start in range(0, count, batch):
        yield start, rows[start : start + batch]
