"""Every query about tasks. The organization is part of each."""

from __future__ import annotations

from typing import NamedTuple

import apsw
import msgspec

from headwater.store.commands.tasks import TASK_KINDS, belongs_to

_KINDS = msgspec.json.encode(sorted(TASK_KINDS)).decode()
_COLUMNS = "job_id, kind, arguments, state, progress, error, created_at, updated_at"
_VISIBLE = (
    f"SELECT {_COLUMNS} FROM jobs WHERE organization_id = ?1 AND (?2 IS NULL OR namespace_row = ?2)"
    " AND kind IN (SELECT value FROM json_each(?3))"
)


class TaskScope(NamedTuple):
    organization_id: str
    #: None is all namespaces of the organization.
    namespace_row: int | None
    #: None is a key of the organization; an end user sees the tasks that it started.
    principal: str | None


class TaskRow(NamedTuple):
    task_id: str
    kind: str
    arguments: bytes
    state: str
    progress: bytes | None
    error: str | None
    created_at: int
    updated_at: int


def find_task(connection: apsw.Connection, scope: TaskScope, task_id: str) -> TaskRow | None:
    rows = connection.execute(
        f"{_VISIBLE} AND job_id = ?4", (scope.organization_id, scope.namespace_row, _KINDS, task_id)
    )
    return next(iter(_allowed(rows, scope)), None)


def newest_tasks(connection: apsw.Connection, scope: TaskScope, limit: int) -> list[TaskRow]:
    """The newest tasks, the newest first."""
    rows = connection.execute(
        f"{_VISIBLE} ORDER BY created_at DESC, job_id LIMIT ?4",
        (scope.organization_id, scope.namespace_row, _KINDS, limit),
    )
    return _allowed(rows, scope)


def _allowed(rows: apsw.Cursor, scope: TaskScope) -> list[TaskRow]:
    tasks = map(TaskRow._make, rows)
    return [task for task in tasks if belongs_to(task.arguments, scope.principal)]
