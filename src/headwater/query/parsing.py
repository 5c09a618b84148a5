"""The filter grammar. What does not fit it is a 422 that names its place, and is never taken for something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from headwater.errors import ValidationError
from headwater.query.filters import AllOf, AnyOf, Condition, Filter, Not
from headwater.query.operators import OPERATORS, check_value

Location = list[str | int]

MAX_DEPTH = 10
MAX_CONDITIONS = 1000
MAX_LIST = 10_000
MAX_PATH_LENGTH = 1000
_GROUPS = ("AND", "OR", "NOT")
_RANGES = ("gt", "gte", "lt", "lte")
_QDRANT_GROUPS = {"must": "AND", "should": "OR", "must_not": "NOT"}
_ALIASES = {"not_in": "nin"}
_CONDITION_KEYS = ("field", "operator", "value", "case_sensitive")


@dataclass
class _Budget:
    conditions: int = MAX_CONDITIONS


@dataclass(frozen=True)
class _Place:
    """Where in the filter we are, and what holds there."""

    location: Location
    case_sensitive: bool
    depth: int = 0
    budget: _Budget = field(default_factory=_Budget)

    def at(self, *steps: str | int) -> _Place:
        return replace(self, location=[*self.location, *steps])

    def error(self, message: str) -> ValidationError:
        return ValidationError.at(list(self.location), message, "filter_invalid")


def parse_filter(filters: Any, location: Location | None = None, *, case_sensitive: bool = False) -> Filter | None:
    """The filter of a request. None for one that matches everything because it says nothing.

    Raises ``ValidationError`` with the place of what is wrong, below ``location``.
    """
    if filters is None:
        return None
    parsed = _node(filters, _Place(location or ["body", "filters"], case_sensitive))
    return None if _says_nothing(parsed) else parsed


def _says_nothing(node: Filter) -> bool:
    """Generated clients send empty filters such as ``{"AND": [], "case_sensitive": false}``."""
    return isinstance(node, AllOf) and all(_says_nothing(part) for part in node.parts)


def _node(node: Any, place: _Place) -> Filter:
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
    if node.get("field") is None and "value" in node and _is_operator(node.get("operator")):
        # Taken for two fields, it would match nothing, and in a NOT everything.
        raise place.error("a condition needs a 'field', the path of what it is about")
    parts = tuple(_members(node, inner))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _members(node: dict[str, Any], place: _Place) -> Iterator[Filter]:
    for key, value in node.items():
        if key == "case_sensitive" or (key in (*_GROUPS, *_QDRANT_GROUPS) and value is None):
            continue
        if key in _GROUPS:
            yield _group(key, value, place.at(key))
        elif key in _QDRANT_GROUPS:
            yield _group(_QDRANT_GROUPS[key], _translated_list(value, place.at(key)), place.at(key))
        else:
            yield _shorthand(key, value, place.at(key))


def _group(kind: str, value: Any, place: _Place) -> Filter:
    nodes = [value] if kind == "NOT" and isinstance(value, dict) else value
    if not isinstance(nodes, list):
        raise place.error(f"{kind} must be a list of filters")
    parts = tuple(_node(node, place.at(index)) for index, node in enumerate(nodes))
    if kind == "AND":
        return AllOf(parts)
    return AnyOf(parts) if kind == "OR" else _none_of(parts)


def _none_of(parts: tuple[Filter, ...]) -> Filter:
    # NOT of nothing matches everything, as an empty AND does.
    return Not(AnyOf(parts)) if parts else AllOf(())


def _shorthand(path: str, value: Any, place: _Place) -> Filter:
    if _is_mistyped_group(path, value):
        raise place.error(f"groups are written AND, OR and NOT, not {path!r}")
    if isinstance(value, list):
        return _compare(path, "in", value, place)
    if not isinstance(value, dict):
        return _compare(path, "eq", value, place)
    if value and value.keys() <= set(_RANGES):
        return AllOf(tuple(_compare(path, operator, bound, place.at(operator)) for operator, bound in value.items()))
    given = ", ".join(repr(key[:80]) for key in value.keys() - set(_RANGES)) or "nothing"
    raise place.error(
        f"{path!r} takes a value, a list of values, or a range of {', '.join(_RANGES)}, not {given}; other operators"
        f' stand in a condition: {{"field": …, "operator": …, "value": …}}'
    )


def _is_mistyped_group(key: str, value: Any) -> bool:
    """A field may be named ``or``, but nobody compares one with objects."""
    if key.removeprefix("$").upper() not in _GROUPS:
        return False
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(part, dict) for part in value))


def _is_operator(name: Any) -> bool:
    return isinstance(name, str) and _ALIASES.get(name, name) in OPERATORS


def _condition(node: dict[str, Any], place: _Place) -> Condition:
    unknown = node.keys() - set(_CONDITION_KEYS)
    if unknown:
        raise place.error(f"unknown key {min(unknown)!r} in a condition; it takes {', '.join(_CONDITION_KEYS)}")
    operator = node.get("operator") or "eq"
    default = True if operator in ("exists", "is_null") else None
    value = node.get("value")
    return _compare(node["field"], operator, default if value is None else value, place)


def _compare(path: str, operator: Any, value: Any, place: _Place) -> Condition:
    place.budget.conditions -= 1
    if place.budget.conditions < 0:
        raise place.error(f"a filter may have {MAX_CONDITIONS} conditions")
    if not _is_operator(operator):
        raise place.error(f"unknown operator {str(operator)[:80]!r}; use one of {', '.join(OPERATORS)}")
    operator = _ALIASES.get(operator, operator)
    if len(path) > MAX_PATH_LENGTH:
        raise place.error(f"a field has at most {MAX_PATH_LENGTH} characters")
    if path == "searchable_at":
        raise place.error("searchable_at is not stored, so nothing can be filtered by it; use updated_at")
    if isinstance(value, list) and len(value) > MAX_LIST:
        raise place.at("value").error(f"a list in a filter may have {MAX_LIST} values, not {len(value)}")
    problem = check_value(operator, value, place.case_sensitive)
    if problem is not None:
        raise place.at("value").error(f"{operator}: {problem}")
    return Condition(path, operator, value, place.case_sensitive)


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
    if rest.keys() == {"range"} and isinstance(rest["range"], dict) and rest["range"].keys() <= set(_RANGES):
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
