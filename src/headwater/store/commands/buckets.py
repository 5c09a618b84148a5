"""Commands about buckets: create, change, delete."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from headwater.catalog.tables.buckets import Bucket, bucket_of
from headwater.catalog.tables.collections import Collection
from headwater.errors import AlreadyExistsError, ConflictError, ValidationError
from headwater.store.buckets import stats
from headwater.store.buckets.companion import objects_row_of, require_bucket
from headwater.store.buckets.schema import breaking_changes
from headwater.store.buckets.unique_key import check_unique_key
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import insert_collection
from headwater.store.commands.namespaces import require_namespace
from headwater.store.commands.purge import count_rows, hide_collection, purge_key
from headwater.store.transaction import Transaction

#: Removes a deleted bucket; the kind of its job and task.
DELETE_BUCKET = "buckets.purge"


class CreateBucket(Command):
    """Make a bucket of what the caller set. Answers its fields. ``AlreadyExistsError`` for a name that is taken."""

    organization_id: str
    namespace_row: int
    bucket_id: str
    bucket_name: str
    body: dict[str, Any]


class UpdateBucket(Command):
    """Set ``changes`` in the body and rename. Answers the bucket's fields.

    ``ConflictError`` for a schema that objects may contradict, unless ``force_schema_break``.
    """

    organization_id: str
    namespace_row: int
    bucket_row: int
    bucket_name: str | None = None
    changes: dict[str, Any] = {}
    #: The one thing of a unique key that may change; its fields must be those that it has.
    unique_key: dict[str, Any] | None = None
    force_schema_break: bool = False


class DeleteBucket(Command):
    """Hide a bucket with its objects and have a job remove them. Answers ``{"task_id", "object_count"}``."""

    organization_id: str
    namespace_row: int
    bucket_row: int


@handles(CreateBucket)
def create_bucket(tx: Transaction, command: CreateBucket) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    objects_row = objects_row_of(tx, namespace)
    _refuse_taken_name(tx, objects_row, command.bucket_name)
    collection = Collection(
        # Never a row used before, as for collections.
        collection_row=tx.next_sequence(),
        namespace_row=objects_row,
        collection_id=command.bucket_id,
        collection_name=command.bucket_name,
        body=command.body,
        created_at=tx.now,
        updated_at=tx.now,
    )
    insert_collection(tx, collection)
    stats.begin(tx, collection.collection_row)
    tx.catalogue_changed()
    return asdict(bucket_of(collection))


def _refuse_taken_name(tx: Transaction, objects_row: int, bucket_name: str, *, except_row: int | None = None) -> None:
    taken = tx.one(
        "SELECT 1 FROM collections WHERE namespace_row = ? AND collection_name = ? AND state = 'active'"
        " AND collection_row IS NOT ?",
        (objects_row, bucket_name, except_row),
    )
    if taken is not None:
        raise AlreadyExistsError(
            f"bucket {bucket_name!r} exists already in this namespace; choose another name",
            details={"resource": "bucket", "name": bucket_name},
            code="bucket_name_taken",
        )


@handles(UpdateBucket)
def update_bucket(tx: Transaction, command: UpdateBucket) -> dict[str, Any]:
    _, bucket = require_bucket(tx, command.organization_id, command.namespace_row, command.bucket_row)
    name = command.bucket_name or bucket.bucket_name
    _refuse_taken_name(tx, bucket.objects_row, name, except_row=bucket.bucket_row)
    body = bucket.body | command.changes
    if "bucket_schema" in command.changes:
        _check_schema(bucket, body["bucket_schema"], force=command.force_schema_break)
    if command.unique_key is not None:
        body["unique_key"] = _changed_key(bucket, command.unique_key)
    tx.execute(
        "UPDATE collections SET collection_name = ?, body = ?, updated_at = ? WHERE collection_row = ?",
        (name, msgspec.json.encode(body), tx.now, bucket.bucket_row),
    )
    tx.catalogue_changed()
    return asdict(bucket) | {"bucket_name": name, "body": body, "updated_at": tx.now}


def _check_schema(bucket: Bucket, schema: dict[str, Any], *, force: bool) -> None:
    check_unique_key(bucket.key_fields, schema["properties"], ["body", "unique_key"])
    broken = breaking_changes(bucket.body["bucket_schema"], schema)
    if broken and not force:
        shown = "; ".join(broken[:10])
        raise ConflictError(
            f"objects of bucket {bucket.bucket_name!r} may not fit the new schema: {shown}; send"
            " force_schema_break=true to change it all the same",
            details={"bucket_id": bucket.bucket_id, "breaking_changes": broken[:100]},
            code="schema_break",
        )


def _changed_key(bucket: Bucket, unique_key: dict[str, Any]) -> dict[str, Any]:
    if sorted(unique_key["fields"]) != sorted(bucket.key_fields):
        has = ", ".join(bucket.key_fields) or "none"
        message = f"the fields of a unique key are fixed when the bucket is made: it has {has}"
        raise ValidationError.at(["body", "unique_key", "fields"], message, "unique_key", code="unique_key_fixed")
    kept: dict[str, Any] = bucket.body["unique_key"]
    return kept | {"default_policy": unique_key.get("default_policy")}


@handles(DeleteBucket, frees_space=True)
def delete_bucket(tx: Transaction, command: DeleteBucket) -> dict[str, Any]:
    _, bucket = require_bucket(tx, command.organization_id, command.namespace_row, command.bucket_row)
    count = count_rows(tx, bucket.bucket_row)
    hide_collection(tx, bucket.bucket_row)
    tx.catalogue_changed()
    task_id = tx.enqueue(
        DELETE_BUCKET,
        {"collection_row": bucket.bucket_row, "bucket_id": bucket.bucket_id},
        organization_id=command.organization_id,
        namespace_row=command.namespace_row,
        unique_key=purge_key(bucket.bucket_row),
    )
    return {"task_id": task_id, "object_count": count}
