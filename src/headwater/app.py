"""The HTTP application: every route, bound to its access row, behind one set of layers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from headwater import __version__
from headwater.http import documentation
from headwater.http.access import ACCESS, missing_rows
from headwater.http.body import BodyBudget
from headwater.http.dispatch import Dispatcher
from headwater.http.metrics import MeteredStore, Metrics
from headwater.http.middleware import Errors, Front, OptionalGZip, StoredFilesCORS
from headwater.http.openapi import describe
from headwater.http.route import Route
from headwater.resources import ROUTERS
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.tenancy.attempts import FailedAttempts
from headwater.tenancy.last_used import LastUsed

_DESCRIPTION = """
A self-hosted document warehouse that speaks the Mixpeek v1 API.
Every document can be traced back, step by step, to the object that it came from.
"""


class Application(FastAPI):
    """FastAPI for the description and the parameters; our own layers and dispatch around them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self, _routes(self))
        return self.openapi_schema

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.runtime.settings
        app: ASGIApp = Errors(Dispatcher(_routes(self)))
        if settings.gzip_minimum_bytes:
            app = OptionalGZip(app, settings.gzip_minimum_bytes)
        app = StoredFilesCORS(app, others=_cors(app, settings.cors_origins) if settings.cors_origins else app)
        app = Front(app, self.state.metrics, lifespan=self.router)
        if settings.forwarded_allow_ips:
            # uvicorn and Starlette describe the same ASGI callable with different types.
            proxied: Any = ProxyHeadersMiddleware(cast(Any, app), trusted_hosts=settings.forwarded_allow_ips)
            app = proxied
        return app


def create_app(runtime: Runtime, routers: Iterable[APIRouter] = ROUTERS) -> FastAPI:
    """The application over that runtime. Raises when a route has no row in the access table."""
    app = Application(
        title="Headwater",
        version=__version__,
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        servers=[{"url": runtime.settings.root_path}] if runtime.settings.root_path else None,
    )
    metrics = app.state.metrics = Metrics()
    runtime = app.state.runtime = replace(runtime, store=MeteredStore(runtime.store, metrics))
    app.state.openapi_json = None
    app.state.last_used = LastUsed(runtime.store)
    app.state.failed_attempts = FailedAttempts(runtime.settings.failed_keys_per_minute)
    app.state.body_budget = BodyBudget(runtime.settings.max_inflight_body_bytes)
    for router in (*routers, documentation.router):
        # Not include_router: it wraps every route in a second round of matching.
        app.router.routes.extend(router.routes)
    _bind(_routes(app), runtime.settings)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.last_used.start()
    yield
    await app.state.runtime.executions.close()
    await app.state.last_used.stop()


def _routes(app: FastAPI) -> list[Route]:
    return [route for route in app.router.routes if isinstance(route, Route)]


def _bind(routes: Iterable[Route], settings: Settings) -> None:
    missing = missing_rows((route.method, route.path) for route in routes)
    if missing:
        raise LookupError(f"routes without a row in http/access.py: {missing}")
    for route in routes:
        route.access = ACCESS[route.method, route.path]
        if route.path == "/metrics" and settings.metrics_public:
            route.access = replace(route.access, permission="public")


def _cors(app: ASGIApp, origins: list[str]) -> ASGIApp:
    options: dict[str, Any] = {"allow_origins": origins, "allow_methods": ["*"], "allow_headers": ["*"]}
    exposed = [
        "X-Request-ID",
        "X-Namespace-Unresolved",
        "ETag",
        "Retry-After",
        "Content-Disposition",
        "X-Execution-Mode",
    ]
    return CORSMiddleware(app, **options, expose_headers=exposed, max_age=600)
