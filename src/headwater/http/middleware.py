"""The outermost ASGI application: a request id, one log line, the metrics, and the envelope around every failure.

Plain ASGI and one object a request: each layer here is paid for by every request.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headwater import ids
from headwater.catalog.database import error_of
from headwater.context import Context
from headwater.errors import HeadwaterError, InternalServerError
from headwater.http.body import BODY_COMPLETE, ClientDisconnected, has_body
from headwater.http.dependencies import CONTEXT, REQUEST_ID
from headwater.http.dispatch import ROUTE
from headwater.http.envelope import error_response, from_framework, from_validation, internal_error
from headwater.http.metrics import Metrics

_log = structlog.get_logger("headwater.http")
_REQUEST_ID_HEADER = b"x-request-id"
_CLOSE = (b"connection", b"close")
_STORED_FILES = ("/v1/_storage/", "/api/v1/_storage/")


class Errors:
    """Turns what the application raises into the envelope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnected:
            return
        except asyncio.CancelledError:
            # The drain's time is up. The connection ends with this answer.
            if started:
                raise
            await error_response(_stopped(), {"Connection": "close"})(scope, receive, send)
        except Exception as error:
            if started:
                raise
            await _answer_for(error, scope)(scope, receive, send)


def _answer_for(error: Exception, scope: Scope) -> ASGIApp:
    if isinstance(error, HeadwaterError):
        if error.status == 500:
            _log_failure(error, scope)
        return error_response(error)
    damage = error_of(error)
    if damage is not None:
        _log_failure(error, scope)
        return error_response(damage)
    if isinstance(error, RequestValidationError):
        return error_response(from_validation(error))
    if isinstance(error, HTTPException):
        return error_response(from_framework(error), error.headers)
    _log_failure(error, scope)
    return error_response(internal_error(scope[REQUEST_ID]))


def _stopped() -> HeadwaterError:
    return InternalServerError(
        "the server stopped before this was done; read before you repeat it", details={"retryable": False}
    )


def _log_failure(error: Exception, scope: Scope) -> None:
    _log.error("request failed", request_id=scope[REQUEST_ID], route=_template(scope), exc_info=error)


class OptionalGZip:
    """Compresses long answers for clients that accept it; the others do not pay for the question.

    Stored files go out as they are: a part of one has a place that means nothing in a compressed stream.
    """

    def __init__(self, app: ASGIApp, minimum_bytes: int) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, minimum_size=minimum_bytes, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["headers"]:
            if name == b"accept-encoding" and b"gzip" in value and not scope["path"].startswith(_STORED_FILES):
                await self._compressing(scope, receive, send)
                return
        await self._plain(scope, receive, send)


class StoredFilesCORS:
    """Pages of any origin may use signed links, from scripts too: the link is the permission, no cookie or key is."""

    def __init__(self, app: ASGIApp, *, others: ASGIApp) -> None:
        self._others = others
        self._files = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD", "PUT"],
            allow_headers=["*"],
            expose_headers=["Accept-Ranges", "Content-Disposition", "Content-Length", "Content-Range", "ETag"],
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._files if scope.get("path", "").startswith(_STORED_FILES) else self._others
        await app(scope, receive, send)


class Front:
    """Everything that is said about a request from the outside."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, lifespan: ASGIApp) -> None:
        self._app = app
        self._metrics = metrics
        self._lifespan = lifespan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        request_id = scope[REQUEST_ID] = ids.new_request_id()
        header = (_REQUEST_ID_HEADER, request_id.encode())
        status = 0

        async def naming(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], header]
                if BODY_COMPLETE not in scope and has_body(scope):
                    # What is left of the body must not be taken for the next request.
                    headers.append(_CLOSE)
                message["headers"] = headers
            await send(message)

        started_at = time.perf_counter()
        self._metrics.request_started()
        try:
            await self._app(scope, receive, naming)
        finally:
            seconds = time.perf_counter() - started_at
            self._metrics.request_finished(scope["method"], _template(scope), status, seconds)
            _log_request(scope, status, seconds)


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    context: Context | None = scope.get(CONTEXT)
    # No query, no path values and no headers: they may hold what is nobody's business.
    _log.info(
        "request",
        request_id=scope[REQUEST_ID],
        method=scope["method"],
        route=_template(scope),
        status=status,
        milliseconds=round(seconds * 1000, 3),
        key_id=None if context is None else context.key.key_id,
    )


def _template(scope: Scope) -> str:
    route: Any = scope.get(ROUTE)
    return "" if route is None else str(route.path)
