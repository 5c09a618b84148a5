"""Deleting namespaces: gone at once with all that is in them, removed in slices."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime
from headwater.store.purge_job import purge_namespace

pytestmark = pytest.mark.anyio
BODY = {"collection_name": "things", "source": {"type": "none"}}


@pytest.fixture
async def shop(client: httpx2.AsyncClient) -> dict[str, Any]:
    """A namespace ``shop`` with two collections of two documents each."""
    made = (await client.post("/v1/namespaces", json={"namespace_name": "shop", "namespace_id": "shop"})).json()
    for name in ("things", "parts"):
        assert (
            await client.post("/v1/collections", json=BODY | {"collection_name": name}, headers={"X-Namespace": "shop"})
        ).status_code == 200
        for number in range(2):
            stored = await client.post(
                f"/v1/collections/{name}/documents",
                json={
                    "document_id": f"doc_{name}_{number}",
                    "features": [{"feature_extractor_id": "own_v1", "vectors": {"v": [1.0, 2.0]}}],
                },
                headers={"X-Namespace": "shop"},
            )
            assert stored.status_code == 200, stored.text
    return dict(made)


def left(runtime: Runtime) -> dict[str, int]:
    tables = ("namespaces", "collections", "documents", "vectors", "generations")
    return {table: runtime.reader.connection.execute(f"SELECT count(*) FROM {table}").get for table in tables}


async def test_a_deleted_namespace_is_gone_at_once(client: httpx2.AsyncClient, shop: dict[str, Any]) -> None:
    deleted = await client.delete("/v1/namespaces/shop?force=true")
    assert deleted.status_code == 200, deleted.text
    answer = deleted.json()
    assert (answer["success"], answer["namespace_id"], answer["deleted_documents"]) == (True, "shop", 4)
    assert answer["task_id"].startswith("task_")
    assert (await client.get("/v1/namespaces/shop")).status_code == 404
    assert (await client.get("/v1/collections/things", headers={"X-Namespace": "shop"})).status_code == 404
    assert (await client.get("/v1/documents/doc_things_0", headers={"X-Namespace": "shop"})).status_code == 404
    assert (await client.delete("/v1/namespaces/shop")).status_code == 404
    assert [row["namespace_name"] for row in (await client.get("/v1/namespaces")).json()["results"]] == ["test"]


async def test_its_id_is_free_at_once_and_starts_empty(
    client: httpx2.AsyncClient, shop: dict[str, Any], runtime: Runtime
) -> None:
    await client.delete("/v1/namespaces/shop")
    again = await client.post("/v1/namespaces", json={"namespace_name": "shop", "namespace_id": "shop"})
    assert again.status_code == 200, again.text
    headers = {"X-Namespace": "shop"}
    assert (await client.get("/v1/collections", headers=headers)).json()["results"] == []
    assert (await client.post("/v1/collections", json=BODY, headers=headers)).status_code == 200
    stored = await client.post(
        "/v1/collections/things/documents", json={"document_id": "doc_things_0", "new": True}, headers=headers
    )
    assert stored.status_code == 200, stored.text
    (row,) = runtime.reader.connection.execute(
        "SELECT namespace_row FROM namespaces WHERE state = 'deleting'"
    ).fetchone()
    await purge_namespace(runtime.store, {"namespace_row": row})
    assert (await client.get("/v1/documents/doc_things_0", headers=headers)).json()["new"] is True
    assert left(runtime)["documents"] == 1


async def test_the_purge_leaves_nothing(client: httpx2.AsyncClient, shop: dict[str, Any], runtime: Runtime) -> None:
    row = runtime.reader.connection.execute("SELECT namespace_row FROM namespaces WHERE namespace_id = 'shop'").get
    await client.delete("/v1/namespaces/shop")
    outcome = await purge_namespace(runtime.store, {"namespace_row": row})
    assert outcome["removed_rows"] == 4
    assert left(runtime) == {"namespaces": 1, "collections": 0, "documents": 0, "vectors": 0, "generations": 0}
    again = await purge_namespace(runtime.store, {"namespace_row": row})
    assert again == {"removed_rows": 0}
