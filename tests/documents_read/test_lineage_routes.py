"""Lineage through the API, and the job that goes on with long repairs."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from headwater.store.documents import lineage as lineage_module
from headwater.store.lineage_job import repair_lineage

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient


async def get(client: Client, document_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/documents/{document_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_created_child_inherits_from_its_parent(client: Client, collection: dict[str, Any]) -> None:
    """Also when the parent comes later, and when there is none."""
    url = "/v1/collections/things/documents"
    orphan = await client.post(url, json={"document_id": "child", "source_document_id": "parent"})
    assert orphan.status_code == 200, orphan.text
    assert orphan.json()["_internal"]["lineage"]["path"] == collection["collection_id"]
    parent = {"document_id": "parent", "root_object_id": "obj_1", "root_bucket_id": "bkt_1", "source_type": "bucket"}
    assert (await client.post(url, json=parent)).status_code == 200
    late = await get(client, "child")
    prompt = await client.post(url, json={"document_id": "child_2", "source_document_id": "parent"})
    for child in (late, prompt.json()):
        lineage = child["_internal"]["lineage"]
        assert (lineage["root_object_id"], lineage["root_bucket_id"]) == ("obj_1", "bkt_1")
        assert lineage["path"] == "bkt_1/" + "/".join([collection["collection_id"]] * 2)
        assert [step["document_id"] for step in lineage["chain"]] == ["parent", child["document_id"]]


async def test_the_job_repairs_what_the_write_left_over(
    client: Client, collection: dict[str, Any], runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage_module, "REPAIR_LIMIT", 3)
    children = [{"document_id": f"c{n}", "vectors": {}, "source_document_id": "parent"} for n in range(8)]
    parent = {"document_id": "parent", "vectors": {}, "source_type": "bucket", "root_object_id": "obj_1"}
    for documents in (children, [parent]):
        answer = await client.post("/v1/namespaces/test/documents/upsert", json={"documents": documents})
        assert answer.status_code == 200, answer.text

    def repaired() -> int:
        sql = "SELECT count(*) FROM documents WHERE root_object_id = 'obj_1'"
        return int(runtime.reader.connection.execute(sql).get)

    assert repaired() == 4
    done: set[str] = set()
    while True:
        jobs = runtime.reader.connection.execute("SELECT job_id, arguments FROM jobs WHERE kind = 'lineage.repair'")
        waiting = {job_id: arguments for job_id, arguments in jobs if job_id not in done}
        if not waiting:
            break
        for job_id, arguments in waiting.items():
            await repair_lineage(runtime.store, msgspec.json.decode(arguments))
            done.add(job_id)
    assert repaired() == 9
    before = (await client.get("/v1/documents/c7")).headers["ETag"]
    for arguments in runtime.reader.connection.execute("SELECT arguments FROM jobs").fetchall():
        await repair_lineage(runtime.store, msgspec.json.decode(arguments[0]))
    assert (await client.get("/v1/documents/c7")).headers["ETag"] == before, "running it again changes nothing"
