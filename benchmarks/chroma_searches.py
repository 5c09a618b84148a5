"""The same searches of a Chroma server."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from benchmarks import chroma
from benchmarks.clustered import clustered, nearest
from benchmarks.documents import document_id
from benchmarks.load import Closed, Target, run
from benchmarks.search_requests import BATCH, CLIENTS, LIMIT, QUERIES, answer_of


@dataclass(frozen=True)
class Peer:
    per_second: float
    recall: float


def measure(directory: Path, count: int, searches: int) -> Peer:
    chroma.install()
    with chroma.ChromaServer(directory / "chroma-searches") as server:
        path = server.make_collection("searches")
        adds = partial(_adds, server.target, path, count)
        run(Closed(server.target, adds, 2))[""].only(201)
        query = path.removesuffix("/add") + "/query"
        requests = partial(_queries, server.target, query, min(2000, searches))
        found = run(Closed(server.target, requests, CLIENTS, 200))[""].only(200)
        return Peer(found.per_second, _recall(server.target, query, count))


def _adds(target: Target, path: str, count: int) -> list[bytes]:
    vectors = clustered(count, 1)
    requests = []
    for start in range(0, count, BATCH):
        rows = vectors[start : start + BATCH].tolist()
        body = {"ids": [document_id(start + number) for number in range(len(rows))], "embeddings": rows}
        requests.append(target.encode("POST", path, orjson.dumps(body)))
    return requests


def _queries(target: Target, path: str, count: int) -> list[bytes]:
    rows = clustered(count, 2).tolist()
    bodies = ({"query_embeddings": [row], "n_results": LIMIT, "include": ["distances"]} for row in rows)
    return [target.encode("POST", path, orjson.dumps(body)) for body in bodies]


def _recall(target: Target, path: str, count: int) -> float:
    queries = clustered(QUERIES, 2)
    expected = nearest(clustered(count, 1), queries, LIMIT)
    connection = http.client.HTTPConnection(target.host, target.port)
    hits = 0
    for request, row in zip(_queries(target, path, QUERIES), expected, strict=True):
        [ids] = answer_of(connection, target, request)["ids"]
        hits += len({document_id(number) for number in row.tolist()} & set(ids))
    connection.close()
    return hits / expected.size
