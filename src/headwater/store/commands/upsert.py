"""Upserting documents that bring their own vectors: up to a thousand, all or nothing."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import ConflictError, ValidationError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import require_collection, system_collection
from headwater.store.commands.documents import Idempotency
from headwater.store.commands.namespaces import require_namespace
from headwater.store.documents import idempotency, write
from headwater.store.documents.batch_write import BatchItem, BatchWriter
from headwater.store.documents.naming import name_plain_vectors
from headwater.store.documents.vector_forms import Location, SentVector
from headwater.store.transaction import Transaction
from headwater.vectors.interface import VectorData

_encode = msgspec.json.Encoder().encode


class UpsertDocuments(Command):
    """Insert the items, or replace the documents that have their ids."""

    organization_id: str
    namespace_row: int
    #: None is ``_direct_upsert``, which is made on demand.
    collection_row: int | None
    items: list[BatchItem]
    #: One vector of each name, kind and width that occur, without its data, located where it occurs first.
    shapes: list[SentVector]
    #: Whether unknown vector names make indexes instead of an error.
    learn_names: bool
    #: Names that were left out of payloads, by document id; for the answer.
    dropped: dict[str, list[str]]
    #: ``schema_key`` of the collection as the items were checked against it.
    schema_key: bytes | None = None
    write_token: bool = False
    idempotency: Idempotency | None = None
    #: The end user on whose behalf it is done, for the ACLs; None is a key of the organization.
    principal: str | None = None


def schema_key(collection_body: dict[str, Any]) -> bytes | None:
    """Equal for collections that check documents alike; None for those that do not check."""
    mode, schema = collection_body.get("schema_validation", "off"), collection_body.get("document_schema")
    return None if mode == "off" or not schema else _encode([mode, schema])


@handles(UpsertDocuments)
def upsert_documents(tx: Transaction, command: UpsertDocuments) -> dict[str, Any]:
    """``{"answer": JSON of the whole answer, "collection_row"}``."""
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    key = command.idempotency
    if key is not None:
        answer = idempotency.replay(tx, key.organization_id, key.scope, key.key, key.fingerprint)
        if answer is not None:
            return {"answer": answer}
    collection = _writable_collection(tx, namespace, command)
    _name_vectors(tx, collection, command)
    BatchWriter(tx, namespace, collection, command.items, command.principal).write()
    answer = _answer(tx, collection, command)
    if key is not None:
        idempotency.remember(tx, key.organization_id, key.scope, key.key, key.fingerprint, answer)
    return {"answer": answer, "collection_row": collection.collection_row}


def _writable_collection(tx: Transaction, namespace: Namespace, command: UpsertDocuments) -> Collection:
    if command.collection_row is None:
        collection = system_collection(tx, namespace)
    else:
        row = command.collection_row
        collection = require_collection(tx, command.organization_id, namespace.namespace_row, row)
    write.require_writable(collection)
    if schema_key(collection.body) != command.schema_key:
        raise ConflictError(
            f"the document_schema of {collection.collection_id} changed meanwhile; nothing was stored, repeat it",
            details={"collection_id": collection.collection_id},
            code="document_schema_changed",
        )
    return collection


def _name_vectors(tx: Transaction, collection: Collection, command: UpsertDocuments) -> None:
    """Check each shape once instead of each vector, and give all vectors their storage names."""
    indexes = collection.body.get("vectors") or []
    naming = name_plain_vectors(indexes, command.shapes, learn=command.learn_names)
    names = {str(shape.key): name for shape, name in zip(command.shapes, naming.names, strict=True)}
    if any(sent != name for sent, name in names.items()):
        for number, item in enumerate(command.items):
            item.vectors = _renamed(item.vectors, names, ["body", "documents", number, "vectors"])
    if naming.learned:
        write.learn_indexes(tx, collection, indexes, naming.learned, command.shapes[0])


def _renamed(vectors: list[VectorData], names: dict[str, str], location: Location) -> list[VectorData]:
    renamed = {names[vector.name]: msgspec.structs.replace(vector, name=names[vector.name]) for vector in vectors}
    if len(renamed) < len(vectors):
        raise ValidationError.at(
            location,
            f"two of the vectors {', '.join(vector.name for vector in vectors)} belong to the same index;"
            " a document has one vector per index",
            "vector_duplicate",
        )
    return list(renamed.values())


def _answer(tx: Transaction, collection: Collection, command: UpsertDocuments) -> bytes:
    token = f"wt_{tx.sequence}" if command.write_token else None
    return _encode(
        {
            "inserted": len(command.items),
            "document_ids": [item.document_id for item in command.items],
            "write_token": token,
            "dropped_payload_fields": command.dropped,
            "unsearchable_document_ids": _unsearchable(collection, command.items),
            # The answer comes after the index has the vectors, so there is nothing to wait or to ask for.
            "consistency": {
                "retriever_visible": "eventual",
                "recommended_header": "X-Write-Token" if token else None,
                "write_token_available": token is not None,
                "expected_visible_within_ms": 0,
                "poll": None,
                "next_actions": None,
            },
            "warnings": _warnings(command.dropped),
        }
    )


def _unsearchable(collection: Collection, items: list[BatchItem]) -> list[str]:
    """Documents without a vector for any index that the namespace declared, or without any vector."""
    declared = {index["name"] for index in collection.body.get("vectors") or [] if index.get("declared")}
    return [
        item.document_id
        for item in items
        if not item.vectors or (declared and not any(vector.name in declared for vector in item.vectors))
    ]


def _warnings(dropped: dict[str, list[str]]) -> list[str]:
    if not dropped:
        return []
    names = sorted({name for each in dropped.values() for name in each})
    return [f"reserved names were left out of payloads: {', '.join(names)}; rename them or nest them in `metadata`"]
