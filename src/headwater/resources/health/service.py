"""The rules of health: what is up, what is degraded, what is down."""

from __future__ import annotations

from typing import Any

from headwater import __version__
from headwater.resources.health import repository
from headwater.resources.health.schemas import HealthErrors, HealthResponse, HealthServices
from headwater.runtime import Runtime


async def healthcheck(runtime: Runtime) -> HealthResponse:
    """The health of every part. ``ServiceUnavailableError`` when the storage process cannot be reached."""
    status: dict[str, Any] = await runtime.store.query("status")
    repository.database_answers(runtime.reader.connection)
    errors = HealthErrors()
    if status["damaged_indexes"]:
        errors.vector_store = f"{status['damaged_indexes']} damaged indexes are being rebuilt from the records"
    if status["read_only"]:
        errors.metadata = str(status["read_only"])
    elif not status["enough_space"]:
        errors.metadata = "the disk is nearly full; only reads and deletes are served"
    services = HealthServices(vector_store=errors.vector_store is None, metadata=errors.metadata is None)
    degraded = errors != HealthErrors()
    return HealthResponse(
        status="DEGRADED" if degraded else "OK",
        data=services,
        errors=errors if degraded else None,
        meta={"version": __version__},
    )


async def beat(runtime: Runtime) -> dict[str, Any]:
    """The number of background jobs in each state."""
    return {"status": "OK", "jobs": repository.jobs_by_state(runtime.reader.connection)}
