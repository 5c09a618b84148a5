"""Deleting collections and namespaces: hidden in one transaction, removed in slices, then the space is given back.

A hidden collection keeps its row with state ``deleting`` until its last document is removed. Until then rows of its
documents are still in ``documents``: whoever finds a document other than through an active collection's row must look
at that state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.collections import Collection, list_sourced_collections
from headwater.errors import ConflictError
from headwater.kit.clock import to_text
from headwater.store.collections.sources import downstream
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import insert_row, require_collection
from headwater.store.commands.namespaces import require_namespace
from headwater.store.documents.records import remove_rows
from headwater.store.fields.paths import remove_entries
from headwater.store.transaction import Transaction
from headwater.store.uploads.forget import remove_uploads_of

PURGE_COLLECTION = "collections.purge"
PURGE_NAMESPACE = "namespaces.purge"


class DeleteCollection(Command):
    """Hide a collection and empty those sourced from it. Answers ``{"deleted_documents", "task_id"}``.

    Raises ``NotFoundError`` when it is gone already.
    """

    organization_id: str
    namespace_row: int
    collection_row: int


class DeleteNamespace(Command):
    """Hide a namespace with all that is in it. Answers ``{"deleted_documents", "task_id"}``."""

    organization_id: str
    namespace_row: int


class PurgeSlice(Command):
    """Remove up to ``limit`` rows of a hidden collection. Answers ``{"removed", "more"}``.

    Raises ``ConflictError`` for a collection that is not hidden. One that is gone already has nothing more.
    """

    collection_row: int
    limit: int


class PurgeNamespaceRow(Command):
    """Remove a hidden namespace's row once its collections are gone. Answers ``{"collections": rows still there}``."""

    namespace_row: int


class ResumePurges(Command):
    """Enqueue the removal of everything hidden that no job is about: one may have failed for good. For the start.

    Answers ``{"jobs"}``: the ids of the jobs that wait now.
    """


class ReclaimSpace(Command):
    """Move up to ``pages`` free pages to the end of the file and cut them off. Answers ``{"free_pages"}``: how many are
    left. The file itself gets shorter when SQLite's log is moved into it, see the query ``shrink``."""

    pages: int


@handles(DeleteCollection, frees_space=True)
def delete_collection(tx: Transaction, command: DeleteCollection) -> dict[str, Any]:
    collection = require_collection(tx, command.organization_id, command.namespace_row, command.collection_row)
    siblings = list_sourced_collections(tx.connection, command.namespace_row)
    deleted = count_rows(tx, collection.collection_row)
    task_id = _hide(tx, collection, command.organization_id)
    for sourced in downstream(siblings, collection.collection_id):
        _empty(tx, sourced, collection, command.organization_id)
    tx.catalogue_changed()
    return {"deleted_documents": deleted, "task_id": task_id}


def count_rows(tx: Transaction, collection_row: int) -> int:
    """The documents of a collection, or the objects of a bucket."""
    # Not collection_counts: it does not know yet what this group of commands has written.
    row = tx.one("SELECT count(*) FROM documents WHERE collection_row = ?", (collection_row,))
    assert row is not None
    return int(row[0])


def _hide(tx: Transaction, collection: Collection, organization_id: str) -> str:
    """Take the collection out of sight and enqueue its removal. Returns the job's id."""
    hide_collection(tx, collection.collection_row)
    return _enqueue_collection(tx, collection.collection_row, collection.namespace_row, organization_id)


def hide_collection(tx: Transaction, collection_row: int) -> None:
    """Take a collection, or a bucket, out of sight. Have a job remove it."""
    tx.execute(
        "UPDATE collections SET state = 'deleting', updated_at = ? WHERE collection_row = ?", (tx.now, collection_row)
    )
    _drop_index(tx, collection_row)


