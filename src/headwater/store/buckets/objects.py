"""Creating, changing and removing objects inside the writer's transaction.

An object is a row of ``documents``. Its body is what clients see of it; what they never see is in ``_internal``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import apsw
import msgspec

from headwater.catalog.tables.buckets import Bucket
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import AlreadyExistsError, NotFoundError, ValidationError
from headwater.kit.clock import to_text
from headwater.store.blobs.uses import add_blobs, require_stored
from headwater.store.buckets import stats
from headwater.store.buckets.content import NewBlob, ObjectChanges, ObjectContent
from headwater.store.buckets.keys import Kind, add_key, content_digest, drop_keys, find_object, idempotency_digest
from headwater.store.buckets.unique_key import Policy, chosen_policy, key_digest
from headwater.store.buckets.values import checked_defaults
from headwater.store.documents.records import (
    COLUMNS,
    DOCUMENTS,
    DocumentRow,
    delete_document,
    document_of,
    insert_document,
    load_by_collection,
    load_by_row,
    new_document,
    update_document,
)
from headwater.store.transaction import Transaction

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode
ReplayedBy = Literal["idempotency_key", "skip_duplicates"]


class Target(NamedTuple):
    """Where an object goes."""

    namespace: Namespace
    bucket: Bucket


class Written(NamedTuple):
    """The object, and what it was found by if it was there already and is unchanged."""

    row: DocumentRow
    replayed_by: ReplayedBy | None = None


def create(
    tx: Transaction, target: Target, object_id: str, content: ObjectContent, policy: Policy | None = None
) -> Written:
    """Store a new object, or do what the idempotency key, the policy or ``skip_duplicates`` say instead."""
    bucket = target.bucket
    replayed = _replayed(tx, bucket, content)
    if replayed is not None:
        return replayed
    unique = key_digest(bucket, _with_values(content.fields, content.blobs))
    if unique is not None:
        existing = _by_policy(tx, bucket, unique, chosen_policy(bucket, policy))
        if existing is not None:
            return Written(_update_in_place(tx, target, existing, content))
    if content.skip_duplicates:
        row = _find(tx, bucket, "content", content_digest(_shown(content.blobs)))
        if row is not None:
            return Written(row, "skip_duplicates")
    return Written(_insert(tx, target, object_id, content, unique))


def _replayed(tx: Transaction, bucket: Bucket, content: ObjectContent) -> Written | None:
    if content.idempotency_key is None:
        return None
    row = _find(tx, bucket, "idempotency", idempotency_digest(content.idempotency_key))
    return None if row is None else Written(row, "idempotency_key")


def _by_policy(tx: Transaction, bucket: Bucket, unique: bytes, policy: Policy) -> DocumentRow | None:
    """The object to update in the place of a new one."""
    existing = _find(tx, bucket, "unique", unique)
    if existing is None and policy == "update":
        raise NotFoundError(
            f"bucket {bucket.bucket_name!r} has no object with this unique key; create it with policy insert or upsert",
            details={"resource": "object", "unique_key": bucket.key_fields},
            code="object_not_found",
        )
    if existing is not None and policy == "insert":
        raise AlreadyExistsError(
            f"bucket {bucket.bucket_name!r} has an object with this unique key; update it, or send policy upsert",
            details={"resource": "object", "existing_object_id": existing.document_id},
            code="unique_key_taken",
        )
    return existing


def _find(tx: Transaction, bucket: Bucket, kind: Kind, digest: bytes | None) -> DocumentRow | None:
    """The bucket's object with that key."""
    row = None if digest is None else find_object(tx, bucket.bucket_row, kind, digest)
    return None if row is None else load_by_row(tx.connection, bucket.bucket_row, row)


def is_hidden(members: Mapping[str, Any]) -> bool:
    """Whether the object was soft-deleted."""
    return bool(members["lifecycle_state"] != "active")


def _shown(blobs: Iterable[NewBlob]) -> list[dict[str, Any]]:
    return [blob.shown() for blob in blobs]


