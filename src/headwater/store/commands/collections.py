"""Commands about collections: create, change, freeze. Deleting one is in ``purge``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from headwater import ids
from headwater.catalog.tables.collections import Collection, find_collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import AlreadyExistsError, ConflictError, NotFoundError
from headwater.kit.clock import to_text
from headwater.store.collections import sources
from headwater.store.collections.vector_indexes import declared_vectors
from headwater.store.commands.base import Command, handles
from headwater.store.commands.namespaces import require_namespace
from headwater.store.fields.declared import declare_in
from headwater.store.transaction import Transaction

#: The collection that upserts without a collection go to. It is made by the first one, and lists hide it.
SYSTEM_COLLECTION = "_direct_upsert"
PASSTHROUGH_EXTRACTOR = {
    "feature_extractor_name": "passthrough_extractor",
    "version": "v1",
    "feature_extractor_id": "passthrough_extractor_v1",
}


class CreateCollection(Command):
    """Make a collection of what the caller set; schemas, lineage and declared vectors are worked out here.

    Answers the collection's fields. Raises ``AlreadyExistsError`` for a name that is taken, ``NotFoundError`` for an
    unknown source collection, ``ConflictError`` for a source cycle.
    """

    organization_id: str
    namespace_row: int
    collection_id: str
    collection_name: str
    body: dict[str, Any]


class EnsureSystemCollection(Command):
    """Make ``_direct_upsert`` unless it is there. Answers the collection's fields."""

    organization_id: str
    namespace_row: int


class UpdateCollection(Command):
    """Set ``changes`` in the body and rename. Answers the collection's fields."""

    organization_id: str
    namespace_row: int
    collection_row: int
    collection_name: str | None = None
    changes: dict[str, Any] = {}


class SetLifecycle(Command):
    """``active`` or ``frozen``. The same state again changes nothing. Answers the collection's fields."""

    organization_id: str
    namespace_row: int
    collection_row: int
    lifecycle_state: str


def require_collection(tx: Transaction, organization_id: str, namespace_row: int, collection_row: int) -> Collection:
    """The active collection with that row in that namespace of that organization, or ``NotFoundError``."""
    require_namespace(tx, organization_id, namespace_row)
    collection = tx.collection(collection_row)
    if collection.namespace_row != namespace_row:
        raise NotFoundError.of("collection", collection.collection_id)
    return collection


def _refuse_taken_name(
    tx: Transaction, namespace_row: int, collection_name: str, *, except_row: int | None = None
) -> None:
    taken = tx.one(
        "SELECT 1 FROM collections WHERE namespace_row = ? AND collection_name = ? AND state = 'active'"
        " AND collection_row IS NOT ?",
        (namespace_row, collection_name, except_row),
    )
    reserved = collection_name == SYSTEM_COLLECTION and except_row is None
    if taken is not None or reserved:
        raise AlreadyExistsError(
            f"collection {collection_name!r} exists already in this namespace; choose another name",
            details={"resource": "collection", "name": collection_name},
            code="collection_name_taken",
        )


@handles(CreateCollection)
def create_collection(tx: Transaction, command: CreateCollection) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    _refuse_taken_name(tx, namespace.namespace_row, command.collection_name)
    body = _derive(tx, namespace, command.collection_name, command.body)
    return asdict(_insert(tx, namespace, command.collection_id, command.collection_name, body))


def _derive(tx: Transaction, namespace: Namespace, collection_name: str, body: dict[str, Any]) -> dict[str, Any]:
    upstream = sources.resolve_upstream(tx.connection, namespace.namespace_row, collection_name, body["source"])
    source = sources.normalised_source(body["source"], upstream)
    extractor = body["feature_extractor"]
    fields_in = sources.input_schema(body.get("input_schema"), upstream)
    fields_out = sources.output_schema(extractor, fields_in)
    return body | {
        "source": source,
        "input_schema": fields_in,
        "output_schema": fields_out,
        "source_lineage": sources.source_lineage(source, extractor, fields_out, upstream),
        "vectors": declared_vectors(namespace.body),
    }


