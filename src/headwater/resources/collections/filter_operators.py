"""What each filter operator means for the values found at a path.

Numbers and numbers, strings and strings, booleans and booleans: other pairs are never equal and never ordered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

#: ``(values at the path, value of the condition, case_sensitive)``
Operator = Callable[[list[Any], Any, bool], bool]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?")
_WORD = re.compile(r"\w+")


def equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 and 1.0 are one value, true is not 1, "1" is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def instant(text: str) -> datetime | None:
    """The moment that a date string names; one without an offset is UTC. None for any other string."""
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _elements(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _eq(values: list[Any], wanted: Any, _: bool) -> bool:
    candidates = values if isinstance(wanted, list) else _elements(values)
    return any(equal(value, wanted) for value in candidates)


def _ordered(compare: Callable[[Any, Any], bool]) -> Operator:
    def test(values: list[Any], bound: Any, _: bool) -> bool:
        moment = instant(bound) if isinstance(bound, str) else None
        return any(_in_order(compare, value, bound, moment) for value in _elements(values))

    return test


def _in_order(compare: Callable[[Any, Any], bool], value: Any, bound: Any, moment: datetime | None) -> bool:
    if _is_number(value) and _is_number(bound):
        return compare(value, bound)
    if not isinstance(value, str) or not isinstance(bound, str):
        return False
    if moment is None:
        return compare(value, bound)
    other = instant(value)
    return other is not None and compare(other, moment)


def _fold(text: str, sensitive: bool) -> str:
    return text if sensitive else text.lower()


def _strings(values: list[Any], sensitive: bool) -> Iterator[str]:
    return (_fold(value, sensitive) for value in _elements(values) if isinstance(value, str))


def _contains(values: list[Any], wanted: Any, sensitive: bool) -> bool:
    return any(_holds(value, wanted, sensitive) for value in values)


def _holds(value: Any, wanted: Any, sensitive: bool) -> bool:
    if isinstance(value, str):
        return isinstance(wanted, str) and _fold(wanted, sensitive) in _fold(value, sensitive)
    if not isinstance(value, list):
        return False
    if isinstance(wanted, str):
        return any(isinstance(item, str) and _fold(item, sensitive) == _fold(wanted, sensitive) for item in value)
    return any(equal(item, wanted) for item in value)


def _phrase(values: list[Any], wanted: str, sensitive: bool) -> bool:
    words = _WORD.findall(_fold(wanted, sensitive))
    return any(_adjacent(_WORD.findall(text), words) for text in _strings(values, sensitive))


def _adjacent(text: list[str], words: list[str]) -> bool:
    return any(text[at : at + len(words)] == words for at in range(len(text) - len(words) + 1))


def _is_null(values: list[Any], wanted: bool, _: bool) -> bool:
    return wanted == all(value is None for value in values)


OPERATORS: dict[str, Operator] = {
    "eq": _eq,
    "ne": lambda values, wanted, sensitive: not _eq(values, wanted, sensitive),
    "gt": _ordered(lambda value, bound: value > bound),
    "gte": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "lte": _ordered(lambda value, bound: value <= bound),
    "in": lambda values, wanted, sensitive: any(_eq(values, item, sensitive) for item in wanted),
    "nin": lambda values, wanted, sensitive: not any(_eq(values, item, sensitive) for item in wanted),
    "contains": _contains,
    "starts_with": lambda values, wanted, sensitive: any(
        text.startswith(_fold(wanted, sensitive)) for text in _strings(values, sensitive)
    ),
    "ends_with": lambda values, wanted, sensitive: any(
        text.endswith(_fold(wanted, sensitive)) for text in _strings(values, sensitive)
    ),
    "exists": lambda values, wanted, _: wanted == bool(values),
    "is_null": _is_null,
    "text": lambda values, wanted, _: any(wanted.lower() in text for text in _strings(values, False)),
    "phrase": _phrase,
}
#: Operators of the grammar that need an engine of their own (linear-time regular expressions, stemming, geography).
UNSUPPORTED = frozenset({"regex", "words", "geo_radius", "geo_bounding_box", "geo_polygon"})

_TEXT = frozenset({"starts_with", "ends_with", "text", "phrase"})


def check_value(operator: str, value: Any) -> str | None:
    """What is wrong with the value of a condition, or None."""
    if isinstance(value, dict) and value.get("type") == "dynamic":
        return "dynamic values belong to retrievers; send a value"
    if operator in ("in", "nin") and not isinstance(value, list):
        return "the value must be a list"
    if operator in ("exists", "is_null") and not isinstance(value, bool):
        return "the value must be true or false"
    if operator in _TEXT and not isinstance(value, str):
        return "the value must be a string"
    if operator in ("gt", "gte", "lt", "lte") and not (_is_number(value) or isinstance(value, str)):
        return "the value must be a number or a string"
    if operator == "contains" and isinstance(value, list | dict):
        return "the value must be a single value"
    return None
