"""Commands about the field index: add paths, fill them from the records, remove what is dropped."""

from __future__ import annotations

from typing import Any

from headwater.catalog.database import fetch_all
from headwater.store.commands.base import Command, handles
from headwater.store.commands.documents import collection_of
from headwater.store.commands.namespaces import require_namespace
from headwater.store.documents.records import COLUMNS, DOCUMENTS, document_of
from headwater.store.fields.declared import ensure_all_declared, ensure_declared
from headwater.store.fields.maintain import write_entries
from headwater.store.fields.paths import (
    MAX_LEARNED,
    add_paths,
    drop_paths,
    enqueue_dropping,
    enqueue_filling,
    remove_entries,
)
from headwater.store.text.indexes import fill_anew, resume_filling
from headwater.store.transaction import Transaction


class EnsureFieldPaths(Command):
    """Index what the namespace declares, in each of its collections. ``rebuild`` fills all of it anew.

    Answers ``{"ensured", "created", "rebuilt", "skipped"}``: paths that are declared, those of them that some
    collection lacked, those filled anew, and those that are still being filled.
    """

    organization_id: str
    namespace_row: int
    rebuild: bool = False


class LearnFieldPaths(Command):
    """Index paths that queries had to scan for. Answers ``{"added"}``; beyond ``MAX_LEARNED`` none are."""

    namespace_row: int
    collection_row: int
    paths: list[str]


class FillFieldPaths(Command):
    """Index up to ``limit`` more documents of the collection at the paths that are being filled.

    Answers ``{"filled", "more"}``. Whatever is written meanwhile is indexed by its own write.
    """

    collection_row: int
    limit: int


class RebuildFieldPaths(Command):
    """Make the entries of all the collection's paths again, and what its text weighs, from the records.

    Answers ``{"rebuilt"}``: the paths.
    """

    collection_row: int


class RemoveDroppedEntries(Command):
    """Remove up to ``limit`` entries of paths that were dropped. Answers ``{"removed", "more"}``."""

    limit: int


class ResumeFieldPaths(Command):
    """Go on with every path that is not filled or not removed yet, and every text index that is not filled: its job may
    have failed for good. For the start."""


@handles(EnsureFieldPaths)
def ensure_field_paths(tx: Transaction, command: EnsureFieldPaths) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    return ensure_declared(tx, namespace, rebuild=command.rebuild)


@handles(LearnFieldPaths)
def learn_field_paths(tx: Transaction, command: LearnFieldPaths) -> dict[str, Any]:
    collection_of(tx, command.namespace_row, command.collection_row)
    row = tx.one(
        "SELECT count(*) FROM field_paths WHERE collection_row = ? AND origin = 'learned' AND state <> 'dropping'",
        (command.collection_row,),
    )
    room = MAX_LEARNED - (row[0] if row else 0)
    known = {path.path for path in tx.field_paths(command.collection_row)}
    new = [path for path in command.paths if path not in known]
    return {"added": add_paths(tx, command.collection_row, new[: max(0, room)], "learned")}


_NEXT = (
    "SELECT filled_created_at, filled_document_id FROM field_paths WHERE collection_row = ? AND state = 'building'"
    " ORDER BY filled_created_at, filled_document_id LIMIT 1"
)
_SLICE = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.collection_row = ? AND (d.created_at, d.document_id) > (?, ?)"
    " ORDER BY d.created_at, d.document_id LIMIT ?"
)


@handles(FillFieldPaths)
def fill_field_paths(tx: Transaction, command: FillFieldPaths) -> dict[str, Any]:
    position = tx.one(_NEXT, (command.collection_row,))
    if position is None:
        return {"filled": 0, "more": False}
    # The paths that stand at the same document go on together.
    rows = {
        row[0]
        for row in tx.execute(
            "SELECT path_row FROM field_paths WHERE collection_row = ? AND state = 'building'"
            " AND filled_created_at = ? AND filled_document_id = ?",
            (command.collection_row, *position),
        )
    }
    documents = tx.execute(_SLICE, (command.collection_row, *position, command.limit)).fetchall()
    for row in documents:
        paths = [path for path in tx.field_paths(command.collection_row) if path.path_row in rows]
        write_entries(tx, document_of(row), paths)
    _advance(tx, rows, document_of(documents[-1]) if len(documents) == command.limit else None)
    tx.forget_field_paths(command.collection_row)
    return {"filled": len(documents), "more": tx.one(_NEXT, (command.collection_row,)) is not None}


def _advance(tx: Transaction, path_rows: set[int], last: Any) -> None:
    """Note how far the paths are; ``last`` is None when they have every document."""
    for path_row in path_rows:
        if last is None:
            tx.execute("UPDATE field_paths SET state = 'live' WHERE path_row = ?", (path_row,))
        else:
            tx.execute(
                "UPDATE field_paths SET filled_created_at = ?, filled_document_id = ? WHERE path_row = ?",
                (last.created_at, last.document_id, path_row),
            )


@handles(RebuildFieldPaths)
def rebuild_field_paths(tx: Transaction, command: RebuildFieldPaths) -> dict[str, Any]:
    rows = fetch_all(
        tx.connection,
        "SELECT path, origin FROM field_paths WHERE collection_row = ? AND state <> 'dropping'",
        (command.collection_row,),
    )
    drop_paths(tx, command.collection_row, [path for path, _ in rows])
    for path, origin in rows:
        add_paths(tx, command.collection_row, [path], origin)
    fill_anew(tx, command.collection_row)
    return {"rebuilt": [path for path, _ in rows]}


@handles(RemoveDroppedEntries, frees_space=True)
def remove_dropped_entries(tx: Transaction, command: RemoveDroppedEntries) -> dict[str, Any]:
    removed = 0
    for (path_row,) in fetch_all(tx.connection, "SELECT path_row FROM field_paths WHERE state = 'dropping'"):
        removed += remove_entries(tx, path_row, command.limit - removed)
        if removed >= command.limit:
            return {"removed": removed, "more": True}
        tx.execute("DELETE FROM field_paths WHERE path_row = ?", (path_row,))
    return {"removed": removed, "more": False}


@handles(ResumeFieldPaths)
def resume_field_paths(tx: Transaction, _: ResumeFieldPaths) -> None:
    ensure_all_declared(tx)
    building = "SELECT DISTINCT collection_row FROM field_paths WHERE state = 'building'"
    for (collection_row,) in fetch_all(tx.connection, building):
        enqueue_filling(tx, collection_row)
    if tx.one("SELECT 1 FROM field_paths WHERE state = 'dropping' LIMIT 1") is not None:
        enqueue_dropping(tx)
    resume_filling(tx)
