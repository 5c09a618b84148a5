"""Tasks as clients see them, from the jobs that they are."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from headwater.kit.clock import to_text
from headwater.resources.tasks.repository import TaskRow
from headwater.store.bulk.change import DELETE_JOB, UPDATE_JOB, BulkChange, decode_progress
from headwater.store.commands.tasks import TASK_KINDS

_STATUSES = {
    "pending": "PENDING",
    "running": "IN_PROGRESS",
    "completed": "COMPLETED",
    "failed": "FAILED",
    "canceled": "CANCELED",
}


#: What is shown of a job's outcome besides its counts.
_SHOWN = ("errors", "object_id", "upload_id")


class _About(NamedTuple):
    inputs: list[str]
    #: Counts, and what the task is about.
    details: dict[str, Any]
    #: Why it came to nothing, where its job ended well all the same: repeating it would not have helped.
    error: str | None = None


def task_response(task: TaskRow) -> dict[str, Any]:
    about = (_bulk if task.kind in (UPDATE_JOB, DELETE_JOB) else _plain)(task)
    # A job that is tried again has an error too, but its task has not failed.
    error = task.error if task.state == "failed" else about.error
    additional = {"created_at": to_text(task.created_at), "updated_at": to_text(task.updated_at), **about.details}
    return {
        "task_id": task.task_id,
        "task_type": TASK_KINDS[task.kind].task_type,
        "status": _status(task, about, error),
        "inputs": about.inputs,
        "outputs": [],
        "additional_data": additional | ({"error": error} if error else {}),
        "error": error,
        "error_message": error,
    }


def _status(task: TaskRow, about: _About, error: str | None) -> str:
    if error is not None:
        return "FAILED"
    if task.state == "completed" and about.details.get("failed_count"):
        return "COMPLETED_WITH_ERRORS"
    return _STATUSES[task.state]


def _plain(task: TaskRow) -> _About:
    progress = {} if task.progress is None else msgspec.json.decode(task.progress)
    error = progress.get("error")
    found = {name: value for name, value in progress.items() if type(value) is int or name in _SHOWN}
    return _About([], found, error["message"] if isinstance(error, dict) else None)


def _bulk(task: TaskRow) -> _About:
    # Neither the filter nor the update is shown: whoever may see tasks need not be allowed to see documents.
    change = msgspec.json.decode(task.arguments, type=BulkChange)
    progress = decode_progress(task.progress)
    verb = "deleted" if task.kind == DELETE_JOB else "updated"
    found: dict[str, Any] = {
        "namespace_id": change.namespace_id,
        "collection_id": change.collection_id,
        f"{verb}_count": progress.changed,
        "failed_count": progress.failed,
    }
    if progress.errors:
        found["errors"] = progress.errors
    if change.reason is not None:
        found["reason"] = change.reason
    return _About([change.collection_id], found)
