"""The job ``idempotency.forget``: idempotency keys go after ``HEADWATER_IDEMPOTENCY_HOURS``."""

from __future__ import annotations

from typing import Any

from headwater.settings import load_settings
from headwater.store.commands.housekeeping import ForgetIdempotencyKeys
from headwater.store.interface import Store

_HOUR = 3_600_000


async def forget_idempotency_keys(store: Store, arguments: dict[str, Any]) -> None:
    """Slices, until none is left that is old enough."""
    command = ForgetIdempotencyKeys(age_milliseconds=load_settings().idempotency_hours * _HOUR)
    while (await store.execute(command))["forgotten"] == command.limit:
        pass
