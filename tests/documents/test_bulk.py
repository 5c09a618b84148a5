"""Changes of all documents that a filter matches: which are touched, what is counted, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from headwater.app import create_app
from headwater.catalog.tables.collections import Collection
from headwater.errors import ServiceUnavailableError
from headwater.jobs.lane import Lane
from headwater.runtime import Runtime
from headwater.store.commands.bulk import BulkUpdateSlice
from headwater.store.commands.jobs import ReleaseLeases
from tests.documents.conftest import MakeCollection

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
EVEN = {"parity": "even"}


async def fill(api: httpx2.AsyncClient, count: int, **fields: Any) -> None:
    """``d0``, ``d1``, … with their number, their parity, and ``metadata``."""
    documents = [
        {
            "document_id": f"d{number}",
            "vectors": {},
            "payload": {"n": number, "parity": "odd" if number % 2 else "even", "metadata": {"a": 1, "b": 1}, **fields},
        }
        for number in range(count)
    ]
    for start in range(0, count, 1000):
        body = {"collection_id": "things", "documents": documents[start : start + 1000]}
        answer = await api.post("/v1/namespaces/ns_test/documents/upsert", json=body)
        assert answer.status_code == 200, answer.text


async def everything(api: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    cursor = None
    while True:
        body = {"limit": 1000, "cursor": cursor}
        page = (await api.post(f"{PATH}/list", json=body)).json()
        found |= {document["document_id"]: document for document in page["results"]}
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            return found


async def bulk(api: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await api.patch(f"{PATH}/bulk", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def delete(api: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await api.request("DELETE", f"{PATH}/batch", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def task(api: httpx2.AsyncClient, task_id: str) -> dict[str, Any]:
    answer = await api.get(f"/v1/tasks/{task_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def work(runtime: Runtime) -> None:
    """Do one job as the lane would."""
    lane = Lane(runtime.settings.data, runtime.settings, runtime.store)
    kinds = ["documents.bulk_update", "documents.bulk_delete"]
    assert await lane._work_one(f"{lane._owner}-test", kinds)
    lane.close()


@pytest.fixture
async def small(runtime: Runtime, api: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """A client of an application that changes at most ten documents in a request."""
    settings = runtime.settings.model_copy(update={"bulk_inline_documents": 10})
    app = create_app(replace(runtime, settings=settings))
    api._transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return api


async def test_bulk_update_touches_what_matches_and_nothing_else(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 450)
    before = await everything(api)
    answer = await bulk(api, filters=EVEN, update_data={"metadata.a": 2, "season": None})
    assert (answer["updated_count"], answer["failed_count"], answer["status"]) == (225, 0, "COMPLETED")
    for name, document in (await everything(api)).items():
        if document["n"] % 2:
            assert document == before[name]
        else:
            assert (document["metadata"], document["season"]) == ({"a": 2, "b": 1}, None)
    found = await task(api, answer["task_id"])
    assert found["status"] == "COMPLETED"
    assert found["task_type"] == "api_collections_documents_bulk_update"
    assert (found["additional_data"]["updated_count"], found["inputs"]) == (225, ["col_things"])


async def test_without_filters_the_whole_collection_is_updated(
    api: httpx2.AsyncClient, things: Collection, make_collection: MakeCollection
) -> None:
    await fill(api, 3)
    await make_collection("others")
    await api.post("/v1/collections/others/documents", json={"document_id": "other"})
    for body in ({}, {"filters": None}, {"filters": {}}, {"filters": {"AND": [], "case_sensitive": False}}):
        assert (await bulk(api, update_data={"x": 1}, **body))["updated_count"] == 3
    assert "x" not in (await api.get("/v1/documents/other")).json()


async def test_batch_update_by_filter_has_a_number_and_no_results(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 5)
    answer = (await api.post(f"{PATH}/batch", json={"filters": EVEN, "update_data": {"metadata": {"b": 2}}})).json()
    assert (answer["updated_count"], answer["failed_count"], answer["results"]) == (3, 0, [])
    assert answer["message"] == "Updated 3 document(s), 0 failed"
    assert (await everything(api))["d0"]["metadata"] == {"b": 2}


async def test_delete_by_filter(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 450)
    answer = await delete(api, filters=EVEN, reason="odd ones only")
    assert (answer["deleted_count"], answer["failed_count"], answer["status"]) == (225, 0, "COMPLETED")
    assert (answer["limits"], answer["results"]) == ({"max_rows_inline": 10_000, "matched": 225}, [])
    assert all(document["parity"] == "odd" for document in (await everything(api)).values())
    assert (await api.get(f"{PATH}/count")).json()["count"] == 225
    found = (await task(api, answer["task_id"]))["additional_data"]
    assert (found["deleted_count"], found["reason"]) == (225, "odd ones only")


async def test_nothing_matches(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 3)
    nothing = {"brand": "Acme"}
    assert (await bulk(api, filters=nothing, update_data={"x": 1}))["updated_count"] == 0
    answer = await delete(api, filters=nothing)
    assert (answer["deleted_count"], answer["status"], answer["limits"]["matched"]) == (0, "COMPLETED", 0)
    assert (await task(api, answer["task_id"]))["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"AND": []},
        {"AND": [{}], "case_sensitive": False},
        {"case_sensitive": False},
        {"AND": None, "OR": None, "NOT": []},
        {"NOT": [{"OR": []}]},
        {"OR": [{"n": 1}, {}]},
        {"AND": [{"NOT": {"NOT": {}}}]},
        {"must": []},
    ],
)
async def test_a_delete_that_would_leave_nothing_is_refused(
    api: httpx2.AsyncClient, things: Collection, filters: dict[str, Any]
) -> None:
    await fill(api, 3)
    answer = await api.request("DELETE", f"{PATH}/batch", json={"filters": filters})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"] == ["body", "filters"]
    assert len(await everything(api)) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"filter": EVEN, "update_data": {"x": 1}},
        {"filters": EVEN, "update": {"x": 1}, "update_data": {"x": 1}},
        {"filters": EVEN},
        {"filters": [EVEN], "update_data": {"x": 1}},
        {"filters": {"field": "n", "operator": "like", "value": 1}, "update_data": {"x": 1}},
        {"filters": {"AND": {"n": 1}}, "update_data": {"x": 1}},
        {"filters": EVEN, "update_data": None},
        {"filters": EVEN, "update_data": [1]},
        {"update_data": {"x": 1, "vectors": {}}},
        {"update_data": {"x": 1, "_internal.lineage": {}}},
        {"update_data": {"x": 1, "document_id": "d"}},
    ],
)
async def test_a_typo_never_touches_anything(api: httpx2.AsyncClient, things: Collection, body: dict[str, Any]) -> None:
    await fill(api, 3)
    before = await everything(api)
    assert (await api.patch(f"{PATH}/bulk", json=body)).status_code == 422
    assert (await api.post(f"{PATH}/batch", json=body)).status_code == 422
    assert await everything(api) == before
    assert (await api.post("/v1/tasks/list")).json()["results"] == []


async def test_an_update_that_makes_documents_match_again_ends(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 450)
    answer = await bulk(api, filters={"n": {"gte": 0}}, update_data={"n": 1000, "parity": "even"})
    assert answer["updated_count"] == 450
    answer = await bulk(api, filters=EVEN, update_data={"parity": "odd"})
    assert answer["updated_count"] == 450


async def test_a_document_that_cannot_be_changed_is_counted_and_named(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    await fill(api, 20)
    await api.patch(f"{PATH}/d4", json={"size": "large"})
    answer = await bulk(api, filters=EVEN, update_data={"size.width": 3})
    assert (answer["updated_count"], answer["failed_count"]) == (9, 1)
    assert answer["status"] == "COMPLETED_WITH_ERRORS"
    found = await task(api, answer["task_id"])
    assert found["status"] == "COMPLETED_WITH_ERRORS"
    [error] = found["additional_data"]["errors"]
    assert error["document_id"] == "d4" and "size is not an object" in error["error"]


async def test_a_strict_schema_is_kept(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    schema = {"properties": {"n": {"maximum": 10}}}
    await make_collection("things", document_schema=schema, schema_validation="strict")
    await fill(api, 5)
    answer = await bulk(api, update_data={"n": 11})
    assert (answer["updated_count"], answer["failed_count"]) == (0, 5)
    assert (await everything(api))["d3"]["n"] == 3


async def test_a_frozen_collection_refuses_before_anything(
    api: httpx2.AsyncClient, things: Collection, freeze: Callable[[Collection], Awaitable[None]]
) -> None:
    await fill(api, 3)
    await freeze(things)
    before = await everything(api)
    for answer in (
        await api.patch(f"{PATH}/bulk", json={"update_data": {"x": 1}}),
        await api.request("DELETE", f"{PATH}/batch", json={"filters": EVEN}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "collection_frozen")
    assert await everything(api) == before
    assert (await api.post("/v1/tasks/list")).json()["results"] == []


def between_slices(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[None]]) -> None:
    """Let something happen before the second slice of an update."""
    execute = runtime.store.execute
    slices: list[Any] = []

    async def interrupted(command: Any) -> Any:
        if isinstance(command, BulkUpdateSlice):
            slices.append(command)
            if len(slices) == 1:
                await happens()
        return await execute(command)

    monkeypatch.setattr(runtime.store, "execute", interrupted)


async def test_a_document_that_changes_meanwhile_is_looked_at_again(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(api, 450)

    async def others() -> None:
        await api.patch(f"{PATH}/d98", json={"parity": "none"})
        await api.delete(f"{PATH}/d96")
        await api.post(PATH, json={"document_id": "late", "parity": "even", "n": 0})

    between_slices(runtime, monkeypatch, others)
    answer = await bulk(api, filters=EVEN, update_data={"seen": True})
    assert (answer["updated_count"], answer["failed_count"]) == (223, 0)
    documents = await everything(api)
    assert "seen" not in documents["d98"] and "seen" not in documents["late"]


async def test_a_collection_that_freezes_meanwhile_says_what_was_changed(
    api: httpx2.AsyncClient,
    things: Collection,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    freeze: Callable[[Collection], Awaitable[None]],
) -> None:
    await fill(api, 450)
    between_slices(runtime, monkeypatch, lambda: freeze(things))
    answer = await api.patch(f"{PATH}/bulk", json={"update_data": {"seen": True}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]["updated_count"]) == (409, "changed_in_part", 200)
    found = await task(api, error["details"]["task_id"])
    assert found["status"] == "FAILED" and "frozen" in found["error"] == found["error_message"]
    assert sum("seen" in document for document in (await everything(api)).values()) == 200


async def test_a_request_that_cannot_go_on_leaves_the_rest_to_the_lane(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(api, 450, runs={})

    async def busy() -> None:
        raise ServiceUnavailableError("the queue is full")

    between_slices(runtime, monkeypatch, busy)
    answer = await bulk(api, update_data={"runs.first": 1, "seen": True})
    assert (answer["status"], answer["updated_count"]) == ("PENDING", None)
    found = await task(api, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("IN_PROGRESS", 200)
    await runtime.store.execute(ReleaseLeases(lane="no such lane"))
    await work(runtime)
    found = await task(api, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", 450)
    assert all(document["seen"] for document in (await everything(api)).values())


async def test_two_changes_at_once_touch_each_document_once_each(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 450)
    answers = await asyncio.gather(
        *(bulk(api, filters=EVEN, update_data={f"metadata.c{client}": client}) for client in range(3)),
        delete(api, filters={"parity": "odd"}),
    )
    assert [answer.get("updated_count", answer.get("deleted_count")) for answer in answers] == [225] * 4
    for document in (await everything(api)).values():
        assert document["metadata"] == {"a": 1, "b": 1, "c0": 0, "c1": 1, "c2": 2}


async def test_concurrent_deletes_count_each_document_once(api: httpx2.AsyncClient, things: Collection) -> None:
    await fill(api, 450)
    answers = await asyncio.gather(*(delete(api, filters=EVEN) for _ in range(3)))
    assert sum(answer["deleted_count"] for answer in answers) == 225
    assert (await api.get(f"{PATH}/count")).json()["count"] == 225


async def test_more_than_the_limit_is_done_by_a_task(
    small: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    await fill(small, 450)
    answer = await bulk(small, filters=EVEN, update_data={"seen": 1})
    assert (answer["status"], answer["updated_count"]) == ("PENDING", None)
    found = await task(small, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("PENDING", 0)
    await small.post(PATH, json={"document_id": "late", "parity": "even"})
    await work(runtime)
    found = await task(small, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", 225)
    documents = await everything(small)
    assert {name for name, document in documents.items() if "seen" in document} == {f"d{n}" for n in range(0, 450, 2)}


async def test_the_whole_collection_by_a_task(small: httpx2.AsyncClient, things: Collection, runtime: Runtime) -> None:
    await fill(small, 11)
    batch = (await small.post(f"{PATH}/batch", json={"filters": {}, "update_data": {"seen": 1}})).json()
    assert (batch["status"], batch["updated_count"]) == ("PENDING", 0)
    await work(runtime)
    assert all("seen" in document for document in (await everything(small)).values())


async def test_deletes_by_a_task(small: httpx2.AsyncClient, things: Collection, runtime: Runtime) -> None:
    await fill(small, 450)
    answer = await delete(small, filters=EVEN)
    assert (answer["status"], answer["deleted_count"]) == ("PENDING", None)
    assert answer["limits"] == {"max_rows_inline": 10, "matched": 225}
    await work(runtime)
    assert (await task(small, answer["task_id"]))["additional_data"]["deleted_count"] == 225
    assert len(await everything(small)) == 225


async def test_a_stopped_task_goes_no_further(
    small: httpx2.AsyncClient, things: Collection, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(small, 450)
    answer = await bulk(small, update_data={"seen": 1})

    async def stop() -> None:
        stopped = await small.delete(f"/v1/tasks/{answer['task_id']}")
        assert stopped.json() == {"message": "Stopped", "success": True}

    execute, slices = runtime.store.execute, []

    async def interrupted(command: Any) -> Any:
        if isinstance(command, BulkUpdateSlice):
            slices.append(command)
            if len(slices) == 2:
                await stop()
        return await execute(command)

    monkeypatch.setattr(runtime.store, "execute", interrupted)
    await work(runtime)
    found = await task(small, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("CANCELED", 200)
    assert sum("seen" in document for document in (await everything(small)).values()) == 200
    again = await small.delete(f"/v1/tasks/{answer['task_id']}")
    assert again.status_code == 200 and again.json()["success"]


async def test_a_slice_that_comes_twice_counts_once(
    small: httpx2.AsyncClient, things: Collection, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(small, 450)
    answer = await bulk(small, update_data={"seen": 1})
    execute = runtime.store.execute

    async def doubled(command: Any) -> Any:
        if isinstance(command, BulkUpdateSlice):
            await execute(command)
        return await execute(command)

    monkeypatch.setattr(runtime.store, "execute", doubled)
    await work(runtime)
    found = await task(small, answer["task_id"])
    assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", 450)


async def test_a_task_whose_collection_is_gone_fails(
    small: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    await fill(small, 20)
    answer = await bulk(small, update_data={"seen": 1})
    assert (await small.delete("/v1/collections/things")).status_code == 200
    await work(runtime)
    found = await task(small, answer["task_id"])
    assert found["status"] in ("FAILED", "COMPLETED")
    assert found["additional_data"]["updated_count"] == 0