def _insert(
    tx: Transaction, target: Target, object_id: str, content: ObjectContent, unique: bytes | None
) -> DocumentRow:
    bucket = target.bucket
    defaults = checked_defaults(bucket.properties, content.fields, content.blobs)
    members = _members(tx, bucket, object_id, content) | defaults
    row = new_document(tx, bucket.objects_row, bucket.bucket_row, bucket.bucket_id, object_id)
    _fill(tx, target, row, members, content)
    insert_document(tx, row, [])
    add_key(tx, bucket.bucket_row, "unique", unique, row.document_row)
    add_key(tx, bucket.bucket_row, "content", content_digest(members["blobs"]), row.document_row)
    if content.idempotency_key is not None:
        digest = idempotency_digest(content.idempotency_key)
        add_key(tx, bucket.bucket_row, "idempotency", digest, row.document_row)
    stats.note_upload(tx, bucket.bucket_row, size_of(members["blobs"]))
    return row


def _members(tx: Transaction, bucket: Bucket, object_id: str, content: ObjectContent) -> dict[str, Any]:
    now = to_text(tx.now)
    found: dict[str, Any] = {"object_id": object_id, "bucket_id": bucket.bucket_id}
    if content.key_prefix is not None:
        found["key_prefix"] = content.key_prefix
    found |= {
        "status": "PENDING",
        "lifecycle_state": "active",
        "blobs": _shown(content.blobs),
        "source_details": [{"type": "bucket", "source_id": bucket.bucket_id}],
        "created_at": now,
        "updated_at": now,
    }
    if content.edges is not None:
        found["edges"] = content.edges
    return found | content.fields


def _fill(tx: Transaction, target: Target, row: DocumentRow, members: dict[str, Any], content: ObjectContent) -> None:
    """Set what the row stores. Writing it records which bytes it refers to, so these must be there."""
    namespace = target.namespace
    row.body = _encode(members)
    row.internal = _encode({"internal_id": namespace.organization_id, "namespace_id": namespace.namespace_id})
    add_blobs(tx, namespace.namespace_row, content.stored)
    for blob in content.blobs:
        if blob.blob_key is not None:
            require_stored(tx, namespace.namespace_row, blob.blob_key)


def size_of(blobs: Iterable[Mapping[str, Any]]) -> int:
    """The bytes that we keep of the blobs of an object: of those that are elsewhere the size is not known."""
    return sum(blob["details"].get("size_bytes", 0) for blob in blobs)


def _update_in_place(tx: Transaction, target: Target, row: DocumentRow, content: ObjectContent) -> DocumentRow:
    """Put new content over an object with the same unique key: its fields are merged, a blob takes the place of those
    of the same property, and the object is to be processed again."""
    members = _decode(row.body)
    before = size_of(members["blobs"])
    replaced = {blob.property_name for blob in content.blobs}
    kept = [blob for blob in members["blobs"] if blob["property"] not in replaced]
    members |= content.fields | {"blobs": [*kept, *_shown(content.blobs)], "status": "PENDING"}
    for name in ("key_prefix", "edges"):
        if (value := getattr(content, name)) is not None:
            members[name] = value
    _fill(tx, target, row, members, content)
    _store_changed(tx, target.bucket, row, members)
    drop_keys(tx, row.document_row, "content")
    if not is_hidden(members):
        add_key(tx, target.bucket.bucket_row, "content", content_digest(members["blobs"]), row.document_row)
    stats.note_upload(tx, target.bucket.bucket_row, size_of(members["blobs"]) - before)
    return row


def _store_changed(tx: Transaction, bucket: Bucket, row: DocumentRow, members: dict[str, Any]) -> None:
    """Check the changed members against the schema and write them under a new version."""
    members |= checked_defaults(bucket.properties, members, _blobs_of(members))
    members["updated_at"] = to_text(tx.now)
    row.body = _encode(members)
    row.sequence, row.updated_at = tx.next_sequence(), tx.now
    update_document(tx, row)


