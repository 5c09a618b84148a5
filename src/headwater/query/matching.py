"""The one meaning of a filter: whether a document matches."""

from __future__ import annotations

from collections.abc import Callable

from headwater.query.fields import Readable
from headwater.query.filters import AllOf, Condition, Filter, Not
from headwater.query.operators import OPERATORS

Predicate = Callable[[Readable], bool]


def matches(fields: Readable, filters: Filter | None) -> bool:
    """Whether the filter matches. For many documents, ``compile_filter`` once."""
    return compile_filter(filters)(fields)


def compile_filter(filters: Filter | None) -> Predicate:
    """A function that says whether an object matches. No filter matches everything."""
    if filters is None:
        return lambda _: True
    if isinstance(filters, Condition):
        return _condition(filters)
    if isinstance(filters, Not):
        inner = compile_filter(filters.part)
        return lambda fields: not inner(fields)
    parts = [compile_filter(part) for part in filters.parts]
    if len(parts) == 1:
        return parts[0]
    if isinstance(filters, AllOf):
        return lambda fields: all(part(fields) for part in parts)
    return lambda fields: any(part(fields) for part in parts)


def _condition(condition: Condition) -> Predicate:
    test = OPERATORS[condition.operator](condition.value, condition.case_sensitive)
    path = condition.path
    return lambda fields: test(fields.values_at(path))
