"""Scores brought to a common scale, without overflow whatever they are."""

from __future__ import annotations

import math
from collections.abc import Sequence


def min_max(scores: Sequence[float], lowest: float | None = None, highest: float | None = None) -> list[float]:
    """From the lowest score to the highest as 0 to 1, scores beyond given bounds as the bounds; equal scores are 1."""
    if not scores:
        return []
    low = min(scores) if lowest is None else lowest
    high = max(scores) if highest is None else highest
    if low >= high:
        return [1.0] * len(scores)
    # The difference of two numbers may be larger than any; that of their halves is not, but may be nothing.
    factor = 1.0 if math.isfinite(high - low) else 0.5
    span = high * factor - low * factor
    return [(min(max(score, low), high) * factor - low * factor) / span for score in scores]


def z_score(scores: Sequence[float]) -> list[float]:
    """Standard deviations from the mean; equal scores are 0."""
    scaled = _divided(scores)
    if len(set(scaled)) <= 1:
        return [0.0] * len(scores)
    mean = math.fsum(scaled) / len(scaled)
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scaled) / len(scaled))
    # Scores that differ in their last digits only may have a mean that leaves no difference.
    return [(score - mean) / deviation if deviation else 0.0 for score in scaled]


def softmax(scores: Sequence[float]) -> list[float]:
    """Shares of one, by the exponential of each score."""
    highest = max(scores, default=0.0)
    powers = [math.exp(score - highest) for score in scores]
    total = math.fsum(powers)
    return [power / total for power in powers]


def l2(scores: Sequence[float]) -> list[float]:
    """As a vector of length one; zeros stay zeros."""
    scaled = _divided(scores)
    length = math.sqrt(math.fsum(score * score for score in scaled))
    return [score / length if length else 0.0 for score in scaled]


def _divided(scores: Sequence[float]) -> list[float]:
    largest = max(map(abs, scores), default=0.0)
    return [score / largest for score in scores] if largest else list(scores)
