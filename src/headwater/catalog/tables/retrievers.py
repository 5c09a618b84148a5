"""The tables of retrievers: rows as the code sees them, and the queries that load one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

_COLUMNS = "retriever_row, namespace_row, retriever_id, retriever_name, version, body, created_at, updated_at"


@dataclass(frozen=True)
class Retriever:
    retriever_row: int
    namespace_row: int
    retriever_id: str
    retriever_name: str
    version: int
    #: Everything its owner set, stages in their canonical form.
    body: dict[str, Any]
    created_at: int
    updated_at: int


def _retriever_of(row: tuple[Any, ...]) -> Retriever:
    retriever_row, namespace_row, retriever_id, name, version, body, created_at, updated_at = row
    return Retriever(
        retriever_row, namespace_row, retriever_id, name, version, msgspec.json.decode(body), created_at, updated_at
    )


def load_retriever(connection: apsw.Connection, retriever_row: int) -> Retriever | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM retrievers WHERE retriever_row = ?", (retriever_row,)).fetchone()
    return None if row is None else _retriever_of(row)


def find_retriever(connection: apsw.Connection, namespace_row: int, identifier: str) -> Retriever | None:
    """The retriever of that namespace with this id or, failing that, this exact name."""
    for column in ("retriever_id", "retriever_name"):
        row = connection.execute(
            f"SELECT {_COLUMNS} FROM retrievers WHERE namespace_row = ? AND {column} = ?", (namespace_row, identifier)
        ).fetchone()
        if row is not None:
            return _retriever_of(row)
    return None


def list_retrievers(connection: apsw.Connection, namespace_row: int) -> list[Retriever]:
    """The retrievers of that namespace, newest first."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM retrievers WHERE namespace_row = ? ORDER BY created_at DESC, retriever_row DESC",
        (namespace_row,),
    )
    return [_retriever_of(row) for row in rows]