def _enqueue_collection(tx: Transaction, collection_row: int, namespace_row: int, organization_id: str) -> str:
    return tx.enqueue(
        PURGE_COLLECTION,
        {"collection_row": collection_row},
        organization_id=organization_id,
        namespace_row=namespace_row,
        unique_key=purge_key(collection_row),
    )


def purge_key(collection_row: int) -> str:
    """The unique key of the job that removes a collection, or a bucket."""
    return f"{PURGE_COLLECTION}:{collection_row}"


def _drop_index(tx: Transaction, collection_row: int) -> None:
    # The rows go with the collection: after a crash right here, the start removes directories that no row names.
    tx.execute("DELETE FROM generations WHERE collection_row = ?", (collection_row,))
    had_index = tx.connection.changes() > 0
    tx.execute("DELETE FROM jobs WHERE unique_key = ? AND state = 'pending'", (f"index.build:{collection_row}",))
    # The first documents may be of this very group of commands, and their generation comes after it.
    if had_index or count_rows(tx, collection_row):
        tx.effects.dropped_collections.append(collection_row)


def _empty(tx: Transaction, sourced: Collection, source: Collection, organization_id: str) -> None:
    """Disable a collection whose source is gone, and take its documents out of sight all at once.

    There may be millions, so the collection gets a fresh row under its id and the old row is purged like a deleted one.
    """
    body = sourced.body | {"enabled": False, "disabled_reason": _disabled_reason(tx, source)}
    if count_rows(tx, sourced.collection_row) == 0:
        tx.execute(
            "UPDATE collections SET body = ?, updated_at = ? WHERE collection_row = ?",
            (msgspec.json.encode(body), tx.now, sourced.collection_row),
        )
        return
    tx.execute(
        "UPDATE collections SET collection_id = collection_id || '#' || collection_row WHERE collection_row = ?",
        (sourced.collection_row,),
    )
    _hide(tx, sourced, organization_id)
    insert_row(tx, replace(sourced, collection_row=tx.next_sequence(), body=body, updated_at=tx.now))


def _disabled_reason(tx: Transaction, source: Collection) -> dict[str, Any]:
    return {
        "code": "source_collection_deleted",
        "message": f"Its source collection {source.collection_name!r} was deleted, and its documents with it",
        "source_collection_id": source.collection_id,
        "source_collection_name": source.collection_name,
        "disabled_at": to_text(tx.now),
    }


@handles(DeleteNamespace, frees_space=True)
def delete_namespace(tx: Transaction, command: DeleteNamespace) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    deleted = _hide_namespace(tx, namespace.namespace_row)
    if namespace.objects_row is not None:
        _hide_namespace(tx, namespace.objects_row)
        # No task of its own: whoever asks for that of the namespace need not know of companions.
        _enqueue_namespace(tx, namespace.objects_row, None)
    tx.catalogue_changed()
    task_id = _enqueue_namespace(tx, namespace.namespace_row, command.organization_id)
    return {"deleted_documents": deleted, "task_id": task_id}


def _hide_namespace(tx: Transaction, namespace_row: int) -> int:
    """Take a namespace, or a companion, out of sight with what is in it. Returns how many documents that are."""
    deleted = 0
    rows = fetch_all(
        tx.connection,
        "SELECT collection_row FROM collections WHERE namespace_row = ? AND state = 'active'",
        (namespace_row,),
    )
    for (collection_row,) in rows:
        deleted += count_rows(tx, collection_row)
        _drop_index(tx, collection_row)
    for table in ("collections", "namespaces"):
        tx.execute(
            f"UPDATE {table} SET state = 'deleting', updated_at = ? WHERE namespace_row = ?", (tx.now, namespace_row)
        )
    return deleted


def _enqueue_namespace(tx: Transaction, namespace_row: int, organization_id: str | None) -> str:
    return tx.enqueue(
        PURGE_NAMESPACE,
        {"namespace_row": namespace_row},
        organization_id=organization_id,
        namespace_row=namespace_row,
        unique_key=f"{PURGE_NAMESPACE}:{namespace_row}",
    )


