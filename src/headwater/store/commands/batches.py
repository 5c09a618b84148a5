"""Commands on many documents that are named one by one. Each document is changed or not, apart from the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from headwater.errors import HeadwaterError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.documents import collection_of
from headwater.store.documents import write
from headwater.store.documents.acl import require_writable
from headwater.store.documents.records import DocumentRow, delete_document, load_by_collection
from headwater.store.documents.update_data import FieldUpdate
from headwater.store.transaction import Transaction


class DocumentUpdate(msgspec.Struct, array_like=True):
    document_id: str
    update: FieldUpdate


class UpdateDocuments(Command):
    """Apply the updates in their order. Answers ``{"errors"}``: a sentence for each that failed, None for the others.

    Raises ``ConflictError`` for a frozen collection.
    """

    namespace_row: int
    collection_row: int
    updates: list[DocumentUpdate]
    #: The end user that the key stands for; None is a key of the organization.
    principal: str | None = None


class DeleteDocuments(Command):
    """Delete the documents. Answers and raises like ``UpdateDocuments``."""

    namespace_row: int
    collection_row: int
    document_ids: list[str]
    principal: str | None = None


@handles(UpdateDocuments)
def update_documents(tx: Transaction, command: UpdateDocuments) -> dict[str, Any]:
    namespace = tx.namespace(command.namespace_row)
    collection = collection_of(tx, command.namespace_row, command.collection_row)
    write.require_writable(collection)

    def step(item: DocumentUpdate) -> None:
        document = _writable(tx, command, item.document_id)
        write.change_fields(tx, namespace, collection, document, item.update, command.principal)

    return {"errors": [_attempt(tx, step, item) for item in command.updates]}


@handles(DeleteDocuments, frees_space=True)
def delete_documents(tx: Transaction, command: DeleteDocuments) -> dict[str, Any]:
    write.require_writable(collection_of(tx, command.namespace_row, command.collection_row))

    def step(document_id: str) -> None:
        delete_document(tx, _writable(tx, command, document_id))

    return {"errors": [_attempt(tx, step, document_id) for document_id in command.document_ids]}


def _writable(tx: Transaction, command: UpdateDocuments | DeleteDocuments, document_id: str) -> DocumentRow:
    document = load_by_collection(tx.connection, command.namespace_row, command.collection_row, document_id)
    return require_writable(document, document_id, command.principal)


def _attempt(tx: Transaction, step: Callable[[Any], None], item: Any) -> str | None:
    """Why the step failed, and then nothing of it is stored; None when it is done."""
    try:
        with tx.part():
            step(item)
    except HeadwaterError as error:
        return error.message
    return None
