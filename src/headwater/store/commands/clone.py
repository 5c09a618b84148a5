"""Cloning a namespace: its collections at once, its documents in slices by a job, and a status that says how far it is.

A document keeps its id, its content, its vectors and its times. Ids of collections change, so wherever the namespace
names one of its own collections, the clone names the copy of it.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgspec

from headwater import ids
from headwater.catalog.tables.collections import Collection, list_collections
from headwater.catalog.tables.namespaces import Namespace, load_namespace
from headwater.catalog.tables.retrievers import list_retrievers
from headwater.errors import ConflictError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import insert_row, require_collection
from headwater.store.commands.namespaces import CreateNamespace, create_namespace, require_namespace
from headwater.store.commands.retrievers import insert_retriever
from headwater.store.documents import lineage
from headwater.store.documents.lineage import LineageSent
from headwater.store.documents.records import (
    COLUMNS,
    DOCUMENTS,
    DocumentRow,
    document_of,
    insert_document,
    load_vectors,
)
from headwater.store.transaction import Transaction
from headwater.store.transfer.restore import DERIVED_MEMBERS, RestoredDocument, document_at

CLONE_JOB = "namespaces.clone"
#: The member of a namespace's body that says what it is a clone of.
CLONE = "clone"


class CloneNamespace(Command):
    """Make a namespace like another, with its collections and retrievers and, by a job, the documents.

    Retrievers are copied only with the collections that they look into.

    Answers ``{"namespace", "task_id"}``. Raises ``AlreadyExistsError`` for the name, ``ConflictError`` for a source
    that is no whole namespace itself.
    """

    organization_id: str
    source_row: int
    namespace_id: str
    namespace_name: str
    changes: dict[str, Any]
    with_collections: bool
    with_retrievers: bool = True


class CloneSlice(Command):
    """Copy the documents of a collection that come after ``after``, up to ``limit`` of them.

    Those that the clone has are left alone, so a slice may be repeated. Answers ``{"after", "points"}``; ``after`` is
    None at the end. Raises ``NotFoundError`` when either side is gone.
    """

    organization_id: str
    source_row: int
    target_row: int
    source_collection_row: int
    target_collection_row: int
    #: ``[created_at, document_id]``
    after: tuple[int, str]
    #: Documents that were made later are no part of the clone.
    until: int
    #: Ids of collections in the source → in the clone.
    renamed: dict[str, str]
    limit: int = 200


class FinishClone(Command):
    """Say how the clone ended: ``ready``, or ``failed`` with the reason."""

    organization_id: str
    target_row: int
    status: str
    error: str | None = None
    resources: dict[str, int] = {}


@handles(CloneNamespace)
def clone_namespace(tx: Transaction, command: CloneNamespace) -> dict[str, Any]:
    source = require_namespace(tx, command.organization_id, command.source_row)
    _require_whole(source)
    collections = list_collections(tx.connection, source.namespace_row)[::-1] if command.with_collections else []
    note = {"status": "cloning" if collections else "ready", "source_namespace_id": source.namespace_id}
    made = create_namespace(
        tx,
        CreateNamespace(
            organization_id=command.organization_id,
            namespace_id=command.namespace_id,
            namespace_name=command.namespace_name,
            body={**source.body, **command.changes, CLONE: note},
        ),
    )
    renamed = {collection.collection_id: ids.new_collection_id() for collection in collections}
    pairs = [[item.collection_row, _copy_collection(tx, item, made["namespace_row"], renamed)] for item in collections]
    if command.with_collections and command.with_retrievers:
        _copy_retrievers(tx, source.namespace_row, made["namespace_row"], renamed)
    return {"namespace": made, "task_id": _enqueue(tx, command, made["namespace_row"], pairs, renamed)}


def _require_whole(source: Namespace) -> None:
    status = source.body.get(CLONE, {}).get("status", "ready")
    if status != "ready":
        raise ConflictError(
            f"namespace {source.namespace_name!r} is itself a clone that is {status}; clone its source instead",
            details={"namespace_id": source.namespace_id, "clone_status": status},
            code="namespace_not_ready",
        )


def _copy_collection(tx: Transaction, original: Collection, namespace_row: int, renamed: dict[str, str]) -> int:
    row = tx.next_sequence()
    copy = replace(
        original,
        collection_row=row,
        namespace_row=namespace_row,
        collection_id=renamed[original.collection_id],
        body=_renamed(original.body, renamed),
        created_at=tx.now,
        updated_at=tx.now,
    )
    insert_row(tx, copy)
    return row


def _copy_retrievers(tx: Transaction, source_row: int, target_row: int, renamed: dict[str, str]) -> None:
    for original in reversed(list_retrievers(tx.connection, source_row)):
        body = _renamed(original.body, renamed)
        insert_retriever(tx, target_row, ids.new_retriever_id(), original.retriever_name, body)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The value with each text that is one of the names replaced."""
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _enqueue(
    tx: Transaction, command: CloneNamespace, target_row: int, pairs: list[list[int]], renamed: dict[str, str]
) -> str | None:
    if not pairs:
        return None
    return tx.enqueue(
        CLONE_JOB,
        {
            "organization_id": command.organization_id,
            "source_row": command.source_row,
            "target_row": target_row,
            "collections": pairs,
            "renamed": renamed,
            "until": tx.now,
        },
        organization_id=command.organization_id,
        namespace_row=target_row,
        unique_key=f"{CLONE_JOB}:{target_row}",
    )


