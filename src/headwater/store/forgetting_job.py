"""Jobs that forget what is kept for a while: ``idempotency.forget`` and ``tasks.forget``."""

from __future__ import annotations

from typing import Any

from headwater.store.commands.housekeeping import ForgetIdempotencyKeys
from headwater.store.commands.tasks import ForgetTasks
from headwater.store.interface import Store

_HOUR = 3_600_000


async def forget_idempotency_keys(store: Store, hours: int) -> dict[str, Any]:
    """Forget all keys that are older than ``HEADWATER_IDEMPOTENCY_HOURS``."""
    return await _forget(store, ForgetIdempotencyKeys(age_milliseconds=hours * _HOUR))


async def forget_tasks(store: Store, days: int) -> dict[str, Any]:
    """Forget all jobs that ended more than ``HEADWATER_TASK_DAYS`` ago."""
    return await _forget(store, ForgetTasks(age_milliseconds=days * 24 * _HOUR))


async def _forget(store: Store, command: ForgetIdempotencyKeys | ForgetTasks) -> dict[str, Any]:
    """A slice at a time."""
    forgotten = 0
    while True:
        found = (await store.execute(command))["forgotten"]
        forgotten += found
        if found < command.limit:
            return {"forgotten": forgotten}
