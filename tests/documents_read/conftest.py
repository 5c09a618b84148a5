"""A client with a namespace and collections, made through the store's own commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater import ids
from headwater.store.commands.collections import PASSTHROUGH_EXTRACTOR, CreateCollection
from headwater.store.commands.namespaces import CreateNamespace

MakeCollection = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def organization_id(runtime: Any) -> str:
    row = runtime.reader.connection.execute("SELECT organization_id FROM organizations").fetchone()
    return str(row[0])


@pytest.fixture
async def namespace(runtime: Any, organization_id: str) -> dict[str, Any]:
    made = await runtime.store.execute(
        CreateNamespace(
            organization_id=organization_id, namespace_id=ids.new_namespace_id(), namespace_name="test", body={}
        )
    )
    return dict(made)


@pytest.fixture
def make_collection(runtime: Any, organization_id: str, namespace: dict[str, Any]) -> MakeCollection:
    async def make(name: str = "things", **body: Any) -> dict[str, Any]:
        made = await runtime.store.execute(
            CreateCollection(
                organization_id=organization_id,
                namespace_row=body.pop("namespace_row", namespace["namespace_row"]),
                collection_id=ids.new_collection_id(),
                collection_name=name,
                body={"source": {"type": "none"}, "feature_extractor": PASSTHROUGH_EXTRACTOR, **body},
            )
        )
        return dict(made)

    return make


@pytest.fixture
async def collection(make_collection: MakeCollection) -> dict[str, Any]:
    return await make_collection()


@pytest.fixture
async def client(app: Any, admin_key: str, namespace: dict[str, Any]) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {admin_key}", "X-Namespace": namespace["namespace_id"]}
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        yield client


Create = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def create(client: httpx2.AsyncClient) -> Create:
    """``await create("doc_b", "scenes", parent="doc_a", …)`` stores a document and returns it."""

    async def make(
        document_id: str, collection: str = "things", *, parent: str | None = None, **body: Any
    ) -> dict[str, Any]:
        body |= {"document_id": document_id, **({} if parent is None else {"source_document_id": parent})}
        answer = await client.post(f"/v1/collections/{collection}/documents", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return make
