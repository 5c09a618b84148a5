"""Commands about retrievers, and about what is kept of their executions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from headwater.catalog.tables.retrievers import Retriever, load_retriever
from headwater.errors import AlreadyExistsError, ConflictError, NotFoundError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.namespaces import require_namespace
from headwater.store.transaction import Transaction

#: Result sets that are kept for a namespace; the oldest give way to new ones.
MAX_SCROLLS = 100
#: Retrievers of a namespace. Lists read all of them.
MAX_RETRIEVERS = 10_000


class CreateRetriever(Command):
    """Answers the retriever's fields. ``AlreadyExistsError`` for a name that is taken."""

    organization_id: str
    namespace_row: int
    retriever_id: str
    retriever_name: str
    body: dict[str, Any]


class UpdateRetriever(Command):
    """Set ``changes`` in the body and rename. Answers the retriever's fields.

    ``ConflictError`` when it is not of that version any more: the changes were checked against it.
    """

    organization_id: str
    namespace_row: int
    retriever_row: int
    version: int
    retriever_name: str | None = None
    changes: dict[str, Any] = {}


class DeleteRetriever(Command):
    """With what was recorded of its executions. ``NotFoundError`` when it is gone already."""

    organization_id: str
    namespace_row: int
    retriever_row: int


class Executed(msgspec.Struct, kw_only=True):
    """One execution. ``retriever_row`` 0 is ad hoc."""

    namespace_row: int
    retriever_row: int
    execution_id: str
    status: str
    created_at: int
    body: bytes


class RecordExecutions(Command):
    """Keep these, and of each retriever (and of what ran ad hoc in each namespace) only the newest ``kept``."""

    executions: list[Executed]
    kept: int


class KeepScroll(Command):
    """Keep the rest of a result set for a while. Answers ``{"scroll_row"}``."""

    organization_id: str
    namespace_row: int
    expires_at: int
    rows: bytes


@handles(CreateRetriever)
def create_retriever(tx: Transaction, command: CreateRetriever) -> dict[str, Any]:
    namespace = require_namespace(tx, command.organization_id, command.namespace_row)
    _refuse_taken_name(tx, namespace.namespace_row, command.retriever_name)
    _refuse_too_many(tx, namespace.namespace_row)
    return asdict(
        insert_retriever(tx, namespace.namespace_row, command.retriever_id, command.retriever_name, command.body)
    )


def insert_retriever(
    tx: Transaction, namespace_row: int, retriever_id: str, retriever_name: str, body: dict[str, Any]
) -> Retriever:
    """A new one, of which the name is known to be free."""
    retriever = Retriever(
        retriever_row=tx.next_sequence(),
        namespace_row=namespace_row,
        retriever_id=retriever_id,
        retriever_name=retriever_name,
        version=1,
        body=body,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.execute(
        "INSERT INTO retrievers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            retriever.retriever_row,
            retriever.namespace_row,
            retriever.retriever_id,
            retriever.retriever_name,
            retriever.version,
            msgspec.json.encode(retriever.body),
            retriever.created_at,
            retriever.updated_at,
        ),
    )
    return retriever


def _refuse_taken_name(tx: Transaction, namespace_row: int, name: str) -> None:
    taken = tx.one(
        "SELECT 1 FROM retrievers WHERE namespace_row = ?1 AND (retriever_name = ?2 OR retriever_id = ?2)",
        (namespace_row, name),
    )
    if taken is not None:
        raise AlreadyExistsError(
            f"retriever {name!r} exists already in this namespace; choose another name",
            details={"resource": "retriever", "name": name},
            code="retriever_name_taken",
        )


def _refuse_too_many(tx: Transaction, namespace_row: int) -> None:
    row = tx.one("SELECT count(*) FROM retrievers WHERE namespace_row = ?", (namespace_row,))
    if row is not None and row[0] >= MAX_RETRIEVERS:
        raise ConflictError(
            f"the namespace has {MAX_RETRIEVERS} retrievers, which is the most that it may have; delete some",
            details={"resource": "retriever", "limit": MAX_RETRIEVERS},
            code="too_many_retrievers",
        )


