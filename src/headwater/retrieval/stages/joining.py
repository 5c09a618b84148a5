"""Documents of a collection by the values of one of their fields: many look-ups at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from headwater.errors import ValidationError
from headwater.query import Condition, Filter
from headwater.query.aggregate.keys import Key, key_of, scalars, shown
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.render import render_document
from headwater.store.find import Budget, Query, fields_of, position_in_creation, walk
from headwater.store.find.room import Room

_BATCH = 500
#: Values that one join asks for, and documents that it gives.
MAX_VALUES = 10_000
MAX_JOINED = 20_000


def keys_of(values: list[Any]) -> list[Key]:
    """What a row is joined by: the strings, numbers and booleans at a path, each once."""
    return list(dict.fromkeys(key_of(value) for value in scalars(values)))


def find_matches(
    connection: apsw.Connection, budget: Budget, query: Query, path: str, values: list[Any], most: int
) -> list[tuple[Any, list[bytes]]]:
    """For each of the values that has any, its first ``most`` documents as JSON, in the order of their creation.

    Once a value has its documents it is no longer asked for, so that a value that many documents have does not make
    this read them all. Call it by ``Runtime.find``.
    """
    found: dict[Key, list[DocumentRow]] = {key_of(value): [] for value in values}
    wanted, after, room = set(found), None, Room()
    while wanted:
        narrowed = Query(query.namespace_row, query.collection_rows, _one_of(path, wanted), query.principal)
        batch = next(walk(connection, narrowed, budget=budget, after=after, batch=_BATCH), [])
        for document in batch:
            if _take(document, path, found, wanted, most):
                room.take_document(document)
        if sum(map(len, found.values())) > MAX_JOINED:
            raise _too_many(f"the join finds more than {MAX_JOINED} documents")
        if len(batch) < _BATCH:
            break
        after = position_in_creation(batch[-1])
    return [(shown(key), list(map(render_document, documents))) for key, documents in found.items() if documents]


def _take(document: DocumentRow, path: str, found: dict[Key, list[DocumentRow]], wanted: set[Key], most: int) -> bool:
    """Whether the document is one of those that were looked for."""
    keys = wanted.intersection(keys_of(fields_of(document).values_at(path)))
    for key in keys:
        found[key].append(document)
        if len(found[key]) == most:
            wanted.discard(key)
    return bool(keys)


def _one_of(path: str, keys: Iterable[Key]) -> Filter:
    return Condition(path, "in", list(map(shown, keys)))


def check_values(values: list[Any]) -> None:
    if len(values) > MAX_VALUES:
        raise _too_many(f"the rows are joined by {len(values)} different values, of which there may be {MAX_VALUES}")


def _too_many(message: str) -> ValidationError:
    return ValidationError.at(
        ["body", "stages", "document_enrich"], f"{message}; put a limit before the stage", "join_too_large"
    )
