"""The paths that are indexed in a collection: read, added, dropped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import apsw

if TYPE_CHECKING:
    from headwater.store.transaction import Transaction

FILL_JOB = "fields.fill"
DROP_JOB = "fields.drop"
#: Payload indexes that a namespace may declare, and paths that a collection learns from their use.
MAX_DECLARED, MAX_LEARNED = 64, 16
MAX_PATH_LENGTH = 255


class FieldPath(NamedTuple):
    path_row: int
    path: str
    live: bool
    #: Bits, see ``entries``.
    shape: int


_PATHS = (
    "SELECT path_row, path, state = 'live', shape FROM field_paths WHERE collection_row = ? AND state <> 'dropping'"
)


def load_paths(connection: apsw.Connection, collection_row: int) -> tuple[FieldPath, ...]:
    """The collection's paths, those that are still being filled included."""
    return tuple(
        FieldPath(path_row, path, bool(live), shape)
        for path_row, path, live, shape in connection.execute(_PATHS, (collection_row,))
    )


def live_paths(connection: apsw.Connection, collection_row: int) -> dict[str, FieldPath]:
    """The paths that have an entry for every document, by path."""
    return {path.path: path for path in load_paths(connection, collection_row) if path.live}


def add_paths(tx: Transaction, collection_row: int, paths: Iterable[str], origin: str) -> list[str]:
    """Index the paths that are not yet; returns those. A collection with documents is back-filled by a job."""
    known = {path.path for path in load_paths(tx.connection, collection_row)}
    added = [path for path in dict.fromkeys(paths) if path not in known]
    if not added:
        return []
    empty = tx.one("SELECT 1 FROM documents WHERE collection_row = ? LIMIT 1", (collection_row,)) is None
    for path in added:
        tx.execute(
            "INSERT INTO field_paths (path_row, collection_row, path, state, origin, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (tx.next_sequence(), collection_row, path, "live" if empty else "building", origin, tx.now),
        )
    tx.forget_field_paths(collection_row)
    if not empty:
        enqueue_filling(tx, collection_row)
    return added


def enqueue_filling(tx: Transaction, collection_row: int) -> None:
    tx.enqueue(FILL_JOB, {"collection_row": collection_row}, unique_key=f"{FILL_JOB}:{collection_row}")


def enqueue_dropping(tx: Transaction) -> None:
    tx.enqueue(DROP_JOB, {}, unique_key=DROP_JOB)


def drop_paths(tx: Transaction, collection_row: int, paths: Iterable[str]) -> list[str]:
    """Stop using the paths at once, and have a job remove their entries. Returns those that were indexed."""
    dropped = []
    for path in paths:
        tx.execute(
            "UPDATE field_paths SET state = 'dropping' WHERE collection_row = ? AND path = ? AND state <> 'dropping'",
            (collection_row, path),
        )
        if tx.connection.changes():
            dropped.append(path)
    if dropped:
        tx.forget_field_paths(collection_row)
        enqueue_dropping(tx)
    return dropped


def remove_entries(tx: Transaction, path_row: int, limit: int) -> int:
    """Remove up to ``limit`` entries of a path; returns how many went."""
    if limit <= 0:
        return 0
    tx.execute(
        "DELETE FROM field_values WHERE (path_row, type, value, created_at, document_id) IN (SELECT path_row, type,"
        " value, created_at, document_id FROM field_values WHERE path_row = ? LIMIT ?)",
        (path_row, limit),
    )
    return int(tx.connection.changes())