def _require(tx: Transaction, organization_id: str, namespace_row: int, retriever_row: int) -> Retriever:
    require_namespace(tx, organization_id, namespace_row)
    retriever = load_retriever(tx.connection, retriever_row)
    if retriever is None or retriever.namespace_row != namespace_row:
        raise NotFoundError.of("retriever", str(retriever_row))
    return retriever


@handles(UpdateRetriever)
def update_retriever(tx: Transaction, command: UpdateRetriever) -> dict[str, Any]:
    retriever = _require(tx, command.organization_id, command.namespace_row, command.retriever_row)
    if retriever.version != command.version:
        raise ConflictError(
            f"retriever {retriever.retriever_name!r} was changed at the same time; read it and repeat the change",
            details={"resource": "retriever", "id": retriever.retriever_id, "version": retriever.version},
            code="retriever_changed",
        )
    name = command.retriever_name or retriever.retriever_name
    if name != retriever.retriever_name:
        _refuse_taken_name(tx, command.namespace_row, name)
    body, version = retriever.body | command.changes, retriever.version + 1
    tx.execute(
        "UPDATE retrievers SET retriever_name = ?, version = ?, body = ?, updated_at = ? WHERE retriever_row = ?",
        (name, version, msgspec.json.encode(body), tx.now, retriever.retriever_row),
    )
    changed = {"retriever_name": name, "version": version, "body": body, "updated_at": tx.now}
    return asdict(retriever) | changed


@handles(DeleteRetriever, frees_space=True)
def delete_retriever(tx: Transaction, command: DeleteRetriever) -> dict[str, Any]:
    retriever = _require(tx, command.organization_id, command.namespace_row, command.retriever_row)
    tx.execute("DELETE FROM retrievers WHERE retriever_row = ?", (retriever.retriever_row,))
    tx.execute(
        "DELETE FROM executions WHERE namespace_row = ? AND retriever_row = ?",
        (retriever.namespace_row, retriever.retriever_row),
    )
    return {"retriever_id": retriever.retriever_id}


@handles(RecordExecutions)
def record_executions(tx: Transaction, command: RecordExecutions) -> None:
    for executed in command.executions:
        if _is_there(tx, executed):
            tx.execute(
                "INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?, ?, ?)",
                (
                    executed.namespace_row,
                    executed.execution_id,
                    executed.retriever_row,
                    executed.status,
                    executed.created_at,
                    executed.body,
                ),
            )
    for namespace_row, retriever_row in {(one.namespace_row, one.retriever_row) for one in command.executions}:
        tx.execute(
            "DELETE FROM executions WHERE namespace_row = ?1 AND retriever_row = ?2 AND execution_id IN (SELECT"
            " execution_id FROM executions WHERE namespace_row = ?1 AND retriever_row = ?2"
            " ORDER BY created_at DESC LIMIT -1 OFFSET ?3)",
            (namespace_row, retriever_row, command.kept),
        )


def _is_there(tx: Transaction, executed: Executed) -> bool:
    """The retriever or the namespace may have been deleted since."""
    if executed.retriever_row:
        return tx.one("SELECT 1 FROM retrievers WHERE retriever_row = ?", (executed.retriever_row,)) is not None
    sql = "SELECT 1 FROM namespaces WHERE namespace_row = ? AND state = 'active'"
    return tx.one(sql, (executed.namespace_row,)) is not None


@handles(KeepScroll)
def keep_scroll(tx: Transaction, command: KeepScroll) -> dict[str, Any]:
    require_namespace(tx, command.organization_id, command.namespace_row)
    tx.execute("DELETE FROM scrolls WHERE expires_at < ?", (tx.now,))
    tx.execute(
        "DELETE FROM scrolls WHERE scroll_row IN (SELECT scroll_row FROM scrolls WHERE namespace_row = ?"
        " ORDER BY scroll_row DESC LIMIT -1 OFFSET ?)",
        (command.namespace_row, MAX_SCROLLS - 1),
    )
    scroll_row = tx.next_sequence()
    tx.execute(
        "INSERT INTO scrolls VALUES (?, ?, ?, ?)", (scroll_row, command.namespace_row, command.expires_at, command.rows)
    )
    return {"scroll_row": scroll_row}
