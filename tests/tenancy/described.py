"""What the application's description says about its routes: examples of bodies and the places where ids go."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from headwater.http.access import ACCESS, Access
from headwater.http.route import Route

_ID = re.compile(r"_(ids?|identifiers?)$")


@dataclass(frozen=True)
class Described:
    """A route with the first example of its body and the names that take an id."""

    route: Route
    access: Access
    body: dict[str, Any] | None
    #: Names of ids that the body may have at its root.
    body_ids: list[str] = field(default_factory=list)
    #: Names of query parameters that take an id.
    query_ids: list[str] = field(default_factory=list)

    @property
    def path_parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.route.path)

    @property
    def name(self) -> str:
        return f"{self.route.method} {self.route.path}"


def described_routes(app: FastAPI) -> list[Described]:
    """Every route of the application."""
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    description = get_openapi(title="Headwater", version="0", routes=routes)
    schemas = description.get("components", {}).get("schemas", {})
    return [_described(route, description["paths"], schemas) for route in routes]


def _described(route: Route, paths: dict[str, Any], schemas: dict[str, Any]) -> Described:
    access = ACCESS[route.method, route.path]
    operation = paths.get(route.path, {}).get(route.method.lower(), {})
    query = [
        item["name"]
        for item in operation.get("parameters", [])
        # Flags such as ``include_document_ids`` are named like ids and are none.
        if item["in"] == "query" and item["schema"].get("type") != "boolean"
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return Described(route, access, None, [], [name for name in query if _ID.search(name)])
    schema = _resolved(content.get("schema", {}), schemas)
    names = [*schema.get("properties", {}), *_example(content, schema)]
    ids = sorted({name for name in names if _ID.search(name)})
    return Described(route, access, _example(content, schema), ids, [name for name in query if _ID.search(name)])


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    for choice in (schema, *schema.get("anyOf", []), *schema.get("allOf", [])):
        if "$ref" in choice:
            return dict(schemas[choice["$ref"].rpartition("/")[2]])
    return schema


def _example(content: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    examples = content.get("examples") or schema.get("examples") or [content.get("example") or {}]
    first = next(iter(examples.values()))["value"] if isinstance(examples, dict) else examples[0]
    return copy.deepcopy(dict(first))


def leaves(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every (object, key) pair in a JSON value, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield value, key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
