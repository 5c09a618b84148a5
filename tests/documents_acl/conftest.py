"""End users, each with a key, and documents that they stand in every relation to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

KEYS = "/v1/organizations/users/admin@localhost.local/api-keys"
#: End users. ``olga`` owns documents, ``walt`` may write them, ``rita`` may read them, ``nina`` may neither.
PRINCIPALS = ("olga", "walt", "rita", "nina")


@dataclass
class World:
    """A client for the organization and one for each end user, all in the same namespace."""

    org: httpx2.AsyncClient
    users: dict[str, httpx2.AsyncClient]
    namespace_id: str
    collection_id: str

    def __getitem__(self, principal: str | None) -> httpx2.AsyncClient:
        return self.org if principal is None else self.users[principal]

    @property
    def documents(self) -> str:
        return f"/v1/collections/{self.collection_id}/documents"

    async def share(self, document_id: str, *, by: str | None = None, **acl: Any) -> dict[str, Any]:
        """Change the document's ACL."""
        return await done(self[by].patch(f"{self.documents}/{document_id}/acl", json=acl))

    async def make(self, document_id: str, *, by: str | None = None, **body: Any) -> dict[str, Any]:
        return await done(self[by].post(self.documents, json={"document_id": document_id, **body}))

    async def make_shared(self, document_id: str, *, public: bool = False, **body: Any) -> dict[str, Any]:
        """A document of ``olga`` that ``walt`` may write and ``rita`` may read."""
        await self.make(document_id, by="olga", **body)
        return await self.share(document_id, by="olga", read=["rita"], write=["walt"], public=public)

    async def stored(self, document_id: str) -> dict[str, Any]:
        return await done(self.org.get(f"/v1/documents/{document_id}"))

    async def lineage(self, document_id: str) -> dict[str, Any]:
        return dict((await self.stored(document_id))["_internal"]["lineage"])


async def done(request: Any, status: int = 200) -> Any:
    answer = await request
    assert answer.status_code == status, answer.text
    return answer.json()


def refusal(answer: httpx2.Response) -> tuple[int, str | None]:
    """Status and error code."""
    return answer.status_code, answer.json()["error"].get("code") if answer.status_code >= 400 else None


@pytest.fixture
async def world(
    app: Any, client: httpx2.AsyncClient, collection: dict[str, Any], anyio_backend: str
) -> AsyncIterator[World]:
    namespace = client.headers["X-Namespace"]
    users = {}
    async with AsyncExitStack() as stack:
        for principal in PRINCIPALS:
            body = {"name": principal, "principal_id": principal, "permissions": ["admin"]}
            key = (await done(client.post(KEYS, json=body)))["key"]
            transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
            headers = {"Authorization": f"Bearer {key}", "X-Namespace": namespace}
            user = httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers)
            users[principal] = await stack.enter_async_context(user)
        yield World(client, users, namespace, collection["collection_id"])
