"""Who reaches the document routes, and in which order a request is refused."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
ROUTES = [
    ("POST", PATH),
    ("GET", f"{PATH}/d"),
    ("PUT", f"{PATH}/d"),
    ("PATCH", f"{PATH}/d"),
    ("DELETE", f"{PATH}/d"),
    ("GET", "/v1/documents/d"),
    ("PUT", "/v1/documents/d"),
    ("PATCH", "/v1/documents/d"),
]
EVERY = pytest.mark.parametrize(("method", "path"), ROUTES)


async def key_with(api: httpx2.AsyncClient, *permissions: str) -> str:
    me = (await api.get("/v1/me")).json()
    body = {"name": "-".join(permissions), "permissions": list(permissions)}
    answer = await api.post(f"/v1/organizations/users/{me['user_email']}/api-keys", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key"])


@EVERY
async def test_without_a_key_nothing_is_said(
    api: httpx2.AsyncClient, things: Collection, method: str, path: str
) -> None:
    del api.headers["Authorization"]
    answer = await api.request(method, path, json={})
    assert answer.status_code == 401


@EVERY
async def test_without_a_namespace_the_request_is_bad(
    api: httpx2.AsyncClient, things: Collection, method: str, path: str
) -> None:
    del api.headers["X-Namespace"]
    answer = await api.request(method, path, json={})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "BadRequestError")


@EVERY
async def test_another_namespace_is_not_found(
    api: httpx2.AsyncClient, things: Collection, method: str, path: str
) -> None:
    answer = await api.request(method, path, json={}, headers={"X-Namespace": "ns_of_somebody"})
    assert answer.status_code == 404
    assert answer.json()["error"]["details"] == {"resource": "namespace", "id": "ns_of_somebody"}


async def test_a_key_does_what_its_permission_says(api: httpx2.AsyncClient, things: Collection) -> None:
    await api.post(PATH, json={"document_id": "d"})
    allowed = {
        "read": {"GET"},
        "write": {"GET", "POST", "PUT", "PATCH"},
        "delete": {"GET", "POST", "PUT", "PATCH", "DELETE"},
    }
    for permission, methods in allowed.items():
        headers = {"Authorization": f"Bearer {await key_with(api, permission)}"}
        for method, path in ROUTES:
            answer = await api.request(method, path, json={}, headers=headers)
            assert (answer.status_code == 403) == (method not in methods), (permission, method, answer.text)


async def test_a_missing_collection_or_document_is_said_before_a_bad_body(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    bad: dict[str, Any] = {"metadata": 1}
    for method, path, resource in (
        ("POST", "/v1/collections/nope/documents", "collection"),
        ("PUT", "/v1/collections/nope/documents/d", "collection"),
        ("PATCH", f"{PATH}/nope", "document"),
        ("PUT", "/v1/documents/nope", "document"),
    ):
        answer = await api.request(method, path, json=bad)
        assert answer.status_code == 404, answer.text
        assert answer.json()["error"]["details"] == {"resource": resource, "id": "nope"}
