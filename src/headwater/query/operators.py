"""What each filter operator means for the values found at a path.

Numbers go with numbers, strings with strings, booleans with booleans: other pairs are never equal and never in order.
An array stands for its elements, except where a whole array is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import Any

from headwater.query import geo, words
from headwater.query.dates import instant
from headwater.query.ordering import elements
from headwater.query.patterns import compile_pattern

#: Says whether the values that stand at a path satisfy a condition.
Test = Callable[[list[Any]], bool]
#: ``(value of the condition, case_sensitive)`` → the test.
Operator = Callable[[Any, bool], Test]


def equal(left: Any, right: Any) -> bool:
    """JSON equality: 1 and 1.0 are one value, true is not 1, "1" is not 1."""
    if type(left) is str:
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right
    return type(left) is type(right) and bool(left == right)


def _some(check: Callable[[Any], bool]) -> Test:
    """Whether one of the values, or of the elements of an array, passes. Mostly there is just one plain value."""

    def test(values: list[Any]) -> bool:
        if len(values) == 1 and type(values[0]) is not list:
            return check(values[0])
        return any(map(check, elements(values)))

    return test


def _some_text(check: Callable[[str], bool]) -> Test:
    return _some(lambda value: isinstance(value, str) and check(value))


def _eq(wanted: Any, _: bool = False) -> Test:
    if isinstance(wanted, list):
        return lambda values: any(equal(value, wanted) for value in values)
    return _some(lambda value: equal(value, wanted))


def _in(wanted: list[Any], _: bool = False) -> Test:
    plain = {_key(item) for item in wanted if not isinstance(item, list | dict)}
    tests = [_eq(item) for item in wanted if isinstance(item, list | dict)]

    def found(values: list[Any]) -> bool:
        if any(_key(value) in plain for value in elements(values) if not isinstance(value, list | dict)):
            return True
        return any(test(values) for test in tests)

    return found


def _key(scalar: Any) -> tuple[bool, Any]:
    # 1, 1.0 and True are one key of a set.
    return isinstance(scalar, bool), scalar


def _not(operator: Operator) -> Operator:
    def negated(wanted: Any, sensitive: bool) -> Test:
        test = operator(wanted, sensitive)
        return lambda values: not test(values)

    return negated


def _ordered(compare: Callable[[Any, Any], bool]) -> Operator:
    def operator(bound: Any, _: bool) -> Test:
        if not isinstance(bound, str):
            return _some(lambda value: _is_number(value) and compare(value, bound))
        moment = instant(bound)
        if moment is None:
            return _some_text(lambda text: compare(text, bound))
        return _some_text(lambda text: (found := instant(text)) is not None and compare(found, moment))

    return operator


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text_test(compare: Callable[[str, str], bool]) -> Operator:
    def operator(wanted: str, sensitive: bool) -> Test:
        if sensitive:
            return _some_text(lambda text: compare(text, wanted))
        folded = wanted.lower()
        return _some_text(lambda text: compare(text.lower(), folded))

    return operator


def _contains(wanted: Any, sensitive: bool) -> Test:
    if not isinstance(wanted, str):
        member = _eq(wanted)
        return lambda values: any(isinstance(value, list) and member(value) for value in values)
    folded = wanted if sensitive else wanted.lower()

    def holds(value: Any) -> bool:
        if isinstance(value, str):
            return folded in (value if sensitive else value.lower())
        return isinstance(value, list) and whole(value)

    whole = _some_text(lambda text: (text if sensitive else text.lower()) == folded)
    return lambda values: any(map(holds, values))


def _words(wanted: str, sensitive: bool) -> Test:
    needed = words.stems(wanted, sensitive)
    return _some_text(lambda text: needed <= words.stems(text, sensitive))


def _phrase(wanted: str, sensitive: bool) -> Test:
    needed = words.split(wanted, sensitive)
    return _some_text(lambda text: words.adjacent(words.split(text, sensitive), needed))


def _regex(pattern: str, sensitive: bool) -> Test:
    return _some_text(compile_pattern(pattern, sensitive))


def _exists(wanted: bool, _: bool) -> Test:
    return lambda values: bool(values) is wanted


def _is_null(wanted: bool, _: bool) -> Test:
    return lambda values: all(value is None for value in values) is wanted


def _geo(compile_shape: Callable[[Any], geo.Shape]) -> Operator:
    def operator(value: Any, _: bool) -> Test:
        inside = compile_shape(value)
        return lambda values: any(inside(point) for point in geo.points_in(values))

    return operator


OPERATORS: dict[str, Operator] = {
    "eq": _eq,
    "ne": _not(_eq),
    "gt": _ordered(gt),
    "gte": _ordered(ge),
    "lt": _ordered(lt),
    "lte": _ordered(le),
    "in": _in,
    "nin": _not(_in),
    "contains": _contains,
    "starts_with": _text_test(str.startswith),
    "ends_with": _text_test(str.endswith),
    "regex": _regex,
    "exists": _exists,
    "is_null": _is_null,
    "text": lambda wanted, _: _text_test(lambda text, folded: folded in text)(wanted, False),
    "words": _words,
    "phrase": _phrase,
    "geo_radius": _geo(geo.radius),
    "geo_bounding_box": _geo(geo.bounding_box),
    "geo_polygon": _geo(geo.polygon),
}

_TEXT = frozenset({"starts_with", "ends_with", "text", "words", "phrase", "regex"})
_GEO = {"geo_radius": geo.radius, "geo_bounding_box": geo.bounding_box, "geo_polygon": geo.polygon}
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


def check_value(operator: str, value: Any, sensitive: bool) -> str | None:
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
    if _is_number(value) and isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
        return "integers have at most 64 bits"
    return _check_by_compiling(operator, value, sensitive)


def _check_by_compiling(operator: str, value: Any, sensitive: bool) -> str | None:
    try:
        if operator == "regex":
            compile_pattern(value, sensitive)
        elif operator in _GEO:
            _GEO[operator](value)
    except ValueError as error:
        return str(error)
    return None