_PAGE = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.collection_row = ? AND (d.created_at, d.document_id) > (?, ?)"
    " AND d.created_at <= ? ORDER BY d.created_at, d.document_id LIMIT ?"
)


@handles(CloneSlice)
def clone_slice(tx: Transaction, command: CloneSlice) -> dict[str, Any]:
    organization, target_row = command.organization_id, command.target_row
    require_collection(tx, organization, command.source_row, command.source_collection_row)
    collection = require_collection(tx, organization, target_row, command.target_collection_row)
    namespace = tx.namespace(target_row)
    parameters = (command.source_collection_row, *command.after, command.until, command.limit)
    originals = [document_of(row) for row in tx.execute(_PAGE, parameters).fetchall()]
    points = sum(_copy(tx, namespace, collection, original, command.renamed) for original in originals)
    last = originals[-1] if len(originals) == command.limit else None
    return {"after": None if last is None else [last.created_at, last.document_id], "points": points}


_HAS = "SELECT 1 FROM documents WHERE namespace_row = ? AND document_id = ?"


def _copy(
    tx: Transaction, namespace: Namespace, collection: Collection, original: DocumentRow, renamed: dict[str, str]
) -> int:
    """How many vectors the document has."""
    vectors = load_vectors(tx.connection, original.document_row)
    if tx.one(_HAS, (namespace.namespace_row, original.document_id)) is None:
        document = document_at(tx, namespace, collection, original.document_id, _content(original, renamed))
        insert_document(tx, document, vectors)
        lineage.repair_descendants(tx, namespace, original.document_id)
    return len(vectors)


def _content(original: DocumentRow, renamed: dict[str, str]) -> RestoredDocument:
    internal: dict[str, Any] = msgspec.json.decode(original.internal)
    features = internal.get("features") or [{}]
    return RestoredDocument(
        body=original.body,
        derived=original.derived,
        internal=msgspec.json.encode({name: value for name, value in internal.items() if name not in DERIVED_MEMBERS}),
        blobs=original.blobs,
        lineage=_lineage(lineage.decode_sent(original.lineage_sent), renamed),
        first_extractor=features[0].get("feature_extractor_id"),
        created_at=original.created_at,
        updated_at=original.updated_at,
        vectors=[],
        indexes={},
    )


def _lineage(sent: LineageSent, renamed: dict[str, str]) -> LineageSent:
    source = sent.source_collection_id
    chain = sent.chain and [
        {**step, "collection_id": renamed.get(step["collection_id"], step["collection_id"])} for step in sent.chain
    ]
    return msgspec.structs.replace(
        sent, source_collection_id=None if source is None else renamed.get(source, source), chain=chain
    )


@handles(FinishClone, frees_space=True)
def finish_clone(tx: Transaction, command: FinishClone) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.target_row)
    note = namespace.body[CLONE] | {"status": command.status, "error": command.error, "resources": command.resources}
    tx.execute(
        "UPDATE namespaces SET body = ? WHERE namespace_row = ?",
        (msgspec.json.encode({**namespace.body, CLONE: note}), namespace.namespace_row),
    )
    tx.catalogue_changed()
    found = load_namespace(tx.connection, namespace.namespace_row)
    assert found is not None, "it was updated a moment ago"
    return asdict(found)
