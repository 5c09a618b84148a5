"""Collections with vectors, and a context to search them with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.context import Context
from headwater.tenancy.access import authenticate, resolve_namespace

Put = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def context(runtime: Any, client: httpx2.AsyncClient) -> Context:
    """The administrator in the client's namespace."""
    key = authenticate(runtime, client.headers["Authorization"], None)
    return Context(runtime, "req_test", key, resolve_namespace(runtime, key, client.headers["X-Namespace"]))


@pytest.fixture
def put(client: httpx2.AsyncClient, collection: dict[str, Any]) -> Put:
    """``await put("a", [1, 0], brand="x")`` stores a document with the vector ``text_extractor_v1_embedding``."""

    async def store(
        document_id: str, vector: Any = None, in_collection: str = "things", output: str = "embedding", **body: Any
    ) -> dict[str, Any]:
        vectors = vector if isinstance(vector, dict) and "indices" not in vector else {output: vector}
        features = [{"feature_extractor_id": "text_extractor_v1", "vectors": vectors}] if vector is not None else []
        answer = await client.post(
            f"/v1/collections/{in_collection}/documents",
            json={"document_id": document_id, "features": features, **body},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return store


@pytest.fixture
def make(client: httpx2.AsyncClient) -> Callable[..., Awaitable[dict[str, Any]]]:
    """``await make("others")`` makes another hand-filled collection."""

    async def create(name: str, **body: Any) -> dict[str, Any]:
        answer = await client.post(
            "/v1/collections", json={"collection_name": name, "source": {"type": "none"}, **body}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return create
