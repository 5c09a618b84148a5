"""The job ``idempotency.forget``: idempotency keys go after ``HEADWATER_IDEMPOTENCY_HOURS``."""

from __future__ import annotations

from typing import Any

from headwater.store.commands.housekeeping import ForgetIdempotencyKeys
from headwater.store.interface import Store

_HOUR = 3_600_000


async def forget_idempotency_keys(store: Store, hours: int) -> dict[str, Any]:
    """Forget all keys that are older, a slice at a time."""
    command = ForgetIdempotencyKeys(age_milliseconds=hours * _HOUR)
    forgotten = 0
    while True:
        found = (await store.execute(command))["forgotten"]
        forgotten += found
        if found < command.limit:
            return {"forgotten": forgotten}
