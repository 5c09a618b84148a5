"""Standalone namespaces that become managed ones."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio
CONFIGS = [{"name": "image", "dimension": 2, "metric": "cosine"}]


@pytest.fixture
async def standalone(client: httpx2.AsyncClient) -> str:
    """A standalone namespace with a document in a collection of its own."""
    made = await client.post("/v1/namespaces/standalone", json={"namespace_id": "alone", "vector_configs": CONFIGS})
    assert made.status_code == 200, made.text
    client.headers["X-Namespace"] = "alone"
    await client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
    body = {"document_id": "a", "vectors": {"image": [1.0, 0.0]}}
    assert (await client.post("/v1/collections/things/documents", json=body)).status_code == 200
    return "alone"


async def test_promote(client: httpx2.AsyncClient, standalone: str) -> None:
    body = {"add_vectors": [{"name": "title", "dimension": 3, "metric": "dot_product"}]}
    checked = (await client.post(f"/v1/namespaces/{standalone}/promote/validate", json=body)).json()
    assert (checked["valid"], checked["current_mode"], checked["errors"]) == (True, "standalone", [])
    answer = (await client.post(f"/v1/namespaces/{standalone}/promote", json=body)).json()
    assert (answer["previous_mode"], answer["mode"], answer["status"]) == ("standalone", "managed", "active")
    assert answer["vector_configs"] == checked["vector_configs"] == [*CONFIGS, *body["add_vectors"]]
    found = (await client.get(f"/v1/namespaces/{standalone}")).json()
    assert (found["mode"], found["document_count"]) == ("managed", 1)
    changed = await client.patch("/v1/collections/things/documents/a", json={"vectors": {"title": [1, 2, 3]}})
    assert changed.status_code == 200, changed.text
    shown = await client.get("/v1/collections/things/documents/a", params={"return_vectors": "true"})
    assert (shown.json()["image"], shown.json()["title"]) == ([1.0, 0.0], [1.0, 2.0, 3.0])


async def test_managed_namespaces_conflict(client: httpx2.AsyncClient, standalone: str) -> None:
    assert (await client.post(f"/v1/namespaces/{standalone}/promote", json={})).status_code == 200
    again = await client.post(f"/v1/namespaces/{standalone}/promote", json={})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "namespace_managed")
    checked = (await client.post(f"/v1/namespaces/{standalone}/promote/validate", json={})).json()
    assert (checked["valid"], checked["current_mode"]) == (False, "managed")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"vector_mappings": [{"existing_index": "nope", "inference_service": "s"}]}, 422, "ValidationError"),
        ({"vector_mappings": [{"existing_index": "image", "inference_service": "s"}]}, 403, "NotEnabledError"),
        ({"add_vectors": [{"name": "image", "dimension": 2}]}, 422, "ValidationError"),
        ({"add_vectors": [{"name": "x", "dimension": 2}, {"name": "x", "dimension": 3}]}, 422, "ValidationError"),
        ({"add_vectors": [{"name": "metadata", "dimension": 2}]}, 422, "ValidationError"),
        ({"add_vectors": [{"name": "x", "dimension": 1_000_000}]}, 422, "ValidationError"),
        ({"add_vectors": [{"name": "x", "dimension": 2, "inference_service": "s"}]}, 403, "NotEnabledError"),
        ({"other": 1}, 422, "ValidationError"),
    ],
)
async def test_what_is_refused(
    client: httpx2.AsyncClient, standalone: str, body: dict[str, Any], status: int, kind: str
) -> None:
    answer = await client.post(f"/v1/namespaces/{standalone}/promote", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    checked = await client.post(f"/v1/namespaces/{standalone}/promote/validate", json=body)
    assert checked.status_code == (422 if status == 422 else 200)
    if status == 403:
        assert (checked.json()["valid"], checked.json()["errors"][0]["inference_service"]) == (False, "s")
    assert (await client.get(f"/v1/namespaces/{standalone}")).json()["mode"] == "standalone"
