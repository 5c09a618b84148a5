"""The documents that are searched by their vectors, the searches, and what they find."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from benchmarks.clustered import clustered, shares
from benchmarks.documents import VECTOR, document_id
from benchmarks.headwater_server import NAMESPACE
from benchmarks.load import Target

LIMIT = 10
QUERIES = 300
CLIENTS = 16
BATCH = 1000


def upserts(target: Target, collection: str, count: int) -> list[bytes]:
    path = f"/v1/namespaces/{NAMESPACE}/documents/upsert"
    requests = []
    for start in range(0, count, BATCH):
        rows = [_document(number, count) for number in range(start, min(start + BATCH, count))]
        requests.append(target.encode("POST", path, orjson.dumps({"collection_id": collection, "documents": rows})))
    return requests


def _document(number: int, count: int) -> dict[str, object]:
    vector = clustered(count, 1)[number].tolist()
    fields = {"n": number, "share": float(shares(count)[number])}
    return {"document_id": document_id(number), "vectors": {VECTOR: vector}, "payload": fields}


def search(target: Target, collection: str, vector: Sequence[float], filters: object = None) -> bytes:
    query = {"input_mode": "vector", "vector": vector}
    body = {"collection_identifiers": [collection], "feature_uri": VECTOR, "query": query, "top_k": LIMIT}
    if filters is not None:
        body["filters"] = filters
    return target.encode("POST", "/v1/features/search", orjson.dumps(body))


def searches(target: Target, collection: str, count: int) -> list[bytes]:
    queries = clustered(count, 2)
    return [search(target, collection, query.tolist()) for query in queries]


def found_by(
    target: Target, collection: str, queries: NDArray[np.float32], filters: object
) -> tuple[list[set[str]], float]:
    """The ids that each query finds, and the median of its time."""
    found, seconds = [], []
    connection = http.client.HTTPConnection(target.host, target.port)
    for query in queries:
        started = time.perf_counter()
        answer = answer_of(connection, target, search(target, collection, query.tolist(), filters))
        seconds.append(time.perf_counter() - started)
        found.append({document["document_id"] for document in answer["documents"]})
    connection.close()
    return found, statistics.median(seconds)


def answer_of(
    connection: http.client.HTTPConnection, target: Target, request: bytes
) -> dict[str, list[dict[str, str]]]:
    head, _, body = request.partition(b"\r\n\r\n")
    method, path, _ = head.split(b" ", 2)
    headers = target.header_fields | {"Content-Type": "application/json"}
    connection.request(method.decode(), path.decode(), body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path.decode()} answered {answer.status}: {text[:500]!r}")
    found: dict[str, list[dict[str, str]]] = json.loads(text)
    return found
