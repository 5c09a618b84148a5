"""Commands on objects: create one or many, change, delete, hide."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import HeadwaterError, to_wire
from headwater.store.buckets import objects
from headwater.store.buckets.companion import require_bucket
from headwater.store.buckets.content import ObjectChanges, ObjectContent
from headwater.store.buckets.objects import Target, Written
from headwater.store.buckets.unique_key import Policy
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction


class _OfBucket(Command):
    organization_id: str
    namespace_row: int
    bucket_row: int


class CreateObject(_OfBucket):
    """Store an object whose bytes are stored. ``policy`` is for a bucket with a unique key."""

    object_id: str
    content: ObjectContent
    policy: Policy | None = None


class NewObject(msgspec.Struct, array_like=True):
    object_id: str
    content: ObjectContent


class CreateObjects(_OfBucket):
    """Store several objects of a bucket without a unique key, each whether the others can be stored or not."""

    objects: list[NewObject]


class SoftDeleteObjects(_OfBucket):
    """Take objects out of lists for good, and keep them. Ids that name nothing are passed over."""

    object_ids: list[str]
    lifecycle_state: str
    #: Why and by whom: kept with each object.
    reason: str
    source: str


class UpdateObject(_OfBucket):
    object_id: str
    changes: ObjectChanges


class DeleteObject(_OfBucket):
    object_id: str


@handles(CreateObject)
def create_object(tx: Transaction, command: CreateObject) -> dict[str, Any]:
    """``{"document", "object_id", "replayed_by"}``; ``document`` is the object's JSON."""
    target = target_of(tx, command)
    return outcome_of(objects.create(tx, target, command.object_id, command.content, command.policy))


@handles(CreateObjects)
def create_objects(tx: Transaction, command: CreateObjects) -> dict[str, Any]:
    """``{"document", "rows"}``: for each object its JSON, None for one that was refused, and the rest of the outcome of
    ``create_object``, or ``{"error"}`` as it crosses between processes."""
    target = target_of(tx, command)
    rows = [_created(tx, target, item) for item in command.objects]
    return {"document": [row.pop("document", None) for row in rows], "rows": rows}


def _created(tx: Transaction, target: Target, item: NewObject) -> dict[str, Any]:
    try:
        with tx.part():
            return outcome_of(objects.create(tx, target, item.object_id, item.content))
    except HeadwaterError as error:
        return {"error": to_wire(error)}


@handles(SoftDeleteObjects)
def soft_delete_objects(tx: Transaction, command: SoftDeleteObjects) -> dict[str, Any]:
    """``{"soft_deleted"}``: how many were not hidden before."""
    target = target_of(tx, command)
    note = {"reason": command.reason, "source": command.source}
    ids = dict.fromkeys(command.object_ids)
    return {"soft_deleted": sum(objects.hide(tx, target, each, command.lifecycle_state, note) for each in ids)}


@handles(UpdateObject)
def update_object(tx: Transaction, command: UpdateObject) -> dict[str, Any]:
    """The outcome of ``create_object``."""
    target = target_of(tx, command)
    row = objects.existing(tx, target.bucket, command.object_id)
    objects.change(tx, target, row, command.changes)
    return outcome_of(Written(row))


@handles(DeleteObject, frees_space=True)
def delete_object(tx: Transaction, command: DeleteObject) -> None:
    """Documents that were made of it stay."""
    target = target_of(tx, command)
    objects.remove(tx, target.bucket, objects.existing(tx, target.bucket, command.object_id))


def target_of(tx: Transaction, command: _OfBucket) -> Target:
    return Target(*require_bucket(tx, command.organization_id, command.namespace_row, command.bucket_row))


def outcome_of(written: Written) -> dict[str, Any]:
    """What a worker gets back. It reads the ``document`` itself when the answer was lost on the way."""
    return {
        "document": written.row.body,
        "object_id": written.row.document_id,
        "replayed_by": written.replayed_by,
    }
