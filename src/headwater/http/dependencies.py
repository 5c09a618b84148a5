"""What a route function can ask for: the context, the body as plain JSON, the runtime.

``http/route.py`` puts all of it into the ASGI scope before the function's parameters are looked at, so that none of
these does more than a look-up.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from headwater.context import Context
from headwater.runtime import Runtime

#: Keys of the ASGI scope. The body is the decoded JSON, absent when the route reads none.
CONTEXT = "headwater.context"
BODY = "headwater.body"
REQUEST_ID = "headwater.request_id"
UNRESOLVED_NAMESPACE = "headwater.unresolved_namespace"


async def current_context(request: Request) -> Context:
    context: Context = request.scope[CONTEXT]
    return context


async def current_runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


async def json_object(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = request.scope[BODY]
    return body


async def optional_json_object(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = request.scope[BODY]
    return body


async def unresolved_namespace(request: Request) -> str | None:
    value: str | None = request.scope.get(UNRESOLVED_NAMESPACE)
    return value


#: The caller's context. Not on public and private routes: they have no caller.
Ctx = Annotated[Context, Depends(current_context)]
#: The runtime, for routes without a caller.
CurrentRuntime = Annotated[Runtime, Depends(current_runtime)]
#: The body, which must be a JSON object. Anything else, or nothing, is 422 before the function runs.
JsonObject = Annotated[dict[str, Any], Depends(json_object)]
#: The same, but an empty body and ``null`` are ``{}``.
OptionalJsonObject = Annotated[dict[str, Any], Depends(optional_json_object)]
#: The ``X-Namespace`` that named nothing, on routes with ``namespace_optional``; there, ``ctx.namespace`` is None then.
UnresolvedNamespace = Annotated[str | None, Depends(unresolved_namespace)]
