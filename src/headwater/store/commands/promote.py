"""Promoting a standalone namespace: from now on it is managed, with what it has and the indexes that are added."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection, list_collections
from headwater.errors import AlreadyExistsError, ConflictError
from headwater.store.collections.vector_indexes import declared_vectors
from headwater.store.commands.base import Command, handles
from headwater.store.commands.collections import PASSTHROUGH_EXTRACTOR
from headwater.store.commands.namespaces import UpdateNamespace, require_namespace, update_namespace
from headwater.store.transaction import Transaction


class PromoteNamespace(Command):
    """Make the namespace managed and declare the added vectors in it and in all its collections.

    Answers the namespace's fields. Raises ``ConflictError`` when it is managed already, ``AlreadyExistsError`` for a
    vector that it has.
    """

    organization_id: str
    namespace_row: int
    added: list[dict[str, Any]]


@handles(PromoteNamespace)
def promote_namespace(tx: Transaction, command: PromoteNamespace) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    if namespace.body.get("mode") != "standalone":
        raise ConflictError(
            f"namespace {namespace.namespace_name!r} is managed already",
            details={"namespace_id": namespace.namespace_id, "mode": namespace.body.get("mode")},
            code="namespace_managed",
        )
    for collection in list_collections(tx.connection, namespace.namespace_row):
        _declare(tx, collection, command.added)
    configs = [*(namespace.body.get("vector_configs") or ()), *command.added]
    update = UpdateNamespace(
        organization_id=command.organization_id,
        namespace_row=command.namespace_row,
        changes={"mode": "managed", "vector_configs": configs or None},
        added_feature_extractors=[PASSTHROUGH_EXTRACTOR],
    )
    changed: dict[str, Any] = update_namespace(tx, update)
    return changed


def _declare(tx: Transaction, collection: Collection, added: list[dict[str, Any]]) -> None:
    present: list[dict[str, Any]] = collection.body.get("vectors") or []
    names = {index["name"] for index in present}
    taken = [config["name"] for config in added if config["name"] in names]
    if taken:
        raise AlreadyExistsError(
            f"the collection {collection.collection_id} has a vector index {taken[0]!r} already; add another name",
            details={"resource": "vector_index", "name": taken[0]},
            code="vector_index_taken",
        )
    body = {**collection.body, "vectors": [*present, *declared_vectors({"vector_configs": added})]}
    tx.execute(
        "UPDATE collections SET body = ? WHERE collection_row = ?",
        (msgspec.json.encode(body), collection.collection_row),
    )
