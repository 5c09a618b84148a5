"""The functions of the stage ``aggregate``. Each gets, for every row of a group, the values at the function's paths.

Those that document aggregations have too are theirs. Values that are missing, or no numbers where numbers are meant,
never count; an array stands for its elements.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Any, Literal

import numpy as np

from headwater.query import elements
from headwater.query.aggregate import MemoryBudget
from headwater.query.aggregate.functions import FUNCTIONS
from headwater.query.aggregate.keys import Key, key_of, rank, scalars, shown
from headwater.retrieval.rows import finite

#: The values of one row at a path.
Values = list[Any]
Shared = Literal["count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "collect", "collect_distinct"]
_SHARED: dict[str, Any] = {
    **{name: FUNCTIONS[name] for name in ("count", "count_distinct", "sum", "avg", "min", "max", "first", "last")},
    "collect": FUNCTIONS["push"],
    "collect_distinct": FUNCTIONS["add_to_set"],
}


def shared(function: str, rows: Sequence[Values], budget: MemoryBudget) -> Any:
    """One that document aggregations have too, in the order of the rows."""
    state = _SHARED[function](budget)
    for values in rows:
        state.add(values, 1)
    return state.result()


def numbers(rows: Sequence[Values]) -> list[float]:
    return [number for values in rows for item in elements(values) if (number := finite(item)) is not None]


def spread(measure: Callable[[list[float]], float], rows: Sequence[Values]) -> float | None:
    """``statistics.variance`` or ``stdev``: of a sample, so there must be two numbers."""
    found = numbers(rows)
    try:
        return measure(found) if len(found) > 1 else None
    except OverflowError:
        return None


def percentile(rows: Sequence[Values], percent: float) -> float | None:
    """Between the two nearest numbers where it falls between them."""
    found = sorted(numbers(rows))
    if not found:
        return None
    position = percent / 100 * (len(found) - 1)
    low, high = found[math.floor(position)], found[math.ceil(position)]
    part = position - math.floor(position)
    return low * (1 - part) + high * part


def histogram(rows: Sequence[Values], interval: float) -> list[dict[str, Any]]:
    """How many numbers are in each interval, by where it begins."""
    counts = Counter(math.floor(number / interval) for number in numbers(rows) if math.isfinite(number / interval))
    return [{"value": start * interval, "count": count} for start, count in sorted(counts.items())]


def frequency(rows: Sequence[Values], most: int) -> list[dict[str, Any]]:
    """The values that most rows have."""
    counts = Counter(key for values in rows for key in _keys(values))
    return [{"value": shown(key), "count": count} for key, count in _top(counts, lambda key: (rank(shown(key)),), most)]


def co_occurrence(rows: Sequence[Values], others: Sequence[Values] | None, most: int) -> list[dict[str, Any]]:
    """The pairs of values that most rows have: of two fields, or of one field that has several values."""
    counts: Counter[tuple[Key, Key]] = Counter()
    for index, values in enumerate(rows):
        own = _keys(values)
        counts.update(combinations(own, 2) if others is None else product(own, _keys(others[index])))
    top = _top(counts, lambda pair: tuple(rank(shown(key)) for key in pair), most)
    return [{"a": shown(one), "b": shown(other), "count": count} for (one, other), count in top]


def correlation(rows: Sequence[Values], others: Sequence[Values]) -> float | None:
    """Pearson's, over the rows that have a number in both fields; None where one of the two does not vary."""
    pairs = [
        (a[0], b[0])
        for left, right in zip(rows, others, strict=True)
        if (a := numbers([left])) and (b := numbers([right]))
    ]
    if len(pairs) < 2:
        return None
    one, other = (_deviations([pair[side] for pair in pairs]) for side in (0, 1))
    length = math.sqrt(float(one @ one)) * math.sqrt(float(other @ other))
    return max(-1.0, min(1.0, float(one @ other) / length)) if length else None


def _deviations(found: Sequence[float]) -> Any:
    """From the mean, in a scale in which nothing overflows."""
    array = np.array(found) / (max(map(abs, found)) or 1.0)
    # Equal numbers may have a mean that is not quite theirs.
    return array - array.mean() if np.ptp(array) else np.zeros(len(array))


def _keys(values: Values) -> list[Key]:
    """The distinct scalars, in order, so that a pair is the same pair in every row."""
    keys = dict.fromkeys(key_of(value) for value in scalars(values))
    return sorted(keys, key=lambda key: rank(shown(key)))


def _top(counts: Counter[Any], order: Callable[[Any], Any], most: int) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], order(item[0])))[:most]
