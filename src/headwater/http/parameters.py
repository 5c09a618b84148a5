"""A shorter way to the parameters of a hot route.

FastAPI's resolution costs some 40 µs even where there is nothing to validate, and several times that for a list with
its twenty optional query parameters. A route function whose parameters are only path segments taken as text, the
request, dependencies that want nothing but the request, dependencies of optional query parameters while the query
string is empty, and one body gets them directly; every other one goes through FastAPI. Both ways give the same values.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Path
from starlette.requests import Request


@dataclass(frozen=True)
class DirectParameters:
    """The parameters of a function that needs no validation."""

    path: tuple[str, ...]
    dependencies: tuple[tuple[str, Callable[..., Awaitable[Any]], str | None], ...]
    request: str | None
    #: Dependencies that are called with their defaults when the query string is empty.
    defaults: tuple[tuple[str, Callable[..., Awaitable[Any]]], ...] = ()
    body: ModelField | None = None

    def suffice(self, request: Request) -> bool:
        """Whether this request leaves nothing to look at for FastAPI."""
        return not self.defaults or not request.scope["query_string"]

    async def resolve(self, request: Request, body: Any = None) -> dict[str, Any]:
        """Raises ``RequestValidationError`` for a body that does not fit."""
        found = request.scope["path_params"]
        values: dict[str, Any] = {name: found[name] for name in self.path}
        for name, call, wants_request in self.dependencies:
            values[name] = await (call() if wants_request is None else call(**{wants_request: request}))
        for name, call in self.defaults:
            values[name] = await call()
        if self.request is not None:
            values[self.request] = request
        if self.body is not None:
            values[self.body.name], errors = self.body.validate(body, {}, loc=("body",))
            if errors:
                raise RequestValidationError(errors)
        return values


def direct_parameters(dependant: Dependant, body: ModelField | None = None) -> DirectParameters | None:
    """The short way for that function, or None when it has a parameter that FastAPI must look at. ``body``: the one
    parameter that is the whole body, if there is one."""
    if not _only_request(dependant, path=True, body=body is not None):
        return None
    if not all(_plain_text(field) for field in dependant.path_params):
        return None
    optional = [below for below in dependant.dependencies if _of_optional_query(below)]
    simple = [below for below in dependant.dependencies if below not in optional]
    if not all(_simple(below) for below in simple):
        return None
    return DirectParameters(
        path=tuple(field.name for field in dependant.path_params),
        dependencies=tuple((below.name or "", _call(below), below.request_param_name) for below in simple),
        request=dependant.request_param_name,
        defaults=tuple((below.name or "", _call(below)) for below in optional),
        body=body,
    )


def _only_request(dependant: Dependant, *, path: bool = False, query: bool = False, body: bool = False) -> bool:
    """Whether the function wants nothing but the request and what is allowed here."""
    return not (
        (dependant.path_params and not path)
        or (dependant.query_params and not query)
        or dependant.header_params
        or dependant.cookie_params
        or (dependant.body_params and not body)
        or dependant.response_param_name
        or dependant.background_tasks_param_name
        or dependant.security_scopes_param_name
        or dependant.http_connection_param_name
    )


def _plain_text(field: Any) -> bool:
    info = field.field_info
    return type(info) is Path and info.annotation is str and not info.metadata and field.alias == field.name


def _simple(dependant: Dependant) -> bool:
    return (
        dependant.name is not None
        and not dependant.dependencies
        and inspect.iscoroutinefunction(dependant.call)
        and _only_request(dependant)
    )


def _of_optional_query(dependant: Dependant) -> bool:
    """Whether without a query string the function is called with its defaults and nothing else."""
    return (
        dependant.name is not None
        and bool(dependant.query_params)
        and dependant.request_param_name is None
        and not dependant.dependencies
        and inspect.iscoroutinefunction(dependant.call)
        and not any(field.field_info.is_required() for field in dependant.query_params)
        and _only_request(dependant, query=True)
    )


def _call(dependant: Dependant) -> Callable[..., Awaitable[Any]]:
    assert dependant.call is not None
    return dependant.call
