"""The ``collections`` table: a collection as the code sees it, and the queries that load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from headwater.vectors.interface import VectorSpec

_COLUMNS = "collection_row, namespace_row, collection_id, collection_name, body, created_at, updated_at"


@dataclass(frozen=True)
class Collection:
    collection_row: int
    namespace_row: int
    collection_id: str
    collection_name: str
    #: Everything the owner set and the server derived. ``body["vectors"]`` lists the vector indexes as
    #: ``{"name", "kind", "dimensions", "distance", "output", "feature_extractor_id", "declared"}``.
    body: dict[str, Any]
    created_at: int
    updated_at: int

    @property
    def lifecycle_state(self) -> str:
        return str(self.body.get("lifecycle_state", "active"))

    @property
    def vectors(self) -> list[VectorSpec]:
        return [
            VectorSpec(v["name"], v["kind"], v.get("dimensions"), v["distance"]) for v in self.body.get("vectors", ())
        ]


def collection_of(row: tuple[Any, ...]) -> Collection:
    collection_row, namespace_row, collection_id, name, body, created_at, updated_at = row
    return Collection(
        collection_row, namespace_row, collection_id, name, msgspec.json.decode(body), created_at, updated_at
    )


def load_collection(connection: apsw.Connection, collection_row: int) -> Collection | None:
    """The active collection with that row."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE collection_row = ? AND state = 'active'",
        (collection_row,),
    ).fetchone()
    return None if row is None else collection_of(row)


def find_collection(connection: apsw.Connection, namespace_row: int, identifier: str) -> Collection | None:
    """The active collection of that namespace with this id or, failing that, this exact name."""
    for column in ("collection_id", "collection_name"):
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM collections WHERE namespace_row = ? AND {column} = ? AND state = 'active'",
            (namespace_row, identifier),
        ).fetchone()
        if row is not None:
            return collection_of(row)
    return None


def list_collections(connection: apsw.Connection, namespace_row: int) -> list[Collection]:
    """The active collections of that namespace, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE namespace_row = ? AND state = 'active'"
        " ORDER BY created_at DESC, collection_row DESC",
        (namespace_row,),
    )
    return [collection_of(row) for row in rows]


def list_sourced_collections(connection: apsw.Connection, namespace_row: int) -> list[Collection]:
    """The active collections of that namespace whose source is other collections, oldest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM collections WHERE namespace_row = ? AND state = 'active'"
        " AND CAST(body AS TEXT) ->> '$.source.type' = 'collection' ORDER BY collection_row",
        (namespace_row,),
    )
    return [collection_of(row) for row in rows]


def document_count(connection: apsw.Connection, collection_row: int) -> int:
    row = connection.execute(
        "SELECT documents FROM collection_counts WHERE collection_row = ?", (collection_row,)
    ).fetchone()
    return 0 if row is None else int(row[0])
