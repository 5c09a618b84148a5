"""Importing rows: each becomes a document or a sentence that says why not, apart from the others."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import HeadwaterError, ValidationError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import require_collection
from headwater.store.documents import write
from headwater.store.documents.acl import acl_of
from headwater.store.documents.content import DocumentContent
from headwater.store.documents.records import delete_document
from headwater.store.transaction import Transaction
from headwater.store.transfer.restore import RestoredDocument, existing_document, restore


class ImportItem(msgspec.Struct, array_like=True):
    """One row: a document that was exported, or the content of a new one."""

    row: int
    document_id: str
    restored: RestoredDocument | None
    content: DocumentContent | None
    #: The id was made from the content, so a document that has it is this one, stored before.
    id_made: bool = False


class ImportDocuments(Command):
    """Store the items, in place of documents that have their ids. Doing it again changes nothing.

    Answers ``{"imported", "errors": [[row, sentence], …]}``. Raises ``ConflictError`` for a frozen collection.
    """

    organization_id: str
    namespace_row: int
    collection_row: int
    items: list[ImportItem]
    #: Find out what would be refused, and store nothing.
    dry_run: bool = False


class _DryRunError(HeadwaterError):
    """Undoes what a dry run did."""


@handles(ImportDocuments)
def import_documents(tx: Transaction, command: ImportDocuments) -> dict[str, Any]:
    namespace = tx.namespace(command.namespace_row)
    require_collection(tx, command.organization_id, command.namespace_row, command.collection_row)
    write.require_writable(tx.collection(command.collection_row))
    errors: list[list[Any]] = []
    for item in command.items:
        try:
            with tx.part():
                # A row may have taught the collection an index.
                _store(tx, namespace, tx.collection(command.collection_row), item)
                if command.dry_run:
                    raise _DryRunError("nothing is stored")
        except _DryRunError:
            continue
        except HeadwaterError as error:
            errors.append([item.row, sentence(error)])
    return {"imported": len(command.items) - len(errors), "errors": errors}


def _store(tx: Transaction, namespace: Namespace, collection: Collection, item: ImportItem) -> None:
    if item.restored is not None:
        restore(tx, namespace, collection, item.document_id, item.restored)
        return
    assert item.content is not None, "an item has one or the other"
    existing = existing_document(tx, collection, item.document_id)
    if existing is not None:
        if item.id_made:
            return
        delete_document(tx, existing)
    acl = None if existing is None else acl_of(existing.internal)
    write.create(tx, namespace, collection, item.document_id, item.content, acl=acl)


def sentence(error: HeadwaterError) -> str:
    """What is wrong with a row, and where in it."""
    if not isinstance(error, ValidationError) or not error.details:
        return error.message
    first = error.details["validation_errors"][0]
    place = ".".join(str(step) for step in first["location"][1:])
    return f"{place}: {first['message']}" if place else str(first["message"])
