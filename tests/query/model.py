"""What a filter means, written a second time and as plainly as it goes: no parsing, no compiling, no caches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

_ALIASES = {
    "created_at": ["created_at"],
    "modality": ["modality"],
    "root_object_id": ["lineage", "root_object_id"],
    "object_id": ["lineage", "root_object_id"],
    "lineage_path": ["lineage", "path"],
}
_MISSING: list[Any] = []


def holds(document: dict[str, Any], node: dict[str, Any], sensitive: bool = False) -> bool:
    """Whether the document, as a client sees it, is what the filter asks for."""
    own = node.get("case_sensitive")
    sensitive = sensitive if own is None else own
    if isinstance(node.get("field"), str):
        values = at(document, node["field"])
        return condition(values, node.get("operator", "eq"), node.get("value"), sensitive)
    return all(_part(document, key, part, sensitive) for key, part in node.items() if key != "case_sensitive")


def _part(document: dict[str, Any], key: str, part: Any, sensitive: bool) -> bool:
    if key in ("AND", "OR", "NOT"):
        if part is None:
            return True
        nodes = part if isinstance(part, list) else [part]
        found = [holds(document, node, sensitive) for node in nodes]
        return {"AND": all(found), "OR": any(found), "NOT": not any(found)}[key]
    values = at(document, key)
    if isinstance(part, dict):
        return all(condition(values, operator, value, sensitive) for operator, value in part.items())
    return condition(values, "in" if isinstance(part, list) else "eq", part, sensitive)


def at(document: dict[str, Any], path: str) -> list[Any]:
    """The values at a path: the document's own first, whose metadata is at its root as well; then the server's."""
    steps = path.removeprefix("payload.").split(".")
    internal = document["_internal"]
    if steps[0] == "metadata":
        own = document.get("metadata", {})
        return _walk(own, steps[1:]) if len(steps) == 1 or steps[1] in own else _walk(internal, steps)
    if steps[0] in document:
        return _walk(document, steps)
    if steps[0] in _ALIASES:
        return _walk(internal, _ALIASES[steps[0]] + steps[1:])
    return _walk(internal, ["metadata", *steps])


def _walk(value: Any, steps: list[str]) -> list[Any]:
    if not steps:
        return [value]
    if isinstance(value, list):
        return [found for element in value for found in _walk(element, steps)]
    if not isinstance(value, dict) or steps[0] not in value:
        return _MISSING
    return _walk(value[steps[0]], steps[1:])


def condition(values: list[Any], operator: str, wanted: Any, sensitive: bool) -> bool:
    match operator:
        case "eq":
            # A list is equal to a list, never to an element of one.
            return any(equal(value, wanted) for value in (values if isinstance(wanted, list) else each(values)))
        case "in":
            return any(equal(value, one) for value in each(values) for one in wanted)
        case "ne" | "nin":
            return not condition(values, {"ne": "eq", "nin": "in"}[operator], wanted, sensitive)
        case "exists":
            return bool(values) is wanted
        case "is_null":
            return all(value is None for value in values) is wanted
        case "gt" | "gte" | "lt" | "lte":
            return any(_ordered(operator, value, wanted) for value in each(values))
        case "contains":
            return any(_contains(value, wanted, sensitive) for value in values)
    return any(_textual(operator, value, wanted, sensitive) for value in each(values))


def each(values: list[Any]) -> Iterator[Any]:
    """The values, and the elements of those that are arrays."""
    for value in values:
        yield value
        if isinstance(value, list):
            yield from value


def equal(one: Any, other: Any) -> bool:
    """As in JSON: true is not 1, and 1.0 is 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    return _kind(one) == _kind(other) and one == other


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _ordered(operator: str, value: Any, wanted: Any) -> bool:
    if _kind(value) != _kind(wanted):
        return False
    if isinstance(wanted, str) and (moment := date(wanted)) is not None:
        found = date(value)
        return found is not None and _COMPARISONS[operator](found, moment)
    return _COMPARISONS[operator](value, wanted)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}


def date(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _contains(value: Any, wanted: Any, sensitive: bool) -> bool:
    """A string has it as a part, an array as a member."""
    if not isinstance(value, list):
        return isinstance(value, str) and isinstance(wanted, str) and _textual("contains", value, wanted, sensitive)
    if isinstance(wanted, str) and not sensitive:
        return any(isinstance(element, str) and element.lower() == wanted.lower() for element in each(value))
    return any(equal(element, wanted) for element in each(value))


def _textual(operator: str, value: Any, wanted: Any, sensitive: bool) -> bool:
    if not isinstance(value, str):
        return False
    if operator == "text" or not sensitive:
        value, wanted = value.lower(), wanted.lower()
    match operator:
        case "starts_with":
            return value.startswith(wanted)
        case "ends_with":
            return value.endswith(wanted)
    return wanted in value
