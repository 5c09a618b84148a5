"""Which paths are indexed, from declaration to removal, through the API and over a real job lane."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from headwater.catalog.database import fetch_all
from headwater.errors import ConflictError, InsufficientStorageError
from headwater.jobs.lane import Lane
from headwater.query import parse_filter
from headwater.store.commands.base import Command, handles
from headwater.store.commands.fields import FillFieldPaths, RemoveDroppedEntries, ResumeFieldPaths
from headwater.store.commands.jobs import MAX_ATTEMPTS
from headwater.store.find import Explain, Query
from headwater.store.transaction import Transaction

from ..jobs import work

Rows = list[tuple[Any, ...]]


class GiveUpJobs(Command):
    """What becomes of jobs that fail too often."""


class NearlyGiveUpJobs(Command):
    """So that the next attempt is the last one."""


@handles(NearlyGiveUpJobs)
def nearly_give_up_jobs(tx: Transaction, _: NearlyGiveUpJobs) -> None:
    tx.execute("UPDATE jobs SET attempts = ?", (MAX_ATTEMPTS - 1,))


@handles(GiveUpJobs)
def give_up_jobs(tx: Transaction, _: GiveUpJobs) -> None:
    tx.execute("UPDATE jobs SET state = 'failed' WHERE state = 'pending'")


def paths(runtime: Any) -> Rows:
    return fetch_all(runtime.reader.connection, "SELECT path, state, origin FROM field_paths ORDER BY path_row")


async def declare(client: httpx2.AsyncClient, *names: str) -> None:
    indexes = [{"field_name": name, "type": "keyword"} for name in names]
    answer = await client.put(f"/v1/namespaces/{client.headers['X-Namespace']}", json={"payload_indexes": indexes})
    assert answer.status_code == 200, answer.text


async def create(client: httpx2.AsyncClient, collection: dict[str, Any], **fields: Any) -> None:
    made = await client.post(f"/v1/collections/{collection['collection_id']}/documents", json=fields)
    assert made.status_code == 200, made.text


async def ensure(client: httpx2.AsyncClient, **query: str) -> Any:
    answer = await client.post(f"/v1/namespaces/{client.headers['X-Namespace']}/ensure-indexes", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.anyio
async def test_declared_paths_are_filled_replaced_and_removed(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    for number in range(450):
        await create(client, collection, brand=f"b{number % 3}", price=number)
    await declare(client, "brand", "price")
    assert paths(runtime) == [("brand", "building", "declared"), ("price", "building", "declared")]
    assert (await ensure(client))["skipped"] == ["brand", "price"]
    await create(client, collection, brand="late", price=-1)
    await work(runtime)
    assert [row[1] for row in paths(runtime)] == ["live", "live"]
    [(entries,)] = fetch_all(runtime.reader.connection, "SELECT count(*) FROM field_values")
    assert entries == 2 * 451
    await declare(client, "brand", "size")
    assert [row for row in paths(runtime) if row[1] == "dropping"] == [("price", "dropping", "declared")]
    await work(runtime)
    assert [row[0] for row in paths(runtime)] == ["brand", "size"]
    [(entries,)] = fetch_all(runtime.reader.connection, "SELECT count(*) FROM field_values")
    assert entries == 2 * 451
    assert await ensure(client) == {"ensured": ["brand", "size"], "created": [], "rebuilt": [], "skipped": []}
    assert (await ensure(client, force_rebuild="true"))["rebuilt"] == ["brand", "size"]
    await work(runtime)
    assert [row[:2] for row in paths(runtime)] == [("brand", "live"), ("size", "live")]


@pytest.mark.anyio
async def test_new_collections_have_what_the_namespace_declares(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    await declare(client, "brand")
    await client.post("/v1/collections", json={"collection_name": "more", "source": {"type": "none"}})
    assert paths(runtime) == [("brand", "live", "declared")] * 2


@pytest.mark.anyio
async def test_purging_a_collection_takes_its_entries_along(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    await declare(client, "brand")
    for number in range(5):
        await create(client, collection, brand=f"b{number}")
    await client.delete(f"/v1/collections/{collection['collection_id']}")
    await work(runtime)
    assert fetch_all(runtime.reader.connection, "SELECT * FROM field_values, field_paths") == []


@pytest.mark.anyio
async def test_paths_that_large_queries_scan_for_are_learned(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    await create(client, collection, brand="b")
    [(namespace_row, collection_row)] = fetch_all(
        runtime.reader.connection, "SELECT namespace_row, collection_row FROM collections"
    )
    query = Query(namespace_row, (collection_row,), parse_filter({"brand": "b"}))
    heavy = Explain(unindexed=["brand"], rows_read=runtime.settings.learn_rows)
    for _ in range(2):
        runtime.learner.note(query, heavy)
        runtime.learner.note(query, Explain(unindexed=["small"], rows_read=10))
    await runtime.learner.settle()
    assert paths(runtime) == []
    runtime.learner.note(query, heavy)
    await runtime.learner.settle()
    assert paths(runtime) == [("brand", "building", "learned")]
    for number in range(20):
        for _ in range(3):
            runtime.learner.note(query, Explain(unindexed=[f"p{number}"], rows_read=runtime.settings.learn_rows))
    await runtime.learner.settle()
    assert len(paths(runtime)) == 16
    await declare(client, "brand")
    assert paths(runtime)[0] == ("brand", "building", "declared")


@pytest.mark.anyio
async def test_filling_and_writing_at_once_leave_nothing_out(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    from headwater.store.fields.audit import differences

    for number in range(300):
        await create(client, collection, document_id=f"d{number}", brand="old", tags=[number, "x"])
    await declare(client, "brand", "tags")

    async def write() -> None:
        url = f"/v1/collections/{collection['collection_id']}/documents"
        for number in range(0, 300, 2):
            answer = await client.patch(f"{url}/d{number}", json={"brand": "new", "tags": ["y"]})
            assert answer.status_code == 200
            if number % 10 == 0:
                assert (await client.delete(f"{url}/d{number}")).status_code == 200
                await create(client, collection, document_id=f"d{number}", brand=None)

    await asyncio.gather(write(), work(runtime))
    assert [row[1] for row in paths(runtime)] == ["live", "live"]
    [(row,)] = fetch_all(runtime.reader.connection, "SELECT collection_row FROM collections")
    assert list(differences(runtime.reader.connection, row, collection["collection_id"])) == []
    assert await runtime.store.execute(RemoveDroppedEntries(limit=10)) == {"removed": 0, "more": False}


@pytest.mark.anyio
async def test_more_indexes_than_there_may_be_are_refused(client: httpx2.AsyncClient) -> None:
    indexes = [{"field_name": f"f{number}", "type": "keyword"} for number in range(65)]
    answer = await client.put(f"/v1/namespaces/{client.headers['X-Namespace']}", json={"payload_indexes": indexes})
    assert answer.status_code == 422


@pytest.mark.anyio
async def test_a_start_resumes_paths_whose_job_is_gone(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Any
) -> None:
    await create(client, collection, brand="b")
    await declare(client, "brand")
    await runtime.store.execute(GiveUpJobs())
    await work(runtime)
    assert paths(runtime) == [("brand", "building", "declared")]
    assert (await ensure(client))["skipped"] == ["brand"]
    await runtime.store.execute(GiveUpJobs())
    await runtime.store.execute(ResumeFieldPaths())
    await work(runtime)
    assert paths(runtime) == [("brand", "live", "declared")]
    await declare(client)
    await runtime.store.execute(GiveUpJobs())
    await runtime.store.execute(ResumeFieldPaths())
    await work(runtime)
    assert paths(runtime) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "state"),
    [(InsufficientStorageError, "pending"), (ConflictError, "failed"), (ZeroDivisionError, "failed")],
)
async def test_only_a_full_disk_is_waited_for(
    client: httpx2.AsyncClient,
    collection: dict[str, Any],
    runtime: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    state: str,
) -> None:
    await create(client, collection, brand="b")
    await declare(client, "brand")
    execute = runtime.store.execute

    async def refuse(command: Command) -> Any:
        if isinstance(command, FillFieldPaths):
            raise error("no")
        return await execute(command)

    monkeypatch.setattr(runtime.store, "execute", refuse)
    await runtime.store.execute(NearlyGiveUpJobs())
    lane = Lane(runtime.settings.data, runtime.settings, runtime.store)
    assert await lane._work_one("test", ["fields.fill"])
    lane.close()
    assert fetch_all(runtime.reader.connection, "SELECT state FROM jobs") == [(state,)]
