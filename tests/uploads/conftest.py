"""A bucket for photos and texts, and the ways of an upload."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.jobs.file_upkeep import FileUpkeep

Client = httpx2.AsyncClient
Issue = Callable[..., Awaitable[dict[str, Any]]]
Send = Callable[..., Awaitable[httpx2.Response]]

PHOTO = b"\x89PNG pixels"
SCHEMA = {
    "properties": {
        "photo": {"type": "image"},
        "content": {"type": "text"},
        "title": {"type": "string"},
        "sku": {"type": "string"},
    }
}
UPLOADS = "/v1/buckets/shop/uploads"


@pytest.fixture
async def bucket(client: Client) -> dict[str, Any]:
    made = await client.post("/v1/buckets", json={"bucket_name": "shop", "bucket_schema": SCHEMA})
    assert made.status_code == 200, made.text
    return dict(made.json())


@pytest.fixture
def issue(client: Client, bucket: dict[str, Any]) -> Issue:
    """``await issue(file_hash=…)`` makes an upload of a photo."""

    async def make(**body: Any) -> dict[str, Any]:
        sent = {"filename": "photo.png", "content_type": "image/png", **body}
        made = await client.post(UPLOADS, json=sent)
        assert made.status_code == 200, made.text
        return dict(made.json())

    return make


@pytest.fixture
def send(anonymous: Client) -> Send:
    """``await send(upload, content)`` PUTs the file, without a key."""

    async def put(upload: dict[str, Any], content: bytes = PHOTO) -> httpx2.Response:
        return await anonymous.put(
            upload["presigned_url"], content=content, headers={"Content-Type": upload["content_type"]}
        )

    return put


@pytest.fixture
def confirm(client: Client) -> Send:
    async def post(upload: dict[str, Any], query: str = "", **body: Any) -> httpx2.Response:
        return await client.post(f"{UPLOADS}/{upload['upload_id']}/confirm{query}", json=body)

    return post


@pytest.fixture
async def upkeep(runtime: Any) -> AsyncIterator[FileUpkeep]:
    """What the job lane does beside its jobs."""
    yield FileUpkeep(runtime.settings.data, runtime.reader.connection, runtime.store, runtime.blobs)


def files_of(runtime: Any) -> list[str]:
    """The names of all whole files in the store."""
    folder = runtime.settings.data / "blobs"
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and ".partial" not in path.parts)
