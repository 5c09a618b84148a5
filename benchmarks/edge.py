"""Qdrant Edge by itself, in one process, with the same vectors and the same settings: the limit that the index sets."""

from __future__ import annotations

import time
from pathlib import Path

import qdrant_edge as qdrant

from benchmarks.documents import DIMENSIONS, VECTOR, vectors

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
