"""Waiting for a job on behalf of a request."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from headwater.catalog.database import fetch_one
from headwater.context import Context
from headwater.errors import InternalServerError, QueryTimeoutError, from_wire

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.25


async def wait_for_task(ctx: Context, task_id: str) -> dict[str, Any]:
    """The result of the job. Raises the error that it ended with, ``QueryTimeoutError`` while it still runs."""
    limit = ctx.runtime.settings.transfer_wait_seconds
    deadline, pause = time.monotonic() + limit, _FIRST_PAUSE_SECONDS
    while time.monotonic() < deadline:
        result = _result(ctx, task_id)
        if result is not None:
            return result
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    raise QueryTimeoutError(
        f"the task {task_id} takes longer than {limit:g} seconds and goes on; repeat the request to wait for it again",
        details={"task_id": task_id},
    )


def _result(ctx: Context, task_id: str) -> dict[str, Any] | None:
    row = fetch_one(
        ctx.runtime.reader.connection,
        "SELECT state, progress, error FROM jobs WHERE job_id = ? AND organization_id = ?",
        (task_id, ctx.organization.organization_id),
    )
    if row is None or row[0] == "failed":
        raise InternalServerError(f"the task {task_id} failed: {'it is gone' if row is None else row[2]}")
    if row[0] != "completed":
        return None
    result: dict[str, Any] = msgspec.json.decode(row[1])
    if "error" in result:
        raise from_wire(result["error"])
    return result
