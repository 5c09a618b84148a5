"""Changing who may see and change a document."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.kit.clock import to_text
from headwater.store.commands.base import Command, handles
from headwater.store.commands.documents import check_version, existing, outcome_of
from headwater.store.documents import lineage
from headwater.store.documents.acl import Acl, new_acl, require_owned
from headwater.store.documents.records import DocumentRow, update_document
from headwater.store.transaction import Transaction


class UpdateDocumentAcl(Command):
    """Set the members of the ACL that were sent; the others stay."""

    namespace_row: int
    collection_row: int
    document_id: str
    changes: Acl
    if_match: list[str] | None = None
    #: The end user on whose behalf it is done; None is a key of the organization.
    principal: str | None = None


@handles(UpdateDocumentAcl)
def update_document_acl(tx: Transaction, command: UpdateDocumentAcl) -> dict[str, Any]:
    """The outcome of ``create_document``. A frozen collection is no reason to keep a right from being taken away."""
    namespace = tx.namespace(command.namespace_row)
    document = existing(tx, command.namespace_row, command.collection_row, command.document_id)
    require_owned(document, command.document_id, command.principal)
    check_version(document, command.if_match)
    if command.changes:
        _set(tx, document, command.changes)
        # What children inherit depends on whether the parent may be seen by whoever named it.
        lineage.repair_descendants(tx, namespace, document.document_id)
    return outcome_of(document)


def _set(tx: Transaction, document: DocumentRow, changes: Acl) -> None:
    document.sequence, document.updated_at = tx.next_sequence(), tx.now
    internal = msgspec.json.decode(document.internal)
    internal["_acl"] = internal.get("_acl", new_acl()) | changes
    internal["updated_at"] = to_text(document.updated_at)
    document.internal = msgspec.json.encode(internal)
    update_document(tx, document)
