"""A namespace with ``title`` and ``tags`` declared as text, and searches in it."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime
from headwater.store.search import SearchRequest, search

TEXT_FIELDS = [{"field_name": "title", "type": "text"}, {"field_name": "tags", "type": "text"}]


class Warehouse:
    """A collection whose documents are written over HTTP and searched in the store."""

    def __init__(self, client: httpx2.AsyncClient, runtime: Runtime, collection_id: str) -> None:
        self.client = client
        self.runtime = runtime
        self.collection_id = collection_id
        self.path = f"/v1/collections/{collection_id}/documents"

    @property
    def namespace(self) -> str:
        return f"/v1/namespaces/{self.client.headers['X-Namespace']}"

    async def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.client.request(method, path, json=body)
        assert answer.status_code in (200, 202), answer.text
        return answer.json()

    async def create(self, document_id: str, title: Any, **fields: Any) -> Any:
        return await self.ok("POST", self.path, {"document_id": document_id, "title": title, **fields})

    async def declare(self, *paths: str) -> None:
        indexes = [{"field_name": path, "type": "text"} for path in paths]
        await self.ok("PATCH", self.namespace, {"payload_indexes": indexes})

    async def find(self, query: str, limit: int = 1000, collection_id: str | None = None) -> dict[str, float]:
        """Ids of the documents that are found, best first, and their scores."""
        row = self.row_of(collection_id or self.collection_id)
        [hits] = await search(self.runtime.store, [SearchRequest(row, query, limit)])
        return {self._id_of(hit.document_row): hit.score for hit in hits}

    def row_of(self, collection_id: str) -> int:
        return int(self._get("SELECT collection_row FROM collections WHERE collection_id = ?", collection_id))

    def _id_of(self, document_row: int) -> str:
        return str(self._get("SELECT document_id FROM documents WHERE document_row = ?", document_row))

    def _get(self, sql: str, value: Any) -> Any:
        return self.runtime.reader.connection.execute(sql, (value,)).get


@pytest.fixture
async def warehouse(client: httpx2.AsyncClient, runtime: Runtime, collection: dict[str, Any]) -> Warehouse:
    made = Warehouse(client, runtime, collection["collection_id"])
    await made.declare("title", "tags")
    return made
