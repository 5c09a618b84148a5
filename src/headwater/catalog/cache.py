"""A worker's view of keys, namespaces and collections: read from the database, kept until they change.

``PRAGMA data_version`` tells within 4 µs that *something* was committed since the last look; only then is the
catalogue counter read, which moves only when the catalogue itself changed. A request looks once, when its key is looked
up, and again after a command of its own: so a revoked key is dead at the next request, in every worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import apsw

from headwater.catalog.database import share_snapshot
from headwater.catalog.tables.api_keys import ApiKey, find_api_key_by_digest, find_api_key_by_id
from headwater.catalog.tables.buckets import Bucket, find_bucket
from headwater.catalog.tables.collections import Collection, find_collection, list_collections
from headwater.catalog.tables.namespaces import Namespace, find_namespace

T = TypeVar("T")
#: Far more than a worker serves at a time; beyond it the cache is emptied and filled again.
_MAX_ENTRIES = 20_000


class Catalogue:
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._data_version = -1
        self._version = -1
        self._entries: dict[tuple[Any, ...], Any] = {}
        self._expired = True

    def expire(self) -> None:
        """Look again before the next answer: something was committed that its writer must see."""
        self._expired = True

    def api_key(self, digest: bytes) -> ApiKey | None:
        """The key with that digest, whatever its status. Every request comes here first, so this looks for changes."""
        self._expired = True
        return self._cached(("key", digest), lambda: find_api_key_by_digest(self._connection, digest))

    def api_key_by_id(self, key_id: str) -> ApiKey | None:
        """The key with that id, whatever its status. Requests with a signed link come here instead."""
        self._expired = True
        return self._cached(("key", key_id), lambda: find_api_key_by_id(self._connection, key_id))

    def namespace(self, organization_id: str, identifier: str) -> Namespace | None:
        """By id or, failing that, by exact name, within the organization."""
        return self._cached(
            ("namespace", organization_id, identifier),
            lambda: find_namespace(self._connection, organization_id, identifier),
        )

    def collection(self, namespace_row: int, identifier: str) -> Collection | None:
        """By id or, failing that, by exact name, within the namespace."""
        return self._cached(
            ("collection", namespace_row, identifier),
            lambda: find_collection(self._connection, namespace_row, identifier),
        )

    def bucket(self, namespace: Namespace, identifier: str) -> Bucket | None:
        """By id or, failing that, by exact name, within the namespace."""
        return self._cached(
            ("bucket", namespace.objects_row, identifier),
            lambda: find_bucket(self._connection, namespace.objects_row, identifier),
        )

    def collections(self, namespace_row: int) -> list[Collection]:
        """All of the namespace, newest first."""
        return (
            self._cached(("collections", namespace_row), lambda: list_collections(self._connection, namespace_row))
            or []
        )

    def _cached(self, key: tuple[Any, ...], load: Callable[[], T | None]) -> T | None:
        if self._expired:
            self._refresh()
        found: T | None = self._entries.get(key)
        if found is None:
            found = load()
            # Misses are not kept: anybody could fill the memory with names that do not exist.
            if found is not None:
                self._entries[key] = found
        return found

    def _refresh(self) -> None:
        self._expired = False
        share_snapshot(self._connection)
        data_version = self._connection.pragma("data_version")
        if data_version == self._data_version and len(self._entries) < _MAX_ENTRIES:
            return
        version = self._connection.execute("SELECT value FROM counters WHERE name = 'catalogue'").get
        if version != self._version or len(self._entries) >= _MAX_ENTRIES:
            self._entries.clear()
        self._data_version, self._version = data_version, version
