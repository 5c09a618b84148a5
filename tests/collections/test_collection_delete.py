"""Deleting collections: gone at once, removed in slices, the disk given back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.errors import ConflictError, NotFoundError
from headwater.runtime import Runtime
from headwater.store.commands.jobs import ClaimJob, CompleteJob
from headwater.store.commands.purge import DeleteCollection, PurgeSlice, ResumePurges
from headwater.store.purge_job import purge_collection

Make = Any
pytestmark = pytest.mark.anyio


async def fill(client: httpx2.AsyncClient, name: str, count: int, **document: Any) -> list[str]:
    """Create documents in the collection, with a vector each. Returns their ids."""
    feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [0.5] * 64}}
    answers = await asyncio.gather(
        *(
            client.post(f"/v1/collections/{name}/documents", json={"features": [feature], **document})
            for _ in range(count)
        )
    )
    assert {answer.status_code for answer in answers} == {200}, answers[0].text
    return [answer.json()["document_id"] for answer in answers]


def purge_jobs(runtime: Runtime) -> list[int]:
    rows = runtime.reader.connection.execute(
        "SELECT json_extract(arguments, '$.collection_row') FROM jobs WHERE kind = 'collections.purge'"
    )
    return [row for (row,) in rows]


def rows_left(runtime: Runtime, collection_row: int) -> dict[str, int]:
    tables = ("documents", "vectors", "tombstones", "generations", "collection_counts", "collections")
    return {
        table: runtime.reader.connection.execute(
            f"SELECT count(*) FROM {table} WHERE collection_row = ?", (collection_row,)
        ).get
        for table in tables
    }


async def test_a_deleted_collection_is_gone_at_once(client: httpx2.AsyncClient, make: Make) -> None:
    made = await make("articles")
    (document_id, *_) = await fill(client, "articles", 3)
    deleted = await client.delete("/v1/collections/articles")
    assert deleted.status_code == 200, deleted.text
    answer = deleted.json()
    assert answer.pop("task_id").startswith("task_")
    assert answer == {
        "message": "Successfully deleted",
        "success": True,
        "collection_id": made["collection_id"],
        "deleted_documents": 3,
    }
    for url in ("", "/documents/" + document_id, "/lifecycle", "/features"):
        assert (await client.get(f"/v1/collections/{made['collection_id']}{url}")).status_code == 404
    assert (await client.get(f"/v1/documents/{document_id}")).status_code == 404
    assert (await client.get("/v1/collections")).json()["results"] == []
    assert (await client.delete("/v1/collections/articles")).status_code == 404


async def test_its_name_and_its_document_ids_are_free_at_once(client: httpx2.AsyncClient, make: Make) -> None:
    first = await make("articles")
    await client.post("/v1/collections/articles/documents", json={"document_id": "doc_mine", "title": "old"})
    await client.delete("/v1/collections/articles")
    second = await make("articles")
    assert second["collection_id"] != first["collection_id"]
    assert second["document_count"] == 0
    again = await client.post("/v1/collections/articles/documents", json={"document_id": "doc_mine", "title": "new"})
    assert again.status_code == 200, again.text
    got = await client.get("/v1/documents/doc_mine")
    assert (got.json()["title"], got.json()["collection_id"]) == ("new", second["collection_id"])


async def test_a_lineage_of_deleted_documents_binds_nobody(client: httpx2.AsyncClient, make: Make) -> None:
    url = "/v1/collections/articles/documents"
    await make("articles")
    child = await client.post(url, json={"document_id": "doc_a", "source_document_id": "doc_b"})
    assert child.status_code == 200, child.text
    cycle = await client.post(url, json={"document_id": "doc_b", "source_document_id": "doc_a"})
    assert cycle.status_code == 409
    await client.delete("/v1/collections/articles")
    await make("articles")
    free = await client.post(url, json={"document_id": "doc_b", "source_document_id": "doc_a"})
    assert free.status_code == 200, free.text
    assert free.json()["_internal"]["lineage"]["path"] == free.json()["collection_id"]


async def test_the_purge_leaves_nothing_and_gives_the_disk_back(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime, settings: Any
) -> None:
    await make("keep")
    (kept,) = await fill(client, "keep", 1)
    await make("articles")
    ids = await fill(client, "articles", 300, text="x" * 8000)
    await client.delete(f"/v1/collections/articles/documents/{ids[0]}")
    await runtime.store.query("shrink")
    before = (settings.data / "headwater.db").stat().st_size
    deleted = await client.delete("/v1/collections/articles")
    assert deleted.json()["deleted_documents"] == 299
    (row,) = purge_jobs(runtime)
    outcome = await purge_collection(runtime.store, {"collection_row": row})
    assert outcome["removed_rows"] >= 299
    assert set(rows_left(runtime, row).values()) == {0}
    assert not list((settings.data / "vectors").glob(f"{row}-*"))
    after = (settings.data / "headwater.db").stat().st_size
    assert after < before / 3
    assert (settings.data / "headwater.db-wal").stat().st_size == 0
    assert (await client.get(f"/v1/collections/keep/documents/{kept}")).status_code == 200
    again = await purge_collection(runtime.store, {"collection_row": row})
    assert again == {"removed_rows": 0}


async def test_the_purge_goes_on_after_it_was_cut_short(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime
) -> None:
    await make("articles")
    await fill(client, "articles", 7)
    await client.delete("/v1/collections/articles")
    (row,) = purge_jobs(runtime)
    first = await runtime.store.execute(PurgeSlice(collection_row=row, limit=3))
    assert first == {"removed": 3, "more": True}
    assert rows_left(runtime, row) | {"collection_counts": 1} == {
        "documents": 4,
        "vectors": 4,
        "tombstones": 0,
        "generations": 0,
        "collection_counts": 1,
        "collections": 1,
    }
    rest = await purge_collection(runtime.store, {"collection_row": row})
    assert rest == {"removed_rows": 4}
    assert set(rows_left(runtime, row).values()) == {0}


async def test_a_start_resumes_purges_whose_job_is_gone(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime
) -> None:
    await make("articles")
    await make("keep")
    await client.delete("/v1/collections/articles")
    waiting = await runtime.store.execute(ResumePurges())
    claim = ClaimJob(owner="test", kinds=["collections.purge"], lease_milliseconds=60_000)
    job = await runtime.store.execute(claim)
    assert waiting == {"jobs": [job["job_id"]]}
    await runtime.store.execute(CompleteJob(job_id=job["job_id"], owner="test", result={}))
    await runtime.store.execute(ResumePurges())
    again = await runtime.store.execute(claim)
    assert again["job_id"] != job["job_id"]
    await purge_collection(runtime.store, again["arguments"])
    assert runtime.reader.connection.execute("SELECT collection_name FROM collections").fetchall() == [("keep",)]
    await runtime.store.execute(CompleteJob(job_id=again["job_id"], owner="test", result={}))
    assert await runtime.store.execute(ResumePurges()) == {"jobs": []}


async def test_nothing_of_an_active_collection_is_purged(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime
) -> None:
    await make("articles")
    await fill(client, "articles", 1)
    row = runtime.reader.connection.execute("SELECT collection_row FROM collections").get
    with pytest.raises(ConflictError):
        await runtime.store.execute(PurgeSlice(collection_row=row, limit=10))
    assert (await client.get("/v1/collections/articles")).json()["document_count"] == 1


async def test_a_late_command_does_not_reach_the_successor(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime
) -> None:
    await make("articles")
    organization_id, namespace_row, row = runtime.reader.connection.execute(
        "SELECT n.organization_id, namespace_row, collection_row FROM collections"
        " JOIN namespaces n USING (namespace_row)"
    ).fetchone()
    await client.delete("/v1/collections/articles")
    await purge_collection(runtime.store, {"collection_row": row})
    await make("articles")
    late = DeleteCollection(organization_id=organization_id, namespace_row=namespace_row, collection_row=row)
    with pytest.raises(NotFoundError):
        await runtime.store.execute(late)
    assert (await client.get("/v1/collections/articles")).status_code == 200


async def test_two_deletes_of_one_collection_count_once(client: httpx2.AsyncClient, make: Make) -> None:
    await make("articles")
    await fill(client, "articles", 2)
    answers = await asyncio.gather(*(client.delete("/v1/collections/articles") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]


async def test_collections_sourced_from_it_are_emptied_and_disabled(
    client: httpx2.AsyncClient, make: Make, runtime: Runtime
) -> None:
    frames = await make("frames", source={"type": "bucket", "bucket_ids": ["bkt_a"]})
    scenes = await make("scenes", source={"type": "collection", "collection_id": "frames"})
    faces = await make("faces", source={"type": "collection", "collection_ids": ["scenes"]})
    other = await make("other", source={"type": "bucket", "bucket_ids": ["bkt_a"]})
    for name in ("frames", "scenes", "faces", "other"):
        await fill(client, name, 2)
    deleted = await client.delete("/v1/collections/frames")
    assert deleted.json()["deleted_documents"] == 2
    for collection in (scenes, faces):
        got = (await client.get(f"/v1/collections/{collection['collection_id']}")).json()
        assert (got["enabled"], got["document_count"]) == (False, 0)
        reason = got["disabled_reason"]
        assert reason["code"] == "source_collection_deleted"
        assert (reason["source_collection_id"], reason["source_collection_name"]) == (frames["collection_id"], "frames")
        assert (got["created_at"], got["collection_name"]) == (collection["created_at"], collection["collection_name"])
    kept = (await client.get(f"/v1/collections/{other['collection_id']}")).json()
    assert (kept["enabled"], kept["document_count"], kept["disabled_reason"]) == (True, 2, None)
    for row in purge_jobs(runtime):
        await purge_collection(runtime.store, {"collection_row": row})
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == 2
    # Still a collection like any other: it takes documents, and a caller may enable it again.
    await fill(client, "scenes", 1)
    enabled = await client.patch("/v1/collections/scenes", json={"enabled": True})
    assert (enabled.json()["disabled_reason"], enabled.json()["document_count"]) == (None, 1)


async def test_the_space_of_a_deleted_collection_is_not_only_marked_free(settings: Any, runtime: Runtime) -> None:
    # ``auto_vacuum`` must be on from the first page: it cannot be switched on later without a copy of the file.
    assert Path(settings.data / "headwater.db").exists()
    assert runtime.reader.connection.pragma("auto_vacuum") == 2
