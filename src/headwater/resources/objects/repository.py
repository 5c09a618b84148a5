"""Every query about single objects. Bucket or namespace is part of each."""

from __future__ import annotations

import apsw

from headwater.catalog.tables.buckets import Bucket
from headwater.errors import NotFoundError
from headwater.store.documents.records import DOCUMENTS, DocumentRow, load_by_collection
from headwater.store.find import Budget


def get_object(connection: apsw.Connection, bucket: Bucket, object_id: str) -> DocumentRow:
    """The bucket's object with that id, or ``NotFoundError``."""
    row = load_by_collection(connection, bucket.objects_row, bucket.bucket_row, object_id)
    if row is None:
        raise NotFoundError.of("object", object_id)
    return row


def count_documents(connection: apsw.Connection, _: Budget, namespace_row: int, object_id: str) -> int:
    """How many documents of the namespace name the object as their root. Call it by ``Runtime.find``."""
    query = f"SELECT count(*) FROM {DOCUMENTS} WHERE d.namespace_row = ? AND d.root_object_id = ?"
    return int(connection.execute(query, (namespace_row, object_id)).get)
