"""A client with a collection of documents of every kind, and the job lane's work done in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from headwater.jobs.lane import Lane
from headwater.runtime import Runtime

DOCUMENTS: list[dict[str, Any]] = [
    {"document_id": "plain", "brand": "Acme", "price": 12.5, "metadata": {"status": "draft", "brand": "hidden"}},
    {"document_id": "odd", "": "empty", "a.b": 1, "ключ": ["é", {"x": None}], "source_content_hash": "mine", "n": -0.0},
    {
        "document_id": "rich",
        "features": [
            {
                "feature_extractor_id": "clip_v1",
                "payload": {"title": "Launch"},
                "vectors": {"image": [0.1, 0.2, 0.3], "text": [1e-30, -2.5, 3.0]},
                "note": "kept",
            },
            {"feature_extractor_id": "splade_v1", "vectors": {"indices": [4, 90], "values": [0.7, 1.1]}},
            {"feature_extractor_id": "colbert_v1", "vectors": {"tokens": [[0.1, 0.2], [0.3, 0.4]]}},
        ],
        "root_object_id": "obj_1",
        "root_bucket_id": "bkt_1",
        "source_type": "bucket",
        "content_hash": "ab" * 32,
        "modality": "image",
        "internal_metadata": {"ingestion_status": "PARTIAL", "worker": 3},
        "source_blobs": [{"blob_id": "b1", "url": "https://example.com/a.png", "type": "image"}],
        "document_blobs": [{"field": "thumb", "url": "https://example.com/t.png", "role": "thumbnail"}],
    },
    {"document_id": "child", "source_document_id": "rich", "title": "made from rich"},
]


@pytest.fixture
async def filled(client: httpx2.AsyncClient, collection: dict[str, Any]) -> dict[str, Any]:
    """``things`` with ``DOCUMENTS`` in it."""
    for document in DOCUMENTS:
        made = await client.post(f"/v1/collections/{collection['collection_id']}/documents", json=document)
        assert made.status_code == 200, made.text
    return collection


@pytest.fixture
async def lane(runtime: Runtime) -> AsyncIterator[Lane]:
    """A job lane at work on this process's store."""
    lane = Lane(runtime.settings.data, runtime.settings, runtime.store)
    working = asyncio.create_task(lane.run())
    yield lane
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    lane.close()


async def export(client: httpx2.AsyncClient, collection: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/collections/{collection}/export", json={"format": "json", **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def fetch(client: httpx2.AsyncClient, url: str, **headers: str) -> httpx2.Response:
    """What is behind a link, without a key."""
    return await client.get(url, headers={"Authorization": "", "X-Namespace": "", **headers})


async def rows(client: httpx2.AsyncClient, url: str) -> list[dict[str, Any]]:
    answer = await fetch(client, url)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.split(b"\n") if line]
