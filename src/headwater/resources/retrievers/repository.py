"""Every query about retrievers. A scope is part of each."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.catalog.tables import retrievers
from headwater.catalog.tables.retrievers import Retriever
from headwater.scope import NamespaceScope

_EXECUTIONS = "SELECT body FROM executions WHERE namespace_row = ? AND retriever_row = ?"


def find_retriever(connection: apsw.Connection, scope: NamespaceScope, identifier: str) -> Retriever | None:
    return retrievers.find_retriever(connection, scope.namespace_row, identifier)


def list_retrievers(connection: apsw.Connection, scope: NamespaceScope) -> list[Retriever]:
    return retrievers.list_retrievers(connection, scope.namespace_row)


def find_execution(
    connection: apsw.Connection, scope: NamespaceScope, retriever_row: int, execution_id: str
) -> bytes | None:
    """What was recorded of the execution; ``retriever_row`` 0 is ad hoc."""
    row = connection.execute(
        f"{_EXECUTIONS} AND execution_id = ?", (scope.namespace_row, retriever_row, execution_id)
    ).fetchone()
    return None if row is None else bytes(row[0])


def list_executions(connection: apsw.Connection, scope: NamespaceScope, retriever_row: int) -> list[bytes]:
    """All that is recorded, the newest first."""
    rows = connection.execute(
        f"{_EXECUTIONS} ORDER BY created_at DESC, execution_id DESC", (scope.namespace_row, retriever_row)
    )
    return [bytes(body) for (body,) in rows]


def find_scroll(connection: apsw.Connection, scope: NamespaceScope, scroll_row: int, now: int) -> Any:
    """The kept rows of a scroll that has not expired; None when there is none."""
    row = connection.execute(
        "SELECT rows FROM scrolls WHERE namespace_row = ? AND scroll_row = ? AND expires_at > ?",
        (scope.namespace_row, scroll_row, now),
    ).fetchone()
    return None if row is None else bytes(row[0])
