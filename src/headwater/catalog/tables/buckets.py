"""Buckets, which are rows of the ``collections`` table in the companion of a namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw

from headwater.catalog.tables.collections import Collection, find_collection, list_collections


@dataclass(frozen=True)
class Bucket:
    #: Its ``collection_row``.
    bucket_row: int
    #: The ``namespace_row`` of the companion that it is in.
    objects_row: int
    bucket_id: str
    bucket_name: str
    #: What the owner set: description, bucket_schema, unique_key, metadata, …
    body: dict[str, Any]
    created_at: int
    updated_at: int

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The fields of its schema by name."""
        found: dict[str, dict[str, Any]] = self.body["bucket_schema"]["properties"]
        return found

    @property
    def key_fields(self) -> list[str]:
        """The fields of its unique key; none without one."""
        return list((self.body.get("unique_key") or {}).get("fields") or ())


def bucket_of(collection: Collection) -> Bucket:
    """The bucket that a row of a companion is."""
    return Bucket(
        collection.collection_row,
        collection.namespace_row,
        collection.collection_id,
        collection.collection_name,
        collection.body,
        collection.created_at,
        collection.updated_at,
    )


def find_bucket(connection: apsw.Connection, objects_row: int | None, identifier: str) -> Bucket | None:
    """The companion's bucket with this id or, failing that, this exact name. Without a companion there is none."""
    found = None if objects_row is None else find_collection(connection, objects_row, identifier)
    return None if found is None else bucket_of(found)


def list_buckets(connection: apsw.Connection, objects_row: int | None) -> list[Bucket]:
    """The companion's buckets, newest first."""
    return [] if objects_row is None else [bucket_of(found) for found in list_collections(connection, objects_row)]
