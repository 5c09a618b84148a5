"""Tasks: the jobs that callers may see, stop, and find again for some days after their end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from headwater.errors import ConflictError
from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction

FORGET_JOB = "tasks.forget"
_DAY = 86_400_000


@dataclass(frozen=True)
class TaskKind:
    #: Its name on the wire.
    task_type: str
    #: Whether it may be stopped half-way.
    stoppable: bool = False


#: The kinds of jobs that callers started and may ask for. All others are the server's own affair.
TASK_KINDS = {
    "documents.bulk_update": TaskKind("api_collections_documents_bulk_update", stoppable=True),
    "documents.bulk_delete": TaskKind("api_collections_documents_bulk_delete", stoppable=True),
    "collections.export": TaskKind("api_collections_export"),
    "collections.import": TaskKind("api_collections_documents_create"),
    "namespaces.clone": TaskKind("api_namespaces_create"),
    "uploads.confirm": TaskKind("api_buckets_uploads_confirm"),
    "uploads.confirm_batch": TaskKind("api_buckets_uploads_batch_confirm"),
    "namespaces.purge": TaskKind("api_namespaces_delete"),
    "buckets.purge": TaskKind("api_buckets_delete"),
}


class StopTask(Command):
    """Stop a task of the organization. One that has ended, and one that is not there, is left as it is.

    Answers ``{"stopped"}``. Raises ``ConflictError`` for one that has to come to its end.
    """

    organization_id: str
    #: None is any of the organization's namespaces.
    namespace_row: int | None
    task_id: str
    #: The end user that asks; it may stop its own tasks only.
    principal: str | None = None


class ForgetTasks(Command):
    """Forget up to ``limit`` jobs of all kinds that ended more than ``age_milliseconds`` ago."""

    age_milliseconds: int
    limit: int = 1000


@handles(StopTask, frees_space=True)
def stop_task(tx: Transaction, command: StopTask) -> dict[str, Any]:
    row = tx.one(
        "SELECT kind, arguments FROM jobs WHERE job_id = ?1 AND organization_id = ?2"
        " AND (?3 IS NULL OR namespace_row = ?3) AND state IN ('pending', 'running')",
        (command.task_id, command.organization_id, command.namespace_row),
    )
    kind = None if row is None else TASK_KINDS.get(row[0])
    if row is None or kind is None or not belongs_to(row[1], command.principal):
        return {"stopped": False}
    if not kind.stoppable:
        raise ConflictError(
            f"the task {command.task_id} cannot be stopped half-way; wait for its end",
            details={"task_id": command.task_id, "task_type": kind.task_type},
            code="task_not_stoppable",
        )
    tx.execute(
        "UPDATE jobs SET state = 'canceled', leased_until = NULL, updated_at = ? WHERE job_id = ?",
        (tx.now, command.task_id),
    )
    return {"stopped": True}


class _Arguments(msgspec.Struct):
    principal: str | None = None


def belongs_to(arguments: bytes, principal: str | None) -> bool:
    """Whether the principal may see the job with these arguments; None is a key of the organization."""
    return principal is None or msgspec.json.decode(arguments, type=_Arguments).principal == principal


@handles(ForgetTasks, frees_space=True)
def forget_tasks(tx: Transaction, command: ForgetTasks) -> dict[str, Any]:
    tx.execute(
        "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs WHERE state IN ('completed', 'failed', 'canceled')"
        " AND updated_at < ? ORDER BY updated_at LIMIT ?)",
        (tx.now - command.age_milliseconds, command.limit),
    )
    return {"forgotten": tx.connection.changes()}


def enqueue_forgetting(tx: Transaction) -> None:
    """Have old tasks forgotten at the next turn of the day."""
    day = tx.now // _DAY + 1
    tx.enqueue(FORGET_JOB, {}, unique_key=f"{FORGET_JOB}:{day}", delay_milliseconds=day * _DAY - tx.now)
