"""A database whose pages are damaged answers 503, never fewer documents."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.database import DATABASE, open_reader
from headwater.settings import Settings

pytestmark = pytest.mark.anyio


async def test_read_of_a_damaged_page_is_503(
    client: httpx2.AsyncClient, collection: dict[str, Any], settings: Settings, runtime: Any
) -> None:
    path = f"/v1/collections/{collection['collection_id']}/documents"
    ids = [(await client.post(path, json={"text": "x" * 3000})).json()["document_id"] for _ in range(30)]
    await runtime.store.query("checkpoint")
    runtime.store.writer.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _overwrite_pages_of(settings, "documents")
    runtime.reader.connection.execute("PRAGMA shrink_memory")
    answers = [await client.get(f"{path}/{document_id}") for document_id in ids]
    damaged = [answer for answer in answers if answer.status_code != 200]
    assert damaged
    for answer in damaged:
        assert (answer.status_code, answer.json()["error"]["type"]) == (503, "StorageCorruptedError")
        assert "Retry-After" not in answer.headers


def _overwrite_pages_of(settings: Settings, table: str) -> None:
    reader = open_reader(settings.data)
    try:
        size = reader.pragma("page_size")
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
        pages = [number for (number,) in reader.execute(query, (table,))]
    finally:
        reader.close()
    with (settings.data / DATABASE).open("r+b") as file:
        for number in pages[2:6]:
            file.seek((number - 1) * size)
            file.write(b"\xa5" * size)
