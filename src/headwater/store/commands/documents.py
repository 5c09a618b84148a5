"""Commands on single documents: create, change, delete."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.errors import NotFoundError, PreconditionFailedError
from headwater.store.commands.base import Command, handles
from headwater.store.documents import idempotency, write
from headwater.store.documents.acl import require_writable
from headwater.store.documents.content import DocumentChanges, DocumentContent
from headwater.store.documents.records import (
    DocumentRow,
    claim_id,
    delete_document,
    load_by_collection,
    load_document,
    load_vectors,
)
from headwater.store.documents.render import PLAIN, RenderOptions, render_document, shadowed_names, with_storage_names
from headwater.store.transaction import Transaction
from headwater.vectors.interface import VectorData


class Idempotency(msgspec.Struct, array_like=True):
    """An ``Idempotency-Key``: ``scope`` is method and path, ``fingerprint`` the digest of the body."""

    organization_id: str
    scope: str
    key: str
    fingerprint: bytes


class CreateDocument(Command):
    namespace_row: int
    collection_row: int
    #: Given by the caller or made by the worker.
    document_id: str
    #: The caller chose the id, so it may be taken.
    id_given: bool
    content: DocumentContent
    options: RenderOptions = PLAIN
    idempotency: Idempotency | None = None
    #: The end user on whose behalf it is done, for the ACL; None is a key of the organization.
    principal: str | None = None


class UpdateDocument(Command):
    namespace_row: int
    #: None looks in all collections of the namespace.
    collection_row: int | None
    document_id: str
    changes: DocumentChanges
    options: RenderOptions = PLAIN
    #: Entity tags of ``If-Match``; ``*`` is any. None was not sent.
    if_match: list[str] | None = None
    principal: str | None = None


class DeleteDocument(Command):
    namespace_row: int
    collection_row: int
    document_id: str
    if_match: list[str] | None = None
    principal: str | None = None


@handles(CreateDocument)
def create_document(tx: Transaction, command: CreateDocument) -> dict[str, Any]:
    """``{"document", "document_id", "sequence", "collection_row"}``, and ``"replayed"`` if it was done before."""
    namespace = tx.namespace(command.namespace_row)
    collection = collection_of(tx, command.namespace_row, command.collection_row)
    key = command.idempotency
    if key is not None:
        answer = idempotency.replay(tx, key.organization_id, key.scope, key.key, key.fingerprint)
        if answer is not None:
            return {**msgspec.msgpack.decode(answer), "replayed": True}
    write.require_writable(collection)
    if command.id_given:
        claim_id(tx, command.namespace_row, command.document_id)
    document, vectors = write.create(tx, namespace, collection, command.document_id, command.content, command.principal)
    indexes = tx.collection(command.collection_row).body.get("vectors") or []
    outcome = outcome_of(document, with_storage_names(command.options, indexes), vectors)
    if key is not None:
        answer = msgspec.msgpack.encode(outcome)
        idempotency.remember(tx, key.organization_id, key.scope, key.key, key.fingerprint, answer)
    return outcome


@handles(UpdateDocument)
def update_document(tx: Transaction, command: UpdateDocument) -> dict[str, Any]:
    """The outcome of ``create_document``. A request that asks for nothing changes nothing, not even the sequence."""
    namespace = tx.namespace(command.namespace_row)
    document = existing(tx, command.namespace_row, command.collection_row, command.document_id)
    require_writable(document, command.document_id, command.principal)
    collection = collection_of(tx, command.namespace_row, document.collection_row)
    check_version(document, command.if_match)
    write.require_writable(collection)
    options, vectors = command.options, None
    if not command.changes.empty:
        vectors = write.change(tx, namespace, collection, document, command.changes, command.principal)
    if vectors is None and options.needs_vectors:
        vectors = load_vectors(tx.connection, document.document_row)
    if command.collection_row is not None:
        options = with_storage_names(options, tx.collection(document.collection_row).body.get("vectors") or [])
    return outcome_of(document, options, vectors or [])


@handles(DeleteDocument, frees_space=True)
def remove_document(tx: Transaction, command: DeleteDocument) -> None:
    """Children keep their lineage as it is."""
    document = existing(tx, command.namespace_row, command.collection_row, command.document_id)
    require_writable(document, command.document_id, command.principal)
    check_version(document, command.if_match)
    write.require_writable(collection_of(tx, command.namespace_row, document.collection_row))
    delete_document(tx, document)


def collection_of(tx: Transaction, namespace_row: int, collection_row: int) -> Collection:
    """The active collection of that namespace, or ``NotFoundError``."""
    collection = tx.collection(collection_row)
    if collection.namespace_row != namespace_row:
        raise NotFoundError.of("collection", str(collection_row))
    return collection


def existing(tx: Transaction, namespace_row: int, collection_row: int | None, document_id: str) -> DocumentRow:
    """The document in that collection, or in any of the namespace, or ``NotFoundError``."""
    if collection_row is None:
        document = load_document(tx.connection, namespace_row, document_id)
    else:
        document = load_by_collection(tx.connection, namespace_row, collection_row, document_id)
    if document is None:
        raise NotFoundError.of("document", document_id)
    return document


def check_version(document: DocumentRow, if_match: list[str] | None) -> None:
    """Raise ``PreconditionFailedError`` unless one of the entity tags is the document's."""
    if if_match is None or "*" in if_match or document.etag in if_match:
        return
    raise PreconditionFailedError(
        f"the document {document.document_id} has the version {document.etag}, not {', '.join(if_match)};"
        " read it again and repeat the change on it",
        details={"expected": if_match, "current": document.etag},
    )


def outcome_of(
    document: DocumentRow, options: RenderOptions = PLAIN, vectors: list[VectorData] | None = None
) -> dict[str, Any]:
    """What a worker gets back; ``document`` is the answer's JSON, ``shadowed`` the user fields that it hides."""
    outcome = {
        "document": render_document(document, options, vectors or []),
        "document_id": document.document_id,
        "sequence": document.sequence,
        "collection_row": document.collection_row,
    }
    if shadowed := shadowed_names(document, options, vectors or []):
        outcome["shadowed"] = shadowed
    return outcome
