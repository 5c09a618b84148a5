"""Commands about namespaces: create and change. Deleting one is in ``purge``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from headwater.catalog.tables.namespaces import Namespace, load_namespace
from headwater.errors import AlreadyExistsError, NotFoundError
from headwater.store.commands.base import Command, handles
from headwater.store.fields.declared import ensure_declared
from headwater.store.transaction import Transaction


class CreateNamespace(Command):
    """Make a namespace. Its id may be chosen by the caller and is unique within the organization only.

    Answers the namespace's fields. Raises ``AlreadyExistsError`` when the id or the name is taken.
    """

    organization_id: str
    namespace_id: str
    namespace_name: str
    body: dict[str, Any]


class UpdateNamespace(Command):
    """Set ``changes`` in the body, rename, and append extractors that are not there yet. Answers its fields."""

    organization_id: str
    namespace_row: int
    namespace_name: str | None = None
    changes: dict[str, Any] = {}
    added_feature_extractors: list[dict[str, Any]] = []


@handles(CreateNamespace)
def create_namespace(tx: Transaction, command: CreateNamespace) -> dict[str, Any]:
    if tx.one("SELECT 1 FROM organizations WHERE organization_id = ?", (command.organization_id,)) is None:
        raise NotFoundError.of("organization", command.organization_id)
    _refuse_taken_id(tx, command.organization_id, command.namespace_id)
    _refuse_taken_name(tx, command.organization_id, command.namespace_name)
    namespace = Namespace(
        # Never a row used before: a command or a job that still names a deleted namespace must not reach this one.
        namespace_row=tx.next_sequence(),
        organization_id=command.organization_id,
        namespace_id=command.namespace_id,
        namespace_name=command.namespace_name,
        body=command.body,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.execute(
        "INSERT INTO namespaces (namespace_row, organization_id, namespace_id, namespace_name, state, body, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, 'active', ?, ?, ?)",
        (
            namespace.namespace_row,
            namespace.organization_id,
            namespace.namespace_id,
            namespace.namespace_name,
            msgspec.json.encode(namespace.body),
            tx.now,
            tx.now,
        ),
    )
    tx.catalogue_changed()
    return asdict(namespace)


def _refuse_taken_id(tx: Transaction, organization_id: str, namespace_id: str) -> None:
    # Ids and names share one space: requests say either, and an id found first would hide the namespace of that name.
    taken = tx.one(
        "SELECT 1 FROM namespaces WHERE organization_id = ?1 AND (namespace_id = ?2 OR namespace_name = ?2)"
        " AND state = 'active'",
        (organization_id, namespace_id),
    )
    if taken is not None:
        raise AlreadyExistsError(
            f"namespace id {namespace_id!r} is taken; choose another or leave it out",
            details={"resource": "namespace", "name": namespace_id},
            code="namespace_id_taken",
        )


def _refuse_taken_name(
    tx: Transaction, organization_id: str, namespace_name: str, *, except_row: int | None = None
) -> None:
    taken = tx.one(
        "SELECT 1 FROM namespaces WHERE organization_id = ?1 AND (namespace_name = ?2 OR namespace_id = ?2)"
        " AND state = 'active' AND namespace_row IS NOT ?3",
        (organization_id, namespace_name, except_row),
    )
    if taken is not None:
        raise AlreadyExistsError(
            f"namespace {namespace_name!r} exists already; choose another name",
            details={"resource": "namespace", "name": namespace_name},
            code="namespace_name_taken",
        )


def require_namespace(tx: Transaction, organization_id: str, namespace_row: int) -> Namespace:
    """The organization's active namespace with that row, or ``NotFoundError``."""
    namespace = load_namespace(tx.connection, namespace_row)
    if namespace is None or namespace.organization_id != organization_id:
        raise NotFoundError.of("namespace", str(namespace_row))
    return namespace


@handles(UpdateNamespace)
def update_namespace(tx: Transaction, command: UpdateNamespace) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    name = command.namespace_name or namespace.namespace_name
    _refuse_taken_name(tx, command.organization_id, name, except_row=namespace.namespace_row)
    body = namespace.body | command.changes
    body["feature_extractors"] = _appended(body.get("feature_extractors", []), command.added_feature_extractors)
    tx.execute(
        "UPDATE namespaces SET namespace_name = ?, body = ?, updated_at = ? WHERE namespace_row = ?",
        (name, msgspec.json.encode(body), tx.now, namespace.namespace_row),
    )
    tx.catalogue_changed()
    if "payload_indexes" in command.changes:
        ensure_declared(tx, tx.namespace(namespace.namespace_row))
    return asdict(namespace) | {"namespace_name": name, "body": body, "updated_at": tx.now}


def _appended(present: list[dict[str, Any]], added: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {extractor["feature_extractor_id"] for extractor in present}
    return [*present, *(extractor for extractor in added if extractor["feature_extractor_id"] not in known)]
