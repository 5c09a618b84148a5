"""What the index keeps of a document at one path. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.query.dates import instant
from headwater.query.ordering import BOOLEAN, MAX_SORTED_LENGTH, NUMBER, STRING, elements, ranks_of

#: Types of entries. The first three are values in the sort order; ``LAST`` stands for a document without any.
TYPE_NUMBER, TYPE_STRING, TYPE_BOOLEAN = NUMBER, STRING, BOOLEAN
TYPE_LAST = 4
#: The document has a null there, alone or among others.
TYPE_NULL = 5
#: A string that is a date, as microseconds since 1970.
TYPE_INSTANT = 6
#: The document has more values there than the index keeps: whether it matches, only the record can tell.
TYPE_OVERFLOW = 7

#: Values of ``TYPE_LAST``: nothing there, null and nothing else, something that cannot be put in order.
MISSING, NULL, OTHER = 0, 1, 2

#: Bits of ``field_paths.shape``: some document has an array or object there, more values than are kept, a string that
#: is not kept whole.
SHAPE_NESTED, SHAPE_OVERFLOW, SHAPE_LONG = 1, 2, 4

#: Distinct values of one document at one path that the index keeps.
MAX_ENTRIES = 1000
SMALLEST, LARGEST = 1, 2


class Entry(NamedTuple):
    type: int
    value: Any
    #: ``SMALLEST``, ``LARGEST`` or both; 0 for an entry that is no place in the sort order.
    ends: int


def entries_of(values: Sequence[Any]) -> tuple[set[Entry], int]:
    """The entries of a document with these values at the path, and its bits of ``shape``."""
    if len(values) == 1 and type(values[0]) in _SIMPLE:
        return _of_scalar(values[0]), _long(values)
    shape = (0 if _is_plain(values) else SHAPE_NESTED) | _long(elements_of(values))
    ranks = ranks_of(values)
    entries = {Entry(TYPE_NULL, 0, 0)} if None in elements_of(values) else set()
    if not ranks:
        entries.add(Entry(TYPE_LAST, _last_kind(values), SMALLEST | LARGEST))
        return entries, shape
    if len(ranks) > MAX_ENTRIES:
        entries.add(Entry(TYPE_OVERFLOW, 0, 0))
        shape |= SHAPE_OVERFLOW
        kept = [*ranks[: MAX_ENTRIES - 1], ranks[-1]]
    else:
        kept = ranks
    for number, (kind, value) in enumerate(kept):
        ends = (SMALLEST if number == 0 else 0) | (LARGEST if number == len(kept) - 1 else 0)
        entries.add(Entry(kind, int(value) if kind == TYPE_BOOLEAN else value, ends))
    for text in elements_of(values):
        if isinstance(text, str):
            entries |= _of_text(text)
            if len(entries) > 4 * MAX_ENTRIES:
                break
    return entries, shape


_SIMPLE = frozenset({str, int, float, bool})


def _of_scalar(value: Any) -> set[Entry]:
    [(kind, ranked)] = ranks_of([value])
    entry = Entry(kind, int(ranked) if kind == TYPE_BOOLEAN else ranked, SMALLEST | LARGEST)
    return {entry, *_of_text(value)} if kind == TYPE_STRING else {entry}


def _of_text(text: str) -> set[Entry]:
    """What a string is found by besides itself."""
    moment = instant(text)
    return set() if moment is None else {Entry(TYPE_INSTANT, moment, 0)}


def elements_of(values: Sequence[Any]) -> list[Any]:
    return list(elements(values))


def _long(found: Sequence[Any]) -> int:
    return SHAPE_LONG if any(isinstance(value, str) and len(value) > MAX_SORTED_LENGTH for value in found) else 0


def _is_plain(values: Sequence[Any]) -> bool:
    """At most one value, and no array or object: what can be read back from the index as it was."""
    return len(values) <= 1 and not any(isinstance(value, list | dict) for value in values)


def _last_kind(values: Sequence[Any]) -> int:
    if not values:
        return MISSING
    return NULL if all(value is None for value in values) else OTHER
