"""The OpenAPI description: FastAPI's, plus what it cannot know: who may call a route, and how it fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from headwater.errors import ERROR_TYPES
from headwater.http.access import Access
from headwater.http.route import Route

_ERROR_SCHEMA = {
    "type": "object",
    "description": "The one form of every answer that is not a success.",
    "required": ["success", "status", "error"],
    "properties": {
        "success": {"type": "boolean", "const": False},
        "status": {"type": "integer", "description": "The HTTP status."},
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string", "description": "What went wrong and what to do about it."},
                "type": {"type": "string", "enum": sorted(ERROR_TYPES)},
                "code": {"type": "string", "description": "A stable name of the case, where callers may branch on it."},
                "details": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            },
        },
    },
    "example": {
        "success": False,
        "status": 404,
        "error": {
            "message": "Collection not found",
            "type": "NotFoundError",
            "code": "collection_not_found",
            "details": {"resource": "collection", "id": "col_nope"},
        },
    },
}
_NAMESPACE_HEADER = {
    "name": "X-Namespace",
    "in": "header",
    "required": True,
    "description": "Id or name of the namespace that the request is about.",
    "schema": {"type": "string"},
    "examples": {"id": {"value": "ns_abc123def4"}, "name": {"value": "production"}},
}
_SECURITY = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer sk_…`"},
    "privateToken": {"type": "http", "scheme": "bearer", "description": "The token in `DIR/private-token`."},
}
_DESCRIPTIONS = {
    400: "The request contradicts itself or lacks what the route needs",
    401: "No valid API key",
    403: "The key may not do this",
    404: "Nothing with that id or name is visible to the caller",
    408: "The body did not arrive in time",
    409: "What is stored stands against it: a taken name or id, a frozen collection, a key used for another request",
    412: "The document is not of the version that `If-Match` names",
    413: "The body is too long",
    414: "The URL is too long",
    415: "The body is not JSON, or compressed",
    422: "The payload is malformed",
    429: "Too many requests with invalid keys",
    431: "The headers are too long",
    500: "A defect in the server",
    503: "A part of the server is down or overloaded; nothing was stored",
    504: "The query took too long",
    507: "The disk is nearly full; deleting still works",
}
_SCHEMAS = "#/components/schemas/"
_ALWAYS = {400, 401, 403, 404, 414, 422, 429, 431, 500, 503}
_WITH_BODY = {408, 413, 415}
_OF_WRITES = {409, 507}
_OF_QUERIES = {504}


def describe(app: FastAPI, routes: Iterable[Route]) -> dict[str, Any]:
    """The whole description."""
    description = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=app.servers or None,
    )
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # FastAPI's own form of a 422, which is never sent.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["ErrorResponse"] = _ERROR_SCHEMA
    components["securitySchemes"] = _SECURITY
    for route in routes:
        if route.include_in_schema and route.access is not None:
            _complete(description["paths"][route.path][route.method.lower()], route.access)
    return description


def _complete(operation: dict[str, Any], access: Access) -> None:
    for status in sorted(_failures(operation, access)):
        operation["responses"][str(status)] = _failure(status, operation["responses"].get(str(status), {}))
    if access.permission != "public":
        operation["security"] = [{"privateToken" if access.permission == "private" else "apiKey": []}]
    if access.permission not in ("public", "any", "private"):
        text = operation.get("description", "")
        operation["description"] = f"{text}\n\nNeeds the permission `{access.permission}`.".strip()
    if access.namespaced:
        header = _NAMESPACE_HEADER | {"required": not access.namespace_omissible}
        operation.setdefault("parameters", []).append(header)


def _failure(status: int, declared: dict[str, Any]) -> dict[str, Any]:
    """The description of that error, or of it beside what the route itself answers with the same status."""
    schema: dict[str, Any] = {"$ref": _SCHEMAS + "ErrorResponse"}
    own = declared.get("content", {}).get("application/json", {}).get("schema")
    if own not in (None, {"$ref": _SCHEMAS + "HTTPValidationError"}):
        schema = {"anyOf": [schema, own]}
    return {"description": _DESCRIPTIONS[status], "content": {"application/json": {"schema": schema}}}


def _failures(operation: dict[str, Any], access: Access) -> set[int]:
    """The statuses of the errors that the operation may answer with."""
    found = set(_ALWAYS)
    if "requestBody" in operation:
        found |= _WITH_BODY
    if access.permission in ("write", "delete", "admin", "private"):
        found |= _OF_WRITES
    elif access.namespaced:
        found |= _OF_QUERIES
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", [])):
        found.add(412)
    return found