@handles(ResumePurges, frees_space=True)
def resume_purges(tx: Transaction, _: ResumePurges) -> dict[str, Any]:
    namespaces = fetch_all(
        tx.connection, "SELECT namespace_row, organization_id FROM namespaces WHERE state = 'deleting'"
    )
    collections = fetch_all(
        tx.connection,
        "SELECT collection_row, namespace_row, organization_id FROM collections c"
        " JOIN namespaces n USING (namespace_row) WHERE c.state = 'deleting' AND n.state IN ('active', 'companion')",
    )
    jobs = [_enqueue_namespace(tx, *row) for row in namespaces]
    return {"jobs": jobs + [_enqueue_collection(tx, *row) for row in collections]}


@handles(PurgeSlice, frees_space=True)
def purge_slice(tx: Transaction, command: PurgeSlice) -> dict[str, Any]:
    row = tx.one("SELECT state FROM collections WHERE collection_row = ?", (command.collection_row,))
    if row is None:
        return {"removed": 0, "more": False}
    if row[0] != "deleting":
        raise ConflictError(f"collection row {command.collection_row} is {row[0]}, so nothing of it is purged")
    removed = _remove_rows(tx, command.collection_row, command.limit)
    if removed == command.limit:
        return {"removed": removed, "more": True}
    tables = ("field_paths", "text_indexes", "generations", "collection_counts", "bucket_stats", "collections")
    for table in tables:
        tx.execute(f"DELETE FROM {table} WHERE collection_row = ?", (command.collection_row,))
    return {"removed": removed, "more": False}


def _remove_rows(tx: Transaction, collection_row: int, limit: int) -> int:
    """Documents with their vectors first, then what is left over. Returns how many rows went, at most ``limit``."""
    rows = [
        row
        for (row,) in tx.execute(
            "SELECT document_row FROM documents WHERE collection_row = ? LIMIT ?", (collection_row, limit)
        )
    ]
    for row in rows:
        remove_rows(tx, row)
    removed = len(rows)
    removed += remove_uploads_of(tx, collection_row, limit - removed)
    for table, key in (
        ("vectors", "document_row"),
        ("tombstones", "sequence"),
        ("object_keys", "kind, digest, object_row"),
    ):
        tx.execute(
            f"DELETE FROM {table} WHERE collection_row = ?1 AND ({key}) IN"
            f" (SELECT {key} FROM {table} WHERE collection_row = ?1 LIMIT ?2)",
            (collection_row, limit - removed),
        )
        removed += tx.connection.changes()
    paths = fetch_all(tx.connection, "SELECT path_row FROM field_paths WHERE collection_row = ?", (collection_row,))
    for (path_row,) in paths:
        removed += remove_entries(tx, path_row, limit - removed)
    return removed


@handles(PurgeNamespaceRow, frees_space=True)
def purge_namespace_row(tx: Transaction, command: PurgeNamespaceRow) -> dict[str, Any]:
    rows = [
        row
        for (row,) in tx.execute(
            "SELECT collection_row FROM collections WHERE namespace_row = ? LIMIT 1000", (command.namespace_row,)
        )
    ]
    if not rows:
        for table in ("retrievers", "executions", "scrolls"):
            tx.execute(f"DELETE FROM {table} WHERE namespace_row = ?", (command.namespace_row,))
        tx.execute("DELETE FROM namespaces WHERE namespace_row = ? AND state = 'deleting'", (command.namespace_row,))
    return {"collections": rows}


@handles(ReclaimSpace, frees_space=True)
def reclaim_space(tx: Transaction, command: ReclaimSpace) -> dict[str, Any]:
    # The pragma frees a page a step, so it must be read to its end.
    tx.execute(f"PRAGMA incremental_vacuum({command.pages:d})").fetchall()
    return {"free_pages": tx.connection.pragma("freelist_count")}
