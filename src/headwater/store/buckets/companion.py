"""The companion of a namespace: where its buckets and objects are, out of sight of everything about documents.

Its rows are found by the ``objects_row`` of the namespace only. So collections, documents and the routes over them
never meet a bucket or an object, and ids of the two kinds never clash.
"""

from __future__ import annotations

from headwater.catalog.tables.buckets import Bucket, bucket_of
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import NotFoundError
from headwater.store.transaction import Transaction


def objects_row_of(tx: Transaction, namespace: Namespace) -> int:
    """The row of the namespace's companion, made now for its first bucket."""
    if namespace.objects_row is not None:
        return namespace.objects_row
    row = tx.next_sequence()
    tx.execute(
        "INSERT INTO namespaces (namespace_row, organization_id, namespace_id, namespace_name, state, body, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, 'companion', '{}', ?, ?)",
        (row, namespace.organization_id, namespace.namespace_id, namespace.namespace_name, tx.now, tx.now),
    )
    tx.execute("UPDATE namespaces SET objects_row = ? WHERE namespace_row = ?", (row, namespace.namespace_row))
    tx.catalogue_changed()
    return row


def require_bucket(
    tx: Transaction, organization_id: str, namespace_row: int, bucket_row: int
) -> tuple[Namespace, Bucket]:
    """The active bucket with that row in that namespace of that organization, or ``NotFoundError``."""
    namespace = tx.namespace(namespace_row)
    try:
        found = tx.collection(bucket_row)
    except NotFoundError as error:
        raise _not_found(bucket_row) from error
    if namespace.organization_id != organization_id or found.namespace_row != namespace.objects_row:
        raise _not_found(bucket_row)
    return namespace, bucket_of(found)


def _not_found(bucket_row: int) -> NotFoundError:
    # It was there when the worker looked, and has been deleted since.
    return NotFoundError.of("bucket", str(bucket_row))
