"""Finding the route of a request: one walk over the segments of the raw path.

The path is split *before* it is decoded, so ``%2F`` is a character of an id and never a separator, and no spelling
of a path reaches another route than the one whose access row is checked. Static segments outrank ids, whatever
the order of registration.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.errors import BadRequestError, MethodNotAllowedError, NotFoundError
from headwater.http.envelope import error_response
from headwater.http.route import Route

#: Keys of the ASGI scope: the resolved route, for the log and the metrics.
ROUTE = "headwater.route"


@dataclass
class _Node:
    static: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)
    #: Names of the parameters on the way here, by method: two routes may name one place differently.
    names: dict[str, list[str]] = field(default_factory=dict)
    #: Whether the last segment on the way here is a parameter, such as an id.
    is_parameter: bool = False


class Dispatcher:
    """The innermost ASGI application: resolves the route and runs it."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                if ":" in segment or not segment.endswith("}"):
                    raise ValueError(f"{route.path}: a parameter is one whole segment")
                names.append(segment[1:-1])
                node.parameter = node = node.parameter or _Node(is_parameter=True)
            else:
                node = node.static.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"{route.method} {route.path} is registered twice")
        node.routes[route.method], node.names[route.method] = route, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        segments = _segments(scope)
        found = _find(self._root, segments, 0, [])
        if found is None:
            raise _no_route(scope)
        node, values = found
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        route = node.routes.get(method)
        if route is None and method == "POST" and node.is_parameter:
            # Nothing is ever posted to an id: what stands there is the name of an action that does not exist,
            # such as /v1/documents/search. Clients tell by the 404 that it is not on offer.
            raise _no_route(scope)
        if route is None:
            await _other_method(node, method)(scope, receive, send)
            return
        scope[ROUTE] = route
        scope["path_params"] = dict(zip(node.names[method], values, strict=True))
        await route.app(scope, receive, send)


def _no_route(scope: Scope) -> NotFoundError:
    return NotFoundError(
        f"no route {scope['method']} {scope['path'][:200]}; /docs lists the routes", code="route_not_found"
    )


def _segments(scope: Scope) -> list[str]:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    text = raw.decode("ascii", "surrogateescape")
    segments = text[1:].split("/")
    if segments[0] == "api" and len(segments) > 1 and segments[1] == "v1":
        # Some clients take a base that ends in /api/v1 for complete.
        del segments[0]
    if "%" not in text and text.isascii():
        return segments
    return [_unquote(segment) for segment in segments]


def _unquote(segment: str) -> str:
    try:
        return unquote_to_bytes(segment.encode("ascii", "surrogateescape")).decode()
    except UnicodeDecodeError:
        raise BadRequestError("the path is not UTF-8; encode it as UTF-8, then with percent signs") from None


def _find(node: _Node, segments: list[str], index: int, values: list[str]) -> tuple[_Node, list[str]] | None:
    if index == len(segments):
        return (node, values) if node.routes else None
    segment = segments[index]
    static = node.static.get(segment)
    if static is not None:
        found = _find(static, segments, index + 1, values)
        if found is not None:
            return found
    if node.parameter is not None and segment:
        return _find(node.parameter, segments, index + 1, [*values, segment])
    return None


def _other_method(node: _Node, method: str) -> Response:
    allowed = ", ".join(sorted({*node.routes, "OPTIONS"} | ({"HEAD"} if "GET" in node.routes else set())))
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    error = MethodNotAllowedError(f"{method} is not allowed here; use {allowed}")
    return error_response(error, {"Allow": allowed})
