"""The paths that a namespace declares as its payload indexes, in each of its collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.collections import list_collections
from headwater.catalog.tables.namespaces import Namespace, load_namespace
from headwater.store.fields.paths import add_paths, drop_paths, enqueue_filling, load_paths
from headwater.store.text.indexes import declare_text, is_as_declared

if TYPE_CHECKING:
    from headwater.store.transaction import Transaction


def declared_names(namespace: Namespace) -> list[str]:
    return [index["field_name"] for index in namespace.body.get("payload_indexes") or []]


def ensure_declared(tx: Transaction, namespace: Namespace, *, rebuild: bool = False) -> dict[str, Any]:
    """Bring the collections' declared paths to what the namespace says: add what lacks, drop what is gone."""
    declared = declared_names(namespace)
    created: dict[str, None] = {}
    rebuilt: dict[str, None] = {}
    skipped: dict[str, None] = {}
    for collection in list_collections(tx.connection, namespace.namespace_row):
        row = collection.collection_row
        drop_paths(tx, row, set(_declared_before(tx, row)) - set(declared))
        if rebuild:
            rebuilt |= dict.fromkeys(drop_paths(tx, row, declared))
        filling = [path.path for path in load_paths(tx.connection, row) if not path.live]
        if filling:
            # Its job may have failed for good.
            enqueue_filling(tx, row)
        skipped |= dict.fromkeys(filling)
        created |= dict.fromkeys(add_paths(tx, row, declared, "declared"))
        _own(tx, row, declared)
        declare_text(tx, namespace, row, rebuild=rebuild)
    return {
        "ensured": declared,
        "created": [path for path in created if path not in rebuilt],
        "rebuilt": list(rebuilt),
        "skipped": list(skipped),
    }


def ensure_all_declared(tx: Transaction) -> None:
    """The same in every namespace that has something else. A version before the field index left all of them so."""
    for (namespace_row,) in fetch_all(tx.connection, "SELECT namespace_row FROM namespaces WHERE state = 'active'"):
        namespace = load_namespace(tx.connection, namespace_row)
        if namespace is None:
            continue
        declared = set(declared_names(namespace))
        collections = list_collections(tx.connection, namespace_row)
        if not all(_is_as_declared(tx, namespace, collection.collection_row, declared) for collection in collections):
            ensure_declared(tx, namespace)


def _is_as_declared(tx: Transaction, namespace: Namespace, collection_row: int, declared: set[str]) -> bool:
    return set(_declared_before(tx, collection_row)) == declared and is_as_declared(
        tx.connection, namespace, collection_row
    )


def declare_in(tx: Transaction, namespace: Namespace, collection_row: int) -> None:
    """Index in a new collection what its namespace declares."""
    add_paths(tx, collection_row, declared_names(namespace), "declared")
    declare_text(tx, namespace, collection_row)


def _declared_before(tx: Transaction, collection_row: int) -> list[str]:
    rows = tx.execute(
        "SELECT path FROM field_paths WHERE collection_row = ? AND origin = 'declared' AND state <> 'dropping'",
        (collection_row,),
    )
    return [row[0] for row in rows]


def _own(tx: Transaction, collection_row: int, declared: list[str]) -> None:
    """A path that was learned before it was declared is not to be counted among the learned ones."""
    for path in declared:
        tx.execute(
            "UPDATE field_paths SET origin = 'declared' WHERE collection_row = ? AND path = ? AND origin = 'learned'",
            (collection_row, path),
        )
