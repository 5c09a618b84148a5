"""Keys with scopes, over HTTP: what they reach and what they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from .conftest import ADMIN

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Place:
    """A namespace and a collection in it."""

    namespace_id: str
    namespace_name: str
    collection_id: str
    collection_name: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Namespace": self.namespace_id}

    @property
    def documents(self) -> str:
        return f"/v1/collections/{self.collection_id}/documents"


async def make_place(admin: httpx2.AsyncClient, name: str) -> Place:
    namespace = (await admin.post("/v1/namespaces", json={"namespace_name": name})).json()
    body = {"collection_name": f"shelf-{name}", "source": {"type": "none"}}
    headers = {"X-Namespace": namespace["namespace_id"]}
    collection = (await admin.post("/v1/collections", json=body, headers=headers)).json()
    return Place(namespace["namespace_id"], name, collection["collection_id"], collection["collection_name"])


@pytest.fixture
async def here(admin: httpx2.AsyncClient) -> Place:
    return await make_place(admin, "here")


@pytest.fixture
async def there(admin: httpx2.AsyncClient) -> Place:
    return await make_place(admin, "there")


class Holder:
    """A client with a scoped key of every permission."""

    def __init__(self, client: httpx2.AsyncClient, secret: str) -> None:
        self._client = client
        self._authorization = {"Authorization": f"Bearer {secret}"}

    async def status(self, method: str, path: str, headers: dict[str, str] | None = None, body: Any = None) -> int:
        answer = await self._client.request(method, path, headers=self._authorization | (headers or {}), json=body)
        if answer.status_code == 403:
            assert answer.json()["error"]["code"] == "scope_required"
        return answer.status_code


async def holder(admin: httpx2.AsyncClient, *scopes: dict[str, Any]) -> Holder:
    body = {"name": "scoped", "permissions": ["admin"], "scopes": list(scopes)}
    answer = await admin.post(f"{ADMIN}/api-keys", json=body)
    assert answer.status_code == 200, answer.text
    return Holder(admin, answer.json()["key"])


@pytest.mark.parametrize("by", ["namespace_id", "namespace_name"])
async def test_namespace_scope(admin: httpx2.AsyncClient, here: Place, there: Place, by: str) -> None:
    key = await holder(admin, {"resource_type": "namespace", "resource_id": getattr(here, by)})
    assert await key.status("POST", here.documents, here.headers, {"a": 1}) == 200
    assert await key.status("GET", here.documents, {"X-Namespace": here.namespace_name}) == 200
    assert await key.status("GET", "/v1/collections", here.headers) == 200
    assert await key.status("GET", f"/v1/namespaces/{here.namespace_name}") == 200
    assert await key.status("GET", there.documents, there.headers) == 403
    assert await key.status("GET", "/v1/collections", there.headers) == 403
    assert await key.status("GET", f"/v1/namespaces/{there.namespace_id}") == 403
    assert await key.status("DELETE", f"/v1/namespaces/{there.namespace_id}") == 403
    assert await key.status("GET", there.documents, here.headers) == 404
    assert await key.status("GET", "/v1/namespaces/ns_nope") == 404
    assert await key.status("POST", "/v1/namespaces", body={"namespace_name": "more"}) == 403
    assert await key.status("GET", "/v1/organizations") == 403


@pytest.mark.parametrize("by", ["collection_id", "collection_name"])
async def test_collection_scope(admin: httpx2.AsyncClient, here: Place, by: str) -> None:
    sibling = {"collection_name": "sibling", "source": {"type": "none"}}
    assert (await admin.post("/v1/collections", json=sibling, headers=here.headers)).status_code == 200
    key = await holder(admin, {"resource_type": "collection", "resource_id": getattr(here, by)})
    assert await key.status("POST", here.documents, here.headers, {"a": 1}) == 200
    assert await key.status("GET", f"/v1/collections/{here.collection_name}", here.headers) == 200
    assert await key.status("GET", "/v1/collections/sibling", here.headers) == 403
    assert await key.status("POST", "/v1/collections/sibling/documents", here.headers, {"a": 1}) == 403
    assert await key.status("GET", "/v1/collections/nope", here.headers) == 404
    # Routes that reach over all collections of a namespace need the namespace.
    assert await key.status("GET", "/v1/collections", here.headers) == 403
    assert await key.status("POST", "/v1/documents/batch-get", here.headers, {"document_ids": ["a"]}) == 403
    assert await key.status("DELETE", f"/v1/namespaces/{here.namespace_id}") == 403


async def test_operations_narrow_a_scope(admin: httpx2.AsyncClient, here: Place) -> None:
    key = await holder(
        admin, {"resource_type": "namespace", "resource_id": "*", "operations": ["read_data", "delete_data"]}
    )
    assert await key.status("GET", here.documents, here.headers) == 200
    assert await key.status("POST", here.documents, here.headers, {"a": 1}) == 403
    assert await key.status("DELETE", f"/v1/collections/{here.collection_id}", here.headers) == 200


async def test_organization_scope_reaches_everything(admin: httpx2.AsyncClient, here: Place) -> None:
    key = await holder(admin, {"resource_type": "organization", "resource_id": "*"})
    assert await key.status("GET", here.documents, here.headers) == 200
    assert await key.status("GET", "/v1/organizations") == 200
    assert await key.status("POST", "/v1/namespaces", body={"namespace_name": "more"}) == 200


async def test_without_a_scope_for_it_the_namespace_is_named_before_the_body_is_read(
    admin: httpx2.AsyncClient, here: Place
) -> None:
    key = await holder(admin, {"resource_type": "namespace", "resource_id": "ns_elsewhere"})
    assert await key.status("POST", here.documents, here.headers, {"features": "not a list"}) == 403
    assert await key.status("POST", here.documents, {"X-Namespace": "nope"}, {"features": "not a list"}) == 404
    assert await key.status("POST", here.documents, {}, {"features": "not a list"}) == 400