def _blobs_of(members: dict[str, Any]) -> list[NewBlob]:
    return [
        NewBlob(blob["blob_id"], blob["property"], blob["type"], value=blob["properties"].get("value"))
        for blob in members["blobs"]
    ]


def change(tx: Transaction, target: Target, row: DocumentRow, changes: ObjectChanges) -> None:
    """A PUT or PATCH. Nothing of the object's processing moves."""
    if changes.empty:
        return
    members = _decode(row.body)
    blobs = _blobs_of(members)
    before = key_digest(target.bucket, _with_values(members, blobs))
    _apply(members, changes)
    if key_digest(target.bucket, _with_values(members, blobs)) != before:
        raise _fixed(target.bucket)
    _store_changed(tx, target.bucket, row, members)


def _with_values(members: Mapping[str, Any], blobs: Iterable[NewBlob]) -> dict[str, Any]:
    """The members, under those values that came as blobs."""
    return {**members, **{blob.property_name: blob.value for blob in blobs if blob.value is not None}}


def _apply(members: dict[str, Any], changes: ObjectChanges) -> None:
    nested = members.get("metadata")
    for name, value in changes.metadata.items():
        _set(nested if isinstance(nested, dict) and name in nested else members, name, value)
    for name, value in changes.fields.items():
        _set(members, name, value)
    if changes.key_prefix is not None:
        members["key_prefix"] = changes.key_prefix


def _set(members: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        members.pop(name, None)
    else:
        members[name] = value


def _fixed(bucket: Bucket) -> ValidationError:
    names = ", ".join(bucket.key_fields)
    message = f"{names} make up the unique key of the bucket, so they never change; create another object instead"
    return ValidationError.at(["body", bucket.key_fields[0]], message, "unique_key", code="unique_key_fixed")


_OF_NAMESPACE = (
    f"SELECT {COLUMNS} FROM {DOCUMENTS} WHERE d.document_id = ?"
    " AND d.namespace_row = (SELECT objects_row FROM namespaces WHERE namespace_row = ?)"
)


def object_of_namespace(connection: apsw.Connection, namespace_row: int, object_id: str) -> DocumentRow | None:
    """The object with that id in whichever bucket of the namespace."""
    row = connection.execute(_OF_NAMESPACE, (object_id, namespace_row)).fetchone()
    return None if row is None else document_of(row)


def existing(tx: Transaction, bucket: Bucket, object_id: str) -> DocumentRow:
    """The bucket's object with that id, or ``NotFoundError``."""
    row = load_by_collection(tx.connection, bucket.objects_row, bucket.bucket_row, object_id)
    if row is None:
        raise NotFoundError.of("object", object_id)
    return row


def remove(tx: Transaction, bucket: Bucket, row: DocumentRow) -> None:
    """Remove the object, its keys, and its claim to its bytes."""
    members = _decode(row.body)
    stats.note_removed(tx, bucket.bucket_row, size_of(members["blobs"]), int(is_hidden(members)))
    drop_keys(tx, row.document_row)
    delete_document(tx, row)


def hide(tx: Transaction, target: Target, object_id: str, state: str, note: dict[str, str]) -> bool:
    """Soft-delete the object, if there is one that is not yet."""
    bucket = target.bucket
    row = load_by_collection(tx.connection, bucket.objects_row, bucket.bucket_row, object_id)
    members = {} if row is None else _decode(row.body)
    if row is None or is_hidden(members):
        return False
    members |= {"lifecycle_state": state, "updated_at": to_text(tx.now)}
    internal = _decode(row.internal) | {"soft_deleted": note | {"at": to_text(tx.now)}}
    row.body, row.internal = _encode(members), _encode(internal)
    row.sequence, row.updated_at = tx.next_sequence(), tx.now
    update_document(tx, row)
    # It stands for no new object with the same files; its other keys stay taken.
    drop_keys(tx, row.document_row, "content")
    stats.note_hidden(tx, bucket.bucket_row, 1)
    return True
