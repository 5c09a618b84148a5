"""From several rankings of documents to one. Nothing here knows what a document is."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from headwater.errors import NotEnabledError

K = TypeVar("K", bound=Hashable)
#: Keys with their scores, best first; no key twice.
Scores = Sequence[tuple[K, float]]
#: Why the first place of reciprocal rank fusion does not outweigh all others.
RRF_CONSTANT = 60
_SPREAD = 3


def contributions(method: str, ranking: Scores[K], weight: float = 1.0) -> dict[K, float]:
    """What one ranking adds to the score of each of its keys; keys that it lacks get nothing from it.

    Raises ``NotEnabledError`` for ``learned``, which needs recorded interactions.
    """
    if method == "learned":
        raise NotEnabledError(
            "the fusion 'learned' needs recorded interactions, which this deployment does not keep; use rrf, dbsf,"
            " weighted or max",
            details={"feature": "learned_fusion"},
        )
    return _METHODS[method](ranking, weight)


def fuse(method: str, parts: Sequence[Mapping[K, float]]) -> dict[K, float]:
    """The score of each key, from the contributions of all rankings."""
    fused: dict[K, float] = {}
    for part in parts:
        for key, value in part.items():
            if key not in fused:
                fused[key] = value
            elif method == "max":
                fused[key] = max(fused[key], value)
            else:
                fused[key] += value
    return fused


def _reciprocal_rank(ranking: Scores[K], weight: float) -> dict[K, float]:
    return {key: weight / (RRF_CONSTANT + place) for place, (key, _) in enumerate(ranking, 1)}


def _distribution(ranking: Scores[K], weight: float) -> dict[K, float]:
    """Where the score stands between three standard deviations below and above the mean."""
    if not ranking:
        return {}
    scores = [score for _, score in ranking]
    mean = math.fsum(scores) / len(scores)
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    if deviation == 0:
        return {key: weight * 0.5 for key, _ in ranking}
    lowest, width = mean - _SPREAD * deviation, 2 * _SPREAD * deviation
    return {key: weight * min(max((score - lowest) / width, 0.0), 1.0) for key, score in ranking}


def _weighted(ranking: Scores[K], weight: float) -> dict[K, float]:
    return {key: weight * score for key, score in ranking}


def _unweighted(ranking: Scores[K], weight: float) -> dict[K, float]:
    return dict(ranking)


_METHODS: dict[str, Callable[[Scores[K], float], dict[K, float]]] = {
    "rrf": _reciprocal_rank,
    "dbsf": _distribution,
    "weighted": _weighted,
    "max": _unweighted,
}
