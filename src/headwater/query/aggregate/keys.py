"""From the values at a path to the keys of groups, and back to what an answer shows.

A key is a scalar in its one form: 1 and 1.0 are one key, true is not 1, "1" is not 1. An array gives a key for each of
its elements; objects and arrays inside arrays give none; a document without any is in the group of null.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable
from datetime import datetime
from itertools import pairwise
from typing import Any

from headwater.query.aggregate.dates import part_of, period_start, utc_moment
from headwater.query.aggregate.plan import Buckets, Group
from headwater.query.ordering import canonical

Key = Hashable
#: The distinct keys of the values at a path, never none.
Keys = Callable[[list[Any]], list[Key]]


class _Truth:
    """A boolean as a key. Python takes True for 1, as a key of a dictionary, too."""

    def __init__(self, value: bool) -> None:
        self.value = value


_TRUE, _FALSE = _Truth(True), _Truth(False)
_SCALARS = frozenset({str, int, float, bool})
#: Values of these types are their own keys, which makes for a shorter way.
_OWN_KEYS = frozenset({str, int})
_NULL: list[Key] = [None]


def scalars(values: list[Any]) -> list[Any]:
    """The strings, numbers and booleans among the values and the elements of arrays."""
    if len(values) == 1 and type(values[0]) in _SCALARS:
        return values
    found: list[Any] = []
    for value in values:
        if type(value) in _SCALARS:
            found.append(value)
        elif type(value) is list:
            found += [element for element in value if type(element) in _SCALARS]
    return found


def key_of(value: Any) -> Key:
    """The key of a scalar."""
    if type(value) is float:
        return canonical(value)
    if type(value) is bool:
        return _TRUE if value else _FALSE
    return value  # type: ignore[no-any-return]


def shown(key: Key) -> Any:
    """The value that a key stands for."""
    return key.value if type(key) is _Truth else key


def rank(value: Any) -> tuple[int, Any]:
    """Numbers before strings before booleans before the rest."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (3, 0)


def value_keys(values: list[Any]) -> list[Key]:
    """The keys of a field that is grouped by as it is."""
    if len(values) == 1 and type(values[0]) in _OWN_KEYS:
        return values
    return list(dict.fromkeys([key_of(value) for value in scalars(values)])) or _NULL


def keys_for(group: Group) -> Keys:
    """How a group's keys are found."""
    if group.date_trunc is not None:
        trunc = group.date_trunc
        return _transformed(lambda value: _dated(value, lambda at: period_start(at, trunc)))
    if group.date_part is not None:
        part = group.date_part
        return _transformed(lambda value: _dated(value, lambda at: part_of(at, part)))
    if group.buckets is not None:
        return _transformed(_labels(group.buckets))
    return value_keys


def _transformed(transform: Callable[[Any], Key]) -> Keys:
    def keys(values: list[Any]) -> list[Key]:
        found = dict.fromkeys([transform(value) for value in scalars(values)])
        found.pop(None, None)
        return list(found) or _NULL

    return keys


def _dated(value: Any, transform: Callable[[datetime], Key]) -> Key:
    at = utc_moment(value)
    return None if at is None else transform(at)


def _labels(buckets: Buckets) -> Callable[[Any], Key]:
    boundaries = buckets.boundaries
    texts = [str(canonical(boundary)) for boundary in boundaries]
    labels = [f"{low}-{high}" for low, high in pairwise(texts)]

    def label(value: Any) -> Key:
        if type(value) is not int and type(value) is not float:
            return None
        if not labels or not boundaries[0] <= value <= boundaries[-1]:
            return buckets.default
        return labels[max(bisect_left(boundaries, value) - 1, 0)]

    return label
