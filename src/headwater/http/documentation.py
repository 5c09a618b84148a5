"""``/docs``, ``/openapi.json`` and ``/metrics``: what the server says about itself, without the internet.

The pages' scripts come from the package ``fastapi-offline``; nothing is fetched from anywhere else, and the content
security policy makes the browser see to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headwater.errors import HeadwaterError, NotFoundError
from headwater.http.metrics import CONTENT_TYPE, render_parts
from headwater.http.responses import JSONBytes, encode_json
from headwater.http.route import Route
from headwater.runtime import Runtime

router = APIRouter(route_class=Route, include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Headwater API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="pages"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Without a validator URL the page would show a badge from a public web site.
_START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#pages", deepLinking: true, persistAuthorization: false, validatorUrl: null,
});
"""
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
#: A scrape tells that a process is away; it does not wait for it to come back.
_PART_SECONDS = 1.0
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}


@router.get("/openapi.json")
async def openapi(request: Request) -> JSONBytes:
    """The OpenAPI description of this server."""
    return _description(request)


@router.get("/docs/openapi.json")
async def docs_openapi(request: Request) -> JSONBytes:
    """The same description, where some clients look for it."""
    return _description(request)


def _description(request: Request) -> JSONBytes:
    state = request.app.state
    if state.openapi_json is None:
        state.openapi_json = encode_json(request.app.openapi())
    return JSONBytes(state.openapi_json)


@router.get("/docs")
async def docs() -> Response:
    """The API's documentation, to read and to try out."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{asset}")
async def docs_asset(asset: str) -> Response:
    """A script or style sheet of the documentation."""
    if asset == "start.js":
        return Response(_START, media_type="text/javascript")
    if asset not in _ASSETS:
        raise NotFoundError.of("page", asset)
    return Response(_asset(asset), media_type=_ASSETS[asset], headers={"Cache-Control": "max-age=86400"})


@cache
def _asset(name: str) -> bytes:
    return (resources.files("fastapi_offline") / "static" / name).read_bytes()


@router.get("/metrics")
async def metrics(request: Request) -> Any:
    """Prometheus metrics. Needs a key with `admin`, unless `HEADWATER_METRICS_PUBLIC` is set."""
    state = request.app.state
    runtime: Runtime = state.runtime
    store, models = await asyncio.gather(_status(runtime.store.query("status")), _status(runtime.models.status()))
    return Response(state.metrics.render() + render_parts(store, models), media_type=CONTENT_TYPE)


async def _status(asked: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        async with asyncio.timeout(_PART_SECONDS):
            return await asked
    except (HeadwaterError, TimeoutError):
        return None
