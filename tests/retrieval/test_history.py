"""What is remembered of executions, and how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.settings import Settings

pytestmark = pytest.mark.anyio

ALL: dict[str, Any] = {"stage_name": "all", "stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}
KEPT = 5


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", sqlite_cache_bytes=8 << 20, reserve_bytes=0, executions_kept=KEPT)


@pytest.fixture
async def retriever(client: httpx2.AsyncClient, collection: dict[str, Any]) -> str:
    body = {"retriever_name": "all", "collection_identifiers": ["things"], "stages": [ALL]}
    made = await client.post("/v1/retrievers", json=body)
    assert made.status_code == 200, made.text
    await client.post("/v1/collections/things/documents", json={"document_id": "d1"})
    return "/v1/retrievers/all"


async def execute(client: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{path}/execute", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_execution_is_remembered_without_its_documents(client: httpx2.AsyncClient, retriever: str) -> None:
    executed = await execute(client, retriever, inputs={"q": "fern"})

    detail = (await client.get(f"{retriever}/executions/{executed['execution_id']}")).json()

    assert detail["documents"] == []
    assert (detail["documents_retained"], detail["total_returned"]) == (False, 1)
    for name in ("execution_id", "status", "stage_statistics", "pagination", "budget", "interpretation"):
        assert detail[name] == executed[name], name
    assert (detail["stages_completed"], detail["total_stages"], detail["current_stage"]) == (1, 1, None)
    assert not any(name.startswith("_") for name in detail)


async def test_status_and_profile(client: httpx2.AsyncClient, retriever: str) -> None:
    executed = await execute(client, retriever)
    path = f"{retriever}/executions/{executed['execution_id']}"

    status = (await client.get(f"{path}/status")).json()
    profile = (await client.get(f"{path}/profile")).json()

    assert (status["status"], status["stages_completed"]) == ("completed", 1)
    assert profile["stage_statistics"] == executed["stage_statistics"]


async def test_list_shows_the_newest_first(client: httpx2.AsyncClient, retriever: str) -> None:
    executed = [await execute(client, retriever, inputs={"q": f"fern {n}", "n": n}) for n in range(3)]

    listed = (await client.post(f"{retriever}/executions/list")).json()

    assert [row["execution_id"] for row in listed["results"]] == [one["execution_id"] for one in reversed(executed)]
    row = listed["results"][0]
    assert (row["status"], row["query_summary"], row["total_returned"]) == ("completed", "fern 2", 1)
    assert listed["pagination"] == {"total": 3, "limit": 10, "offset": 0, "has_next": False}
    page = (await client.post(f"{retriever}/executions/list?limit=2&offset=1")).json()
    assert [row["query_summary"] for row in page["results"]] == ["fern 1", "fern 0"]
    sorted_ = {
        "sorts": [{"field": "query_summary", "direction": "asc"}],
        "filters": {"query_summary": {"gte": "fern 1"}},
    }
    found = (await client.post(f"{retriever}/executions/list", json=sorted_)).json()
    assert [row["query_summary"] for row in found["results"]] == ["fern 1", "fern 2"]
    none = (await client.post(f"{retriever}/executions/list", json={"status": "failed"})).json()
    assert none["results"] == []


async def test_only_the_newest_are_kept(client: httpx2.AsyncClient, retriever: str) -> None:
    executed = [await execute(client, retriever) for _ in range(KEPT + 3)]

    listed = (await client.post(f"{retriever}/executions/list")).json()

    assert {row["execution_id"] for row in listed["results"]} == {one["execution_id"] for one in executed[3:]}
    assert (await client.get(f"{retriever}/executions/{executed[0]['execution_id']}")).status_code == 404


async def test_ad_hoc_executions_have_a_history_of_their_own(client: httpx2.AsyncClient, retriever: str) -> None:
    answer = await client.post("/v1/retrievers/execute", json={"stages": [ALL], "inputs": {"q": "moss"}})
    assert answer.headers["X-Execution-Mode"] == "adhoc"
    execution_id = answer.json()["execution_id"]

    listed = (await client.post("/v1/retrievers/executions/list")).json()
    detail = (await client.get(f"/v1/retrievers/executions/{execution_id}")).json()

    assert (listed["total"], listed["results"][0]["execution_id"]) == (1, execution_id)
    assert (detail["execution_mode"], detail["inputs"]) == ("adhoc", '{"q":"moss"}')
    assert (await client.get(f"{retriever}/executions/{execution_id}")).status_code == 404
    counted = (await client.post("/v1/retrievers/executions/list", json={"count_only": True})).json()
    assert (counted["total"], counted["results"]) == (1, [])
    later = {"start_time": "2999-01-01T00:00:00Z"}
    assert (await client.post("/v1/retrievers/executions/list", json=later)).json()["total"] == 0
    wrong = await client.post("/v1/retrievers/executions/list", json={"end_time": "soon"})
    assert wrong.status_code == 422


async def test_inputs_that_are_long_are_cut(client: httpx2.AsyncClient, retriever: str) -> None:
    answer = await client.post("/v1/retrievers/execute", json={"stages": [ALL], "inputs": {"vector": [0.25] * 4000}})

    detail = (await client.get(f"/v1/retrievers/executions/{answer.json()['execution_id']}")).json()

    assert len(detail["inputs"]) == 4001


@pytest.mark.parametrize("execution_id", ["exec_1", "nope", "exec_zzzzzzzzzzzzzz", "exec_00000000000aaaaaaaaaa"])
async def test_unknown_execution(client: httpx2.AsyncClient, retriever: str, execution_id: str) -> None:
    for path in (f"{retriever}/executions/{execution_id}", f"/v1/retrievers/executions/{execution_id}"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "execution_not_found")


async def test_history_goes_with_the_retriever(client: httpx2.AsyncClient, runtime: Any, retriever: str) -> None:
    await execute(client, retriever)
    await client.post(f"{retriever}/executions/list")
    await execute(client, retriever)
    await client.delete(retriever)
    # One of the two was still waiting to be written.
    await client.post("/v1/retrievers/executions/list")

    assert runtime.reader.connection.execute("SELECT count(*) FROM executions").get == 0
