"""The filter grammar over plain objects: collections and namespaces are few, so a list looks at each of them.

``compile_filter`` turns a filter into a function once; anything that does not fit the grammar is a 422 that names its
place, and is never taken for something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from headwater.errors import ValidationError
from headwater.resources.collections.filter_operators import OPERATORS, UNSUPPORTED, check_value

Predicate = Callable[[Any], bool]
Location = list[str | int]

MAX_DEPTH = 10
MAX_CONDITIONS = 1000
_GROUPS = ("AND", "OR", "NOT")
_RANGES = frozenset({"gt", "gte", "lt", "lte"})
_QDRANT_GROUPS = {"must": "AND", "should": "OR", "must_not": "NOT"}


@dataclass
class _Budget:
    conditions: int = MAX_CONDITIONS


@dataclass(frozen=True)
class _Place:
    """Where in the filter we are, and what holds there."""

    location: Location
    case_sensitive: bool
    depth: int
    budget: _Budget

    def at(self, *steps: str | int) -> _Place:
        return replace(self, location=[*self.location, *steps])

    def error(self, message: str) -> ValidationError:
        return ValidationError.at(list(self.location), message, "filter_invalid")


def compile_filter(filters: Any, location: Location | None = None, *, case_sensitive: bool = False) -> Predicate:
    """A function that says whether an object matches. ``None`` and ``{}`` match everything."""
    if filters is None:
        return lambda _: True
    place = _Place(location or ["body", "filters"], case_sensitive, 0, _Budget())
    return _node(filters, place)


def _node(node: Any, place: _Place) -> Predicate:
    if not isinstance(node, dict):
        raise place.error(f"a filter must be an object, not {type(node).__name__}")
    if place.depth >= MAX_DEPTH:
        raise place.error(f"filters may be nested {MAX_DEPTH} deep")
    inner = replace(place, depth=place.depth + 1)
    sensitive = node.get("case_sensitive")
    if sensitive is not None:
        if not isinstance(sensitive, bool):
            raise place.at("case_sensitive").error("case_sensitive must be true or false")
        inner = replace(inner, case_sensitive=sensitive)
    if isinstance(node.get("field"), str) and ("operator" in node or "value" in node):
        return _condition(node, inner)
    return _all(list(_members(node, inner)))


def _members(node: dict[str, Any], place: _Place) -> Iterator[Predicate]:
    for key, value in node.items():
        if key == "case_sensitive" or (key in (*_GROUPS, *_QDRANT_GROUPS) and value is None):
            continue
        if key in _GROUPS:
            yield _group(key, value, place.at(key))
        elif key in _QDRANT_GROUPS:
            yield _group(_QDRANT_GROUPS[key], _translated_list(value, place.at(key)), place.at(key))
        else:
            yield _shorthand(key, value, place.at(key))


def _group(kind: str, value: Any, place: _Place) -> Predicate:
    nodes = [value] if kind == "NOT" and isinstance(value, dict) else value
    if not isinstance(nodes, list):
        raise place.error(f"{kind} must be a list of filters")
    predicates = [_node(node, place.at(index)) for index, node in enumerate(nodes)]
    if kind == "AND":
        return _all(predicates)
    if kind == "OR":
        return _any(predicates)
    return lambda item: not any(predicate(item) for predicate in predicates)


def _all(predicates: list[Predicate]) -> Predicate:
    return lambda item: all(predicate(item) for predicate in predicates)


def _any(predicates: list[Predicate]) -> Predicate:
    return lambda item: any(predicate(item) for predicate in predicates)


def _shorthand(path: str, value: Any, place: _Place) -> Predicate:
    if isinstance(value, list):
        return _compare(path, "in", value, place)
    if not isinstance(value, dict):
        return _compare(path, "eq", value, place)
    if value and value.keys() <= _RANGES:
        return _all([_compare(path, operator, bound, place.at(operator)) for operator, bound in value.items()])
    raise place.error(f'{path!r}: expected a value, a list, or a range such as {{"gte": 5}}')


def _condition(node: dict[str, Any], place: _Place) -> Predicate:
    unknown = node.keys() - {"field", "operator", "value", "case_sensitive"}
    if unknown:
        raise place.error(f"unknown key {min(unknown)!r} in a condition")
    operator = node.get("operator") or "eq"
    default = True if operator in ("exists", "is_null") else None
    return _compare(node["field"], operator, node.get("value", default), place)


def _compare(path: str, operator: Any, value: Any, place: _Place) -> Predicate:
    place.budget.conditions -= 1
    if place.budget.conditions < 0:
        raise place.error(f"a filter may have {MAX_CONDITIONS} conditions")
    known = ", ".join(OPERATORS)
    if isinstance(operator, str) and operator in UNSUPPORTED:
        raise place.error(f"operator {operator!r} is not available for this list; use one of {known}")
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise place.error(f"unknown operator {operator!r}; use one of {known}")
    problem = check_value(operator, value)
    if problem is not None:
        raise place.at("value").error(f"{operator}: {problem}")
    test = OPERATORS[operator]
    sensitive = place.case_sensitive
    return lambda item: test(values_at(item, path), value, sensitive)


def values_at(item: Any, path: str) -> list[Any]:
    """The values at a dotted path, through the elements of arrays on the way. A missing path has none."""
    found = _walk(item, path.split("."))
    if not found and path.startswith("payload."):
        found = _walk(item, path.split(".")[1:])
    return found


def _walk(item: Any, steps: list[str]) -> list[Any]:
    if not steps:
        return [item]
    if isinstance(item, list):
        return [value for element in item for value in _walk(element, steps)]
    if isinstance(item, dict) and steps[0] in item:
        return _walk(item[steps[0]], steps[1:])
    return []


def _translated_list(value: Any, place: _Place) -> list[Any]:
    """The conditions of a ``must``, ``should`` or ``must_not`` in our own form."""
    nodes = [value] if isinstance(value, dict) else value
    if not isinstance(nodes, list):
        raise place.error("expected a list of conditions")
    return [_translated(node, place.at(index)) for index, node in enumerate(nodes)]


def _translated(node: Any, place: _Place) -> dict[str, Any]:
    if isinstance(node, dict) and node and node.keys() <= _QDRANT_GROUPS.keys():
        return node
    if not isinstance(node, dict) or not isinstance(node.get("key"), str):
        raise place.error("expected an object with a 'key'")
    path = node["key"]
    rest = {name: value for name, value in node.items() if name != "key"}
    if rest.keys() == {"value"}:
        return {"field": path, "operator": "eq", "value": rest["value"]}
    if rest.keys() == {"range"} and isinstance(rest["range"], dict) and rest["range"].keys() <= _RANGES:
        return {"AND": [{"field": path, "operator": name, "value": bound} for name, bound in rest["range"].items()]}
    operator = _match_operator(rest.get("match")) if rest.keys() == {"match"} else None
    if operator is None:
        raise place.error("expected 'value', 'match' with value, any or text, or 'range' beside 'key'")
    return {"field": path, "operator": operator[0], "value": operator[1]}


def _match_operator(match: Any) -> tuple[str, Any] | None:
    if not isinstance(match, dict) or len(match) != 1:
        return None
    name, value = next(iter(match.items()))
    operator = {"value": "eq", "any": "in", "text": "text"}.get(name)
    return None if operator is None else (operator, value)
