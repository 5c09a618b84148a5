"""Vectors as embeddings of texts are: in clusters, and varied along few directions much more than along the others."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.documents import DIMENSIONS

_CLUSTERS = 1000
_SPREAD = 0.9


@cache
def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """``count`` unit vectors. Another seed gives others of the same clusters."""
    shape = np.random.default_rng(7)
    centers = _unit(shape.standard_normal((_CLUSTERS, DIMENSIONS)))
    rotation = np.linalg.qr(shape.standard_normal((DIMENSIONS, DIMENSIONS)))[0]
    weights = np.arange(1, DIMENSIONS + 1) ** -0.5
    directions = (weights / np.linalg.norm(weights))[:, None] * rotation
    chance = np.random.default_rng(seed)
    places = centers[chance.integers(0, _CLUSTERS, count)]
    noise = chance.standard_normal((count, DIMENSIONS), dtype=np.float32) @ directions.astype(np.float32)
    return _unit(places + _SPREAD * noise).round(6).astype(np.float32)


def shares(count: int) -> NDArray[np.float64]:
    """A number from 0 to 1 for each document, which says nothing about its vector."""
    return np.random.default_rng(11).random(count).round(6)


def nearest(vectors: NDArray[np.float32], queries: NDArray[np.float32], limit: int) -> NDArray[np.int64]:
    """The rows that are truly nearest to each query."""
    last = min(limit, len(vectors)) - 1
    found: NDArray[np.int64] = np.argpartition(-(queries @ vectors.T), last, axis=1)[:, : last + 1]
    return found


def _unit(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths: NDArray[np.floating] = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.floating] = rows / lengths
    return unit
