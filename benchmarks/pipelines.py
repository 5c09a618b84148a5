"""A retriever of three stages beside what its stages take one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from benchmarks import documents
from benchmarks.documents import VECTOR, document_id
from benchmarks.headwater_server import NAMESPACE, HeadwaterServer
from benchmarks.load import Alternating, Closed, Target, run
from benchmarks.report import Row, at_most

_COUNT = 20_000
_BATCH = 1000
_ROUNDS = 300
_WORDS = 500
_FILTER = {"stage_id": "attribute_filter", "parameters": {"field": "n", "operator": "gte", "value": _COUNT // 4}}
_MMR = {"stage_id": "mmr", "parameters": {"top_k": 10}}


def measure(directory: Path) -> Iterator[Row]:
    with HeadwaterServer(directory / "pipelines") as server:
        server.declare(NAMESPACE, {"words": "text", "n": "integer"})
        collection = server.make_collection("pipelines")
        run(Closed(server.target, partial(_upserts, server.target, collection), 2))[""].only(200)
        kinds = {"search": [], "filtered": [_FILTER], "varied": [_MMR], "whole": [_FILTER, _MMR]}
        plan = [(name, partial(_executions, server.target, collection, later)) for name, later in kinds.items()]
        found = run(Alternating(server.target, tuple(plan), _ROUNDS))
    search, filtered, varied, whole = (found[name].only(200).quantile(0.5) for name in kinds)
    # What a stage takes is what it adds to the search.
    parts = search + (filtered - search) + (varied - search)
    yield at_most(
        f"retriever of hybrid search, filter and MMR over {_COUNT:,} documents, p50",
        f"{whole * 1e3:.1f} ms",
        f"the sum of its parts: {parts * 1e3:.1f} ms, of which search {search * 1e3:.1f} ms",
        whole / parts,
        2.0,
    )


def _upserts(target: Target, collection: str) -> list[bytes]:
    path = f"/v1/namespaces/{NAMESPACE}/documents/upsert"
    chance = random.Random(1)
    vectors = documents.vectors(_COUNT, 1)
    requests = []
    for start in range(0, _COUNT, _BATCH):
        rows = [
            {
                "document_id": document_id(number),
                "vectors": {VECTOR: vectors[number].tolist()},
                "payload": {"n": number, "words": _text(chance, 30)},
            }
            for number in range(start, start + _BATCH)
        ]
        requests.append(target.encode("POST", path, orjson.dumps({"collection_id": collection, "documents": rows})))
    return requests


def _executions(target: Target, collection: str, later: list[dict[str, Any]]) -> list[bytes]:
    """Hybrid searches for a hundred documents, each followed by the other stages."""
    chance = random.Random(2)
    requests = []
    for vector in documents.vectors(_ROUNDS, 2):
        dense = {"feature_uri": VECTOR, "query": {"input_mode": "vector", "value": vector.tolist()}}
        lexical = {"feature_uri": VECTOR, "lexical": True, "query": {"input_mode": "text", "value": _text(chance, 3)}}
        search = {"stage_id": "feature_search", "parameters": {"searches": [dense, lexical], "final_top_k": 100}}
        body = {"collection_identifiers": [collection], "stages": [search, *later], "limit": 10}
        requests.append(target.encode("POST", "/v1/retrievers/execute", orjson.dumps(body)))
    return requests


def _text(chance: random.Random, count: int) -> str:
    return " ".join(f"word{chance.randrange(_WORDS)}" for _ in range(count))
