"""Qdrant Edge by itself, in one process, with the same vectors and the same settings: the limit that the index sets."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import qdrant_edge as qdrant
from numpy.typing import NDArray

from benchmarks.documents import DIMENSIONS, VECTOR, vectors
from headwater.vectors.edge import SEARCH_WIDTH

_BATCH = 1000


def upserts_per_second(directory: Path, count: int, seed: int = 1) -> float:
    """Points a second through ``upsert_points`` in batches of 1000, the points built from lists."""
    config = qdrant.EdgeConfig(
        vectors={VECTOR: qdrant.EdgeVectorParams(DIMENSIONS, qdrant.Distance.Cosine)},
        max_search_threads=1,
        wal_enabled=False,
    )
    directory.mkdir(parents=True)
    shard = qdrant.EdgeShard.create(str(directory), config)
    rows = [row.tolist() for row in vectors(count, seed)]
    started = time.perf_counter()
    for start in range(0, count, _BATCH):
        points = [
            qdrant.Point(number, {VECTOR: row}, {"s": number})
            for number, row in enumerate(rows[start : start + _BATCH], start + 1)
        ]
        shard.update(qdrant.UpdateOperation.upsert_points(points))
    seconds = time.perf_counter() - started
    shard.close()
    return count / seconds


def search_seconds(directory: Path, queries: NDArray[np.float32], limit: int) -> float:
    """The median of a search in a shard of the server, with the settings that the server searches with."""
    shard = qdrant.EdgeShard.load(str(directory))
    seconds = []
    for query in queries:
        request = qdrant.QueryRequest(
            limit=limit,
            query=qdrant.Query.Nearest(query.tolist(), using=VECTOR),
            with_payload=True,
            params=qdrant.SearchParams(hnsw_ef=SEARCH_WIDTH),
        )
        started = time.perf_counter()
        shard.query(request)
        seconds.append(time.perf_counter() - started)
    shard.close()
    return statistics.median(seconds)
