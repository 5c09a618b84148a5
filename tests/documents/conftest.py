"""An application with one namespace, and collections made by command: these tests need only the document routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.runtime import Runtime
from headwater.store.commands.collections import PASSTHROUGH_EXTRACTOR, CreateCollection, SetLifecycle, UpdateCollection
from headwater.store.commands.namespaces import CreateNamespace

MakeCollection = Callable[..., Awaitable[Collection]]


def vector_index(name: str, kind: str = "dense", dimensions: int | None = 3, **extra: Any) -> dict[str, Any]:
    """A declared index of ``text_extractor_v1`` unless ``extra`` says otherwise."""
    index = {
        "name": name,
        "kind": kind,
        "dimensions": dimensions,
        "distance": "cosine",
        "output": name.removeprefix("text_extractor_v1_"),
        "feature_extractor_id": "text_extractor_v1",
        "declared": True,
    }
    return index | extra


@pytest.fixture
async def namespace(runtime: Runtime, admin_key: str) -> Namespace:
    [organization_id] = runtime.reader.connection.execute("SELECT organization_id FROM organizations").fetchone()
    await runtime.store.execute(
        CreateNamespace(organization_id=organization_id, namespace_id="ns_test", namespace_name="test", body={})
    )
    found = runtime.catalogue.namespace(organization_id, "ns_test")
    assert found is not None
    return found


@pytest.fixture
def make_collection(runtime: Runtime, namespace: Namespace) -> MakeCollection:
    """``await make_collection("articles", vectors=[...], document_schema={...})``."""

    async def make(name: str, **body: Any) -> Collection:
        made = await runtime.store.execute(
            CreateCollection(
                organization_id=namespace.organization_id,
                namespace_row=namespace.namespace_row,
                collection_id=f"col_{name}",
                collection_name=name,
                body={"source": {"type": "none"}, "feature_extractor": PASSTHROUGH_EXTRACTOR},
            )
        )
        await runtime.store.execute(
            UpdateCollection(
                organization_id=namespace.organization_id,
                namespace_row=namespace.namespace_row,
                collection_row=made["collection_row"],
                changes=body,
            )
        )
        found = runtime.catalogue.collection(namespace.namespace_row, name)
        assert found is not None
        return found

    return make


@pytest.fixture
async def things(make_collection: MakeCollection) -> Collection:
    return await make_collection("things")


@pytest.fixture
async def api(app: Any, admin_key: str, namespace: Namespace) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the admin key in the namespace."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {admin_key}", "X-Namespace": namespace.namespace_id}
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        yield client


@pytest.fixture
def freeze(runtime: Runtime, namespace: Namespace) -> Callable[[Collection], Awaitable[None]]:
    """``await freeze(collection)``."""

    async def freeze(collection: Collection) -> None:
        await runtime.store.execute(
            SetLifecycle(
                organization_id=namespace.organization_id,
                namespace_row=namespace.namespace_row,
                collection_row=collection.collection_row,
                lifecycle_state="frozen",
            )
        )

    return freeze