def _insert(
    tx: Transaction, namespace: Namespace, collection_id: str, collection_name: str, body: dict[str, Any]
) -> Collection:
    collection = Collection(
        # Never a row used before: a command, a job or an index directory of a deleted collection must not reach it.
        collection_row=tx.next_sequence(),
        namespace_row=namespace.namespace_row,
        collection_id=collection_id,
        collection_name=collection_name,
        body=body,
        created_at=tx.now,
        updated_at=tx.now,
    )
    insert_row(tx, collection)
    tx.catalogue_changed()
    return collection


def insert_row(tx: Transaction, collection: Collection) -> None:
    """Write a new collection's row, and index in it what its namespace declares."""
    insert_collection(tx, collection)
    declare_in(tx, tx.namespace(collection.namespace_row), collection.collection_row)


def insert_collection(tx: Transaction, collection: Collection) -> None:
    """The row alone."""
    tx.execute(
        "INSERT INTO collections (collection_row, namespace_row, collection_id, collection_name, state, body,"
        " created_at, updated_at) VALUES (?, ?, ?, ?, 'active', ?, ?, ?)",
        (
            collection.collection_row,
            collection.namespace_row,
            collection.collection_id,
            collection.collection_name,
            msgspec.json.encode(collection.body),
            collection.created_at,
            collection.updated_at,
        ),
    )


@handles(EnsureSystemCollection)
def ensure_system_collection(tx: Transaction, command: EnsureSystemCollection) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    return asdict(system_collection(tx, namespace))


def system_collection(tx: Transaction, namespace: Namespace) -> Collection:
    """The namespace's ``_direct_upsert``, made now if nothing was upserted without a collection before."""
    found = find_collection(tx.connection, namespace.namespace_row, SYSTEM_COLLECTION)
    if found is not None:
        return found
    body = {
        "description": "Documents that were upserted without naming a collection",
        "source": {"type": "direct_upsert"},
        "feature_extractor": PASSTHROUGH_EXTRACTOR,
        "enabled": True,
        "system": True,
    }
    body = _derive(tx, namespace, SYSTEM_COLLECTION, body)
    return _insert(tx, namespace, ids.new_collection_id(), SYSTEM_COLLECTION, body)


@handles(UpdateCollection)
def update_collection(tx: Transaction, command: UpdateCollection) -> dict[str, Any]:
    collection = require_collection(tx, command.organization_id, command.namespace_row, command.collection_row)
    name = command.collection_name or collection.collection_name
    if name != collection.collection_name:
        _refuse_rename(collection)
        _refuse_taken_name(tx, collection.namespace_row, name)
    body = collection.body | command.changes
    if command.changes.get("enabled"):
        body.pop("disabled_reason", None)
    return _store(tx, collection, name, body)


def _refuse_rename(collection: Collection) -> None:
    if collection.body.get("system"):
        raise ConflictError(
            f"{collection.collection_name} is the namespace's system collection and keeps its name",
            details={"resource": "collection", "id": collection.collection_id},
            code="system_collection",
        )


def _store(tx: Transaction, collection: Collection, name: str, body: dict[str, Any]) -> dict[str, Any]:
    tx.execute(
        "UPDATE collections SET collection_name = ?, body = ?, updated_at = ? WHERE collection_row = ?",
        (name, msgspec.json.encode(body), tx.now, collection.collection_row),
    )
    tx.catalogue_changed()
    return asdict(collection) | {"collection_name": name, "body": body, "updated_at": tx.now}


@handles(SetLifecycle)
def set_lifecycle(tx: Transaction, command: SetLifecycle) -> dict[str, Any]:
    collection = require_collection(tx, command.organization_id, command.namespace_row, command.collection_row)
    if collection.lifecycle_state == command.lifecycle_state:
        return asdict(collection)
    change = {"lifecycle_state": command.lifecycle_state, "last_lifecycle_transition": to_text(tx.now)}
    return _store(tx, collection, collection.collection_name, collection.body | change)
