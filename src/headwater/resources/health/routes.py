"""Is the server up, and is everything behind it?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import CurrentRuntime
from headwater.http.responses import JSONBytes
from headwater.http.route import Route
from headwater.resources.health import service
from headwater.resources.health.schemas import HealthResponse

router = APIRouter(route_class=Route, tags=["Health"])

_ALIVE = b'{"status":"OK"}'


@router.get(
    "/v1/health/liveness",
    summary="Liveness",
    operation_id="liveness",
    responses={200: {"content": {"application/json": {"example": {"status": "OK"}}}}},
)
async def liveness() -> JSONBytes:
    """Answers as soon as HTTP is up, whatever the state of the store."""
    return JSONBytes(_ALIVE)


@router.get("/v1/health", summary="Health", operation_id="healthcheck", response_model=HealthResponse)
async def healthcheck(runtime: CurrentRuntime, deep: bool = False, metrics: bool = False) -> HealthResponse:
    """Answers 200 when everything behind HTTP is up (`OK`) or partly so (`DEGRADED`, with `errors`).

    While the storage process cannot be reached the answer is 503, so that this route can be a readiness probe.
    """
    return await service.healthcheck(runtime)


@router.get(
    "/v1/health/beat",
    summary="Background jobs",
    operation_id="beat_health",
    responses={200: {"content": {"application/json": {"example": {"status": "OK", "jobs": {"pending": 0}}}}}},
)
async def beat_health(runtime: CurrentRuntime) -> dict[str, Any]:
    """The state of the background jobs: how many wait, run and failed."""
    return await service.beat(runtime)
