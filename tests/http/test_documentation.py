"""What the server says about itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import httpx2
from fastapi import FastAPI

from headwater.app import create_app
from headwater.runtime import Runtime
from headwater.store.client import StoreClient


async def test_docs_load_nothing_from_elsewhere(anonymous: httpx2.AsyncClient) -> None:
    page = await anonymous.get("/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype html>", "")
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        answer = await anonymous.get(f"/{asset}")
        assert (answer.status_code, len(answer.content) > 50) == (200, True)
    assert (await anonymous.get("/docs/other.js")).status_code == 404


async def test_both_places_have_the_same_description(anonymous: httpx2.AsyncClient) -> None:
    first, second = await anonymous.get("/openapi.json"), await anonymous.get("/docs/openapi.json")
    assert first.json()["paths"]
    assert first.content == second.content


async def test_every_operation_is_described(runtime: Runtime) -> None:
    description = create_app(runtime).openapi()
    operations = [
        (f"{method} {path}", operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) > 40
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    assert [name for name, operation in operations if not (operation.get("summary") and operation["description"])] == []
    assert "HTTPValidationError" not in str(description)


async def test_every_success_and_every_body_has_an_example(runtime: Runtime) -> None:
    description = create_app(runtime).openapi()
    schemas = description["components"]["schemas"]

    def exemplified(part: object, depth: int = 2) -> bool:
        # A list may lean on the example of what it lists.
        named = re.findall(r"#/components/schemas/([\w-]+)", str(part))
        return "'example" in str(part) or (depth > 0 and any(exemplified(schemas[name], depth - 1) for name in named))

    bare = [
        f"{method} {path}"
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        for part in (operation["responses"].get("200"), operation.get("requestBody"))
        if part is not None and not exemplified(part)
    ]
    assert bare == []


async def test_the_description_says_what_a_request_must_bring(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    create = paths["/v1/collections/{collection_identifier}/documents"]["post"]
    assert create["security"] == [{"apiKey": []}]
    assert "X-Namespace" in [parameter["name"] for parameter in create["parameters"]]
    assert "security" not in paths["/v1/health"]["get"]
    assert create["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/ErrorResponse")


async def test_the_description_names_the_failures_that_an_operation_may_have(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    document = paths["/v1/collections/{collection_identifier}/documents/{document_id}"]
    assert {"409", "412", "413", "415", "507"} <= document["patch"]["responses"].keys()
    assert {"409", "412", "504", "507"} & document["get"]["responses"].keys() == {"504"}


async def test_the_description_says_where_null_is_absent(app: FastAPI) -> None:
    fields = app.openapi()["components"]["schemas"]["PayloadIndex"]["properties"]
    assert fields["is_protected"]["anyOf"] == [{"type": "boolean"}, {"type": "null"}]
    assert fields["field_name"]["type"] == "string"


async def test_metrics_need_admin_and_count_by_template(
    keyed: httpx2.AsyncClient, anonymous: httpx2.AsyncClient
) -> None:
    assert (await anonymous.get("/metrics")).status_code == 401
    await anonymous.get("/v1/echo/items/one")
    await anonymous.get("/v1/echo/items/two")
    text = (await keyed.get("/metrics")).text
    assert 'headwater_requests_total{method="GET",route="/v1/echo/items/{item}",status="200"} 2.0' in text
    assert 'headwater_request_seconds_count{method="GET",route="/v1/echo/items/{item}"} 2.0' in text
    assert "headwater_requests_in_flight 1.0" in text
    assert "/one" not in text


async def test_metrics_show_commands_and_the_store(keyed: httpx2.AsyncClient) -> None:
    for _ in range(2):
        await keyed.post("/v1/namespaces", json={"namespace_name": "test"})
    text = (await keyed.get("/metrics")).text
    assert 'headwater_command_seconds_count{command="CreateNamespace",outcome="stored"} 1.0' in text
    assert 'headwater_command_seconds_count{command="CreateNamespace",outcome="AlreadyExistsError"} 1.0' in text
    assert "headwater_store_up 1.0" in text
    assert "headwater_store_read_only 0.0" in text
    assert "headwater_models_up 1.0" in text
    assert "headwater_models_waiting 0.0" in text


async def test_metrics_are_served_without_the_store(runtime: Runtime, tmp_path: Path) -> None:
    settings = runtime.settings.model_copy(update={"metrics_public": True, "outcome_wait_seconds": 0.1})
    store = StoreClient(tmp_path / "nobody.sock", settings)
    transport = httpx2.ASGITransport(app=create_app(replace(runtime, settings=settings, store=store)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "headwater_store_up 0.0" in answer.text


async def test_metrics_can_be_public(runtime: Runtime) -> None:
    runtime.settings.metrics_public = True
    transport = httpx2.ASGITransport(app=create_app(runtime))
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        assert (await client.get("/metrics")).status_code == 200
