"""Buckets and objects made over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

SCHEMA = {
    "properties": {
        "title": {"type": "string"},
        "price": {"type": "number"},
        "content": {"type": "text"},
        "picture": {"type": "image"},
    }
}
MakeBucket = Callable[..., Awaitable[dict[str, Any]]]
MakeObject = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def make_bucket(client: httpx2.AsyncClient) -> MakeBucket:
    """``await make_bucket("films", unique_key=…)`` makes a bucket and returns it."""

    async def make(name: str = "things", **body: Any) -> dict[str, Any]:
        answer = await client.post("/v1/buckets", json={"bucket_name": name, "bucket_schema": SCHEMA, **body})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return make


@pytest.fixture
async def bucket(make_bucket: MakeBucket) -> dict[str, Any]:
    return await make_bucket()


@pytest.fixture
def make_object(client: httpx2.AsyncClient) -> MakeObject:
    """``await make_object("films", title=…)`` makes an object in that bucket and returns it."""

    async def make(bucket: str = "things", **body: Any) -> dict[str, Any]:
        answer = await client.post(f"/v1/buckets/{bucket}/objects", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return make
