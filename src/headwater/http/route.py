"""The route class of every resource: access first, then the namespace, then the body, then the function.

The order is the contract: 401, 403, namespace 400/404, body 422. A request that is refused for who sends it has had
no byte of its body read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import solve_dependencies
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from headwater.context import Context
from headwater.errors import UnauthorizedError, ValidationError
from headwater.http import access as access_table
from headwater.http.access import Access
from headwater.http.body import BodyBudget, decode_json, read_body
from headwater.http.dependencies import (
    BODY,
    CONTEXT,
    REQUEST_ID,
    UNRESOLVED_NAMESPACE,
    json_object,
    optional_json_object,
)
from headwater.http.parameters import direct_parameters
from headwater.http.responses import json_response
from headwater.runtime import Runtime


class Route(APIRoute):
    """``APIRouter(route_class=Route)``. ``create_app`` binds each route to its row of the access table."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        (self.method,) = self.methods or ("GET",)  # more than one would share a row of the access table
        self.access: Access | None = None
        calls = set(_calls(self.dependant))
        self._object_required = json_object in calls
        self._reads_object = self._object_required or optional_json_object in calls
        self._reads_body = self._reads_object or self.body_field is not None
        field = self.body_field
        self._empty_is_object = self._reads_object or (field is not None and not field.field_info.is_required())
        # FastAPI takes a body of several parameters apart by their names.
        self._direct = direct_parameters(self.dependant, None if self._embed_body_fields else field)
        self.app = self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        runtime: Runtime = scope["app"].state.runtime
        self._admit(scope, request, runtime)
        if not self._reads_body:
            response = await self._call(request, None)
            await response(scope, receive, send)
            return
        budget: BodyBudget = scope["app"].state.body_budget
        with budget.hold() as held:
            raw = await read_body(scope, receive, runtime.settings, held)
            response = await self._call(request, self._decode(scope, raw, runtime))
            del raw
        await response(scope, receive, send)

    def _admit(self, scope: Scope, request: Request, runtime: Runtime) -> None:
        assert self.access is not None, "create_app binds routes to the access table"
        if self.access.permission == "public":
            return
        authorization = origin = namespace = None
        host = ""
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value.decode("latin-1")
            elif name == b"x-namespace":
                namespace = _header_text(value)
            elif name == b"origin":
                origin = value.decode("latin-1")
            elif name == b"host":
                host = value.decode("latin-1")
        try:
            caller = access_table.check(
                self.access,
                runtime,
                authorization=authorization,
                origin=origin,
                namespace=namespace,
                path=scope["path_params"],
            )
        except UnauthorizedError:
            if authorization is not None:
                scope["app"].state.failed_attempts.failed(_source(scope))
            raise
        if caller.unresolved_namespace is not None:
            scope[UNRESOLVED_NAMESPACE] = caller.unresolved_namespace
        if caller.key is not None:
            scope["app"].state.last_used.used(caller.key.key_id)
            reached_at = f"{scope['scheme']}://{host}"
            scope[CONTEXT] = Context(runtime, scope[REQUEST_ID], caller.key, caller.namespace, reached_at)

    def _decode(self, scope: Scope, raw: bytes, runtime: Runtime) -> Any:
        if not raw and not self._empty_is_object and self.body_field is not None:
            return None
        value = decode_json(raw, runtime.settings) if raw or self._object_required else None
        if value is None and self._empty_is_object and not self._object_required:
            value = {}
        if self._reads_object and type(value) is not dict:
            raise ValidationError.at(["body"], "the body must be a JSON object", "dict_type")
        scope[BODY] = value
        return value

    async def _call(self, request: Request, body: Any) -> Response:
        if self._direct is None or not self._direct.suffice(request):
            return await self._call_validated(request, body)
        result = await self.endpoint(**await self._direct.resolve(request, body))
        return result if isinstance(result, Response) else json_response(result)

    async def _call_validated(self, request: Request, body: Any) -> Response:
        # The parts of a dependency that clean up after themselves need these two; ours have none.
        async with AsyncExitStack() as stack:
            request.scope["fastapi_inner_astack"] = request.scope["fastapi_function_astack"] = stack
            solved = await solve_dependencies(
                request=request,
                dependant=self.dependant,
                body=body,
                async_exit_stack=stack,
                embed_body_fields=self._embed_body_fields,
            )
            if solved.errors:
                raise RequestValidationError(solved.errors)
            result = await self.endpoint(**solved.values)
        if isinstance(result, Response):
            return result
        return json_response(result, headers=dict(solved.response.headers))


def _source(scope: Scope) -> str:
    client = scope.get("client")
    return "" if client is None else str(client[0])


def _header_text(value: bytes) -> str:
    # Names may be any Unicode text; clients send them as UTF-8, which HTTP itself takes for Latin-1.
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)
