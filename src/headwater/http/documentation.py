"""``/docs``, ``/openapi.json`` and ``/metrics``: what the server says about itself, without the internet."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headwater.http.metrics import CONTENT_TYPE
from headwater.http.route import Route

router = APIRouter(route_class=Route, include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request) -> dict[str, Any]:
    """The OpenAPI description of this server."""
    description: dict[str, Any] = request.app.openapi()
    return description


@router.get("/docs/openapi.json")
async def docs_openapi(request: Request) -> dict[str, Any]:
    """The same description, where some clients look for it."""
    description: dict[str, Any] = request.app.openapi()
    return description


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus metrics. Needs a key with `admin`, unless `HEADWATER_METRICS_PUBLIC` is set."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE)
