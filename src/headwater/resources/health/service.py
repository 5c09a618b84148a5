"""The rules of health: what is up, what is degraded, what is down."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater import __version__
from headwater.errors import HeadwaterError
from headwater.resources.health import repository
from headwater.resources.health.schemas import HealthErrors, HealthResponse, HealthServices
from headwater.runtime import Runtime

#: No file has this key; a store that says so is well.
_PROBE = "health-0/probe"
_PROBE_SECONDS = 2.0


async def healthcheck(runtime: Runtime) -> HealthResponse:
    """The health of every part. ``ServiceUnavailableError`` when the storage process cannot be reached."""
    status, inference, files = await asyncio.gather(
        runtime.store.query("status"), _models_error(runtime), _files_error(runtime)
    )
    repository.database_answers(runtime.reader.connection)
    errors = HealthErrors(inference=inference, object_storage=files)
    if status["damaged_indexes"]:
        errors.vector_store = f"{status['damaged_indexes']} damaged indexes are being rebuilt from the records"
    if status["read_only"]:
        errors.metadata = str(status["read_only"])
    elif not status["enough_space"]:
        errors.metadata = "the disk is nearly full; only reads and deletes are served"
    parts = ("vector_store", "metadata", "inference", "object_storage")
    services = HealthServices(**{part: getattr(errors, part) is None for part in parts})
    degraded = errors != HealthErrors()
    return HealthResponse(
        status="DEGRADED" if degraded else "OK",
        data=services,
        errors=errors if degraded else None,
        meta={"version": __version__},
    )


async def _models_error(runtime: Runtime) -> str | None:
    try:
        await runtime.models.status()
    except HeadwaterError as error:
        return error.message
    return None


async def _files_error(runtime: Runtime) -> str | None:
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            await runtime.blobs.stat(_PROBE)
    except HeadwaterError as error:
        return error.message
    except TimeoutError:
        return f"the store of the files did not answer within {_PROBE_SECONDS:g} seconds"
    return None


async def beat(runtime: Runtime) -> dict[str, Any]:
    """The number of background jobs in each state."""
    return {"status": "OK", "jobs": repository.jobs_by_state(runtime.reader.connection)}
