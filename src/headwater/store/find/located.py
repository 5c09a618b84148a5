"""Which documents the field index can name for a filter, as an algebra of sets. ``rendering`` turns them into SQL.

A set is *exact* when it holds the matching documents and no others; else it holds some more, and the record decides.
It never lacks one. What cannot be said this way is None: any document may match.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec

from headwater.query import AllOf, AnyOf, Condition, Filter, Not
from headwater.query.dates import instant
from headwater.query.ordering import canonical
from headwater.query.spelling import spellings
from headwater.store.fields import entries
from headwater.store.fields.paths import FieldPath

#: Longer strings are not whole in the index.
_LONGEST = 200
#: Values of one ``in`` that are looked up one by one.
_MOST_VALUES = 200

#: SQL and its parameters.
SQL: TypeAlias = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Range:
    """Entries of one path and type between two values; None is no bound. Equal inclusive bounds are one value."""

    path_row: int
    type: int
    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False

    @property
    def single(self) -> bool:
        return self.low is not None and self.low == self.high and not self.low_open and not self.high_open

    @property
    def where(self) -> SQL:
        sql, parameters = "path_row = ? AND type = ?", [self.path_row, self.type]
        if self.single:
            return f"{sql} AND value = ?", (*parameters, self.low)
        if self.low is not None:
            sql, parameters = f"{sql} AND value {'>' if self.low_open else '>='} ?", [*parameters, self.low]
        if self.high is not None:
            sql, parameters = f"{sql} AND value {'<' if self.high_open else '<='} ?", [*parameters, self.high]
        return sql, tuple(parameters)


@dataclass(frozen=True)
class Leaf:
    """Documents with an entry in one of the ranges."""

    ranges: tuple[Range, ...]
    exact: bool = True
    #: No document has two entries in the ranges.
    distinct: bool = False


@dataclass(frozen=True)
class Native:
    """Documents that an index of the ``documents`` table finds: ``where`` is about the row ``d``."""

    where: SQL
    exact: bool = True
    distinct: bool = True


@dataclass(frozen=True)
class Both:
    """Documents that are in every part."""

    parts: tuple[Located, ...]
    exact: bool


@dataclass(frozen=True)
class Either:
    """Documents that are in some part."""

    parts: tuple[Located, ...]
    exact: bool


@dataclass(frozen=True)
class Without:
    """All documents of the collection but those of an exact part."""

    part: Located
    exact: bool = True


Located: TypeAlias = Leaf | Native | Both | Either | Without


@dataclass(frozen=True)
class Place:
    """Where to look: a collection and what is indexed in it."""

    namespace_row: int
    collection_row: int
    paths: Mapping[str, FieldPath]


def locate(node: Filter, place: Place) -> Located | None:
    """The documents that may match the filter; None when that may be any."""
    if isinstance(node, Condition):
        return _condition(node, place)
    if isinstance(node, Not):
        part = locate(node.part, place)
        return Without(part) if part is not None and part.exact else None
    parts = [locate(part, place) for part in node.parts]
    found = tuple(part for part in parts if part is not None)
    if isinstance(node, AllOf):
        found = _narrowed(found)
    known = None not in parts
    exact = known and all(part.exact for part in found)
    if isinstance(node, AnyOf):
        return Either(found, exact) if known else None
    if len(found) == 1:
        return replace(found[0], exact=exact)
    return Both(found, exact) if found else None


def _narrowed(parts: tuple[Located, ...]) -> tuple[Located, ...]:
    """Bounds from below and from above of one path in one range, where no document has several values there."""
    narrow: dict[tuple[int, int], Range] = {}
    others: list[Located] = []
    for part in parts:
        if isinstance(part, Leaf) and part.exact and part.distinct and len(part.ranges) == 1:
            [added] = part.ranges
            known = narrow.get((added.path_row, added.type))
            merged = added if known is None else _merged(known, added)
            if merged is not None:
                narrow[added.path_row, added.type] = merged
                continue
        others.append(part)
    return (*(Leaf((found,), distinct=True) for found in narrow.values()), *others)


def _merged(one: Range, other: Range) -> Range | None:
    """A lower and an upper bound together; None for two of a kind."""
    if one.low is not None and one.high is None and other.low is None:
        return replace(one, high=other.high, high_open=other.high_open)
    if other.low is not None and other.high is None and one.low is None:
        return replace(other, high=one.high, high_open=one.high_open)
    return None


def by_value(located: Located) -> list[Located]:
    """The set as one set for each value that leads it."""
    if isinstance(located, Leaf) and len(located.ranges) > 1:
        return [replace(located, ranges=(item,), distinct=True) for item in located.ranges]
    if isinstance(located, Both):
        return [Both((first, *located.parts[1:]), located.exact) for first in by_value(located.parts[0])]
    return [located]


def is_known(path: str, place: Place) -> bool:
    """Whether the index can say anything about the path."""
    return path in place.paths or path in _NATIVE


def _condition(condition: Condition, place: Place) -> Located | None:
    if condition.path in _NATIVE:
        return _native(condition, place)
    path = place.paths.get(condition.path)
    if path is None:
        return None
    operator, value = condition.operator, condition.value
    if operator in ("ne", "nin"):
        positive = _by_operator(path, "eq" if operator == "ne" else "in", value)
        return Without(positive) if positive is not None and positive.exact else None
    return _by_operator(path, operator, value)


def _by_operator(path: FieldPath, operator: str, value: Any) -> Located | None:
    if operator == "exists":
        missing = Leaf((_one(path, entries.TYPE_LAST, entries.MISSING),), distinct=True)
        return Without(missing) if value else missing
    if operator == "is_null":
        kinds = (entries.MISSING, entries.NULL)
        null = Leaf(tuple(_one(path, entries.TYPE_LAST, kind) for kind in kinds), distinct=True)
        return null if value else Without(null)
    if operator == "starts_with":
        return _starting_with(path, value)
    if operator in ("gt", "gte", "lt", "lte"):
        return _between(path, operator, value)
    if operator not in ("eq", "in"):
        return None
    wanted = value if operator == "in" else [value]
    ranges = [_equal(path, item) for item in wanted] if len(wanted) <= _MOST_VALUES else [None]
    found = tuple(dict.fromkeys(item for item in ranges if item is not None))
    return _leaf(path, found, distinct=len(found) <= 1) if None not in ranges else None


def _leaf(path: FieldPath, ranges: tuple[Range, ...], *, exact: bool = True, distinct: bool = False) -> Leaf:
    if path.shape & entries.SHAPE_OVERFLOW:
        # A document with too many values to keep may have any value.
        overflowed = _one(path, entries.TYPE_OVERFLOW, 0)
        return Leaf((*ranges, overflowed), exact=False)
    return Leaf(ranges, exact, distinct or not path.shape & entries.SHAPE_NESTED)


def _one(path: FieldPath, kind: int, value: Any) -> Range:
    return Range(path.path_row, kind, value, value)


def _equal(path: FieldPath, value: Any) -> Range | None:
    if value is None:
        return _one(path, entries.TYPE_NULL, 0)
    if isinstance(value, bool):
        return _one(path, entries.TYPE_BOOLEAN, int(value))
    if isinstance(value, int | float):
        return _one(path, entries.TYPE_NUMBER, canonical(value))
    if isinstance(value, str) and len(value) <= _LONGEST:
        return _one(path, entries.TYPE_STRING, value)
    return None


def _between(path: FieldPath, operator: str, bound: Any) -> Leaf | None:
    kind = entries.TYPE_NUMBER
    if isinstance(bound, str):
        moment = instant(bound)
        if moment is None and len(bound) > _LONGEST:
            return None
        kind = entries.TYPE_STRING if moment is None else entries.TYPE_INSTANT
        bound = bound if moment is None else moment
    is_open = operator in ("gt", "lt")
    if operator in ("gt", "gte"):
        found = Range(path.path_row, kind, low=bound, low_open=is_open)
    else:
        found = Range(path.path_row, kind, high=bound, high_open=is_open)
    return _leaf(path, (found,))


def _starting_with(path: FieldPath, prefix: str) -> Leaf | None:
    if len(prefix) > _LONGEST:
        return None
    # Any spelling of its beginning, whether its case matters or not: the record tells.
    starts = spellings(prefix)
    ranges = [
        Range(path.path_row, entries.TYPE_STRING, start, _after_prefix(start), high_open=True) for start in starts
    ]
    return _leaf(path, tuple(ranges), exact=False)


def _after_prefix(prefix: str) -> str | None:
    """The smallest text after all that start with the prefix; None when there is none."""
    for length in range(len(prefix), 0, -1):
        point = ord(prefix[length - 1]) + 1
        if point <= 0x10FFFF:
            # Surrogates are no characters.
            return prefix[: length - 1] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return None


#: Paths that have a column with an index of their own; whether the column is all there is to the path.
_NATIVE = {
    "document_id": ("document_id", True),
    "root_object_id": ("root_object_id", True),
    "_internal.lineage.root_object_id": ("root_object_id", True),
    # The column also holds parents that only the chain names.
    "source_document_id": ("parent_document_id", False),
    "_internal.lineage.source_document_id": ("parent_document_id", False),
}


def _native(condition: Condition, place: Place) -> Located | None:
    column, exact = _NATIVE[condition.path]
    values = {"eq": [condition.value], "in": condition.value}.get(condition.operator)
    if values is None or not all(isinstance(value, str) for value in values):
        return None
    wanted = msgspec.json.encode(values).decode()
    where = f"d.namespace_row = ? AND d.{column} IN (SELECT value FROM json_each(?)) AND d.collection_row = ?"
    return Native((where, (place.namespace_row, wanted, place.collection_row)), exact)
