"""The one sort order: numbers, then strings, then booleans; what has none of them comes last in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

NUMBER, STRING, BOOLEAN = 1, 2, 3
#: Strings are put in order by this many characters; longer ones that agree so far are ties.
MAX_SORTED_LENGTH = 256

Rank = tuple[int, Any]


def elements(values: Iterable[Any]) -> Iterator[Any]:
    """The values with the arrays among them replaced by their elements."""
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def scalar_rank(value: Any) -> Rank | None:
    """Where a number, string or boolean stands; None for anything else."""
    if isinstance(value, str):
        return STRING, value if len(value) <= MAX_SORTED_LENGTH else value[:MAX_SORTED_LENGTH]
    if isinstance(value, bool):
        return BOOLEAN, value
    if isinstance(value, int | float):
        return NUMBER, canonical(value)
    return None


def canonical(number: float) -> float:
    """1.0 is 1: of two spellings of a number, the integer where 64 bits hold it."""
    if isinstance(number, float) and number.is_integer() and -(2.0**63) <= number < 2.0**63:
        return int(number)
    return number


def sort_rank(values: Sequence[Any], descending: bool) -> Rank | None:
    """Where a document with these values stands: by the smallest of them, descending by the largest."""
    if len(values) == 1 and type(values[0]) is not list:
        return scalar_rank(values[0])
    ranks = [rank for rank in map(scalar_rank, elements(values)) if rank is not None]
    if not ranks:
        return None
    return max(ranks) if descending else min(ranks)


def ranks_of(values: Iterable[Any]) -> list[Rank]:
    """The distinct numbers, strings and booleans among the values, in order."""
    return sorted({rank for rank in map(scalar_rank, elements(values)) if rank is not None})
