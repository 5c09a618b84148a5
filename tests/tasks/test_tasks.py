"""Listing, finding, stopping and forgetting tasks."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.store.commands.base import Command, handles
from headwater.store.commands.jobs import ClaimJob, FailJob
from headwater.store.commands.tasks import ForgetTasks
from headwater.store.forgetting_job import forget_tasks
from headwater.store.transaction import Transaction

from ..jobs import work

pytestmark = pytest.mark.anyio


class EnqueueForTest(Command):
    kind: str
    organization_id: str
    arguments: bytes = b"{}"


@handles(EnqueueForTest)
def enqueue_for_test(tx: Transaction, command: EnqueueForTest) -> str:
    return tx.enqueue(command.kind, msgspec.json.decode(command.arguments), organization_id=command.organization_id)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"bulk_inline_documents": 3})


async def change(client: httpx2.AsyncClient, count: int) -> dict[str, Any]:
    """The answer of an update of so many documents: of more than three, it is pending."""
    made = await client.post("/v1/collections", json={"collection_name": f"things{count}", "source": {"type": "none"}})
    collection_id = made.json().get("collection_id", f"things{count}")
    for _ in range(count):
        await client.post(f"/v1/collections/{collection_id}/documents", json={})
    answer = await client.patch(f"/v1/collections/{collection_id}/documents/bulk", json={"update_data": {"n": 1}})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def listed(client: httpx2.AsyncClient, body: dict[str, Any] | None = None, **headers: str) -> list[str]:
    answer = await client.post("/v1/tasks/list", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return [task["task_id"] for task in answer.json()["results"]]


async def test_the_newest_come_first_and_filters_apply(client: httpx2.AsyncClient) -> None:
    done, waiting = (await change(client, 1))["task_id"], (await change(client, 4))["task_id"]
    assert await listed(client) == [waiting, done]
    assert await listed(client, {"status": "PENDING"}) == [waiting]
    assert await listed(client, {"status": "completed"}) == [done]
    assert await listed(client, {"task_type": "API_COLLECTIONS_DOCUMENTS_BULK_UPDATE"}) == [waiting, done]
    assert await listed(client, {"task_type": "api_collections_export"}) == []
    assert await listed(client, {"filters": {"additional_data.updated_count": 1}}) == [done]
    assert await listed(client, {"sort": {"field": "created_at"}}) == [done, waiting]
    assert await listed(client, {"search": done[5:]}) == [done]
    assert (await client.post("/v1/tasks/list", json={"sort": {"direction": "up"}})).status_code == 422


async def test_a_cursor_walks_the_list(client: httpx2.AsyncClient) -> None:
    made = [(await change(client, number))["task_id"] for number in range(3)]
    walked: list[str] = []
    cursor = None
    while True:
        page = (await client.post("/v1/tasks/list", json={"limit": 1, "cursor": cursor, "include_total": True})).json()
        assert page["pagination"]["total"] == 3
        walked += [task["task_id"] for task in page["results"]]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert walked == made[::-1]


async def test_the_namespace_narrows(client: httpx2.AsyncClient) -> None:
    other = (await client.post("/v1/namespaces", json={"namespace_name": "other"})).json()["namespace_id"]
    task_id = (await change(client, 1))["task_id"]
    assert await listed(client, **{"X-Namespace": other}) == []
    found = await client.get(f"/v1/tasks/{task_id}", headers={"X-Namespace": other})
    assert (found.status_code, found.json()["error"]["code"]) == (404, "task_not_found")
    assert (await client.get(f"/v1/tasks/{task_id}", headers={"X-Namespace": "nope"})).status_code == 404
    del client.headers["X-Namespace"]
    assert await listed(client) == [task_id]
    assert (await client.get(f"/v1/tasks/{task_id}")).json()["additional_data"]["updated_count"] == 1


async def test_a_key_of_a_namespace_has_to_name_it(client: httpx2.AsyncClient) -> None:
    task_id = (await change(client, 1))["task_id"]
    namespace, me = client.headers["X-Namespace"], (await client.get("/v1/me")).json()["user_email"]
    scopes = [{"resource_type": "namespace", "resource_id": namespace}]
    body = {"name": "narrow", "permissions": ["delete"], "scopes": scopes}
    key = (await client.post(f"/v1/organizations/users/{me}/api-keys", json=body)).json()["key"]
    client.headers["Authorization"] = f"Bearer {key}"
    assert await listed(client) == [task_id]
    del client.headers["X-Namespace"]
    assert (await client.get(f"/v1/tasks/{task_id}")).status_code == 403


async def test_the_servers_own_jobs_are_no_tasks(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    organization_id = (await client.get("/v1/me")).json()["organization_id"]
    own = EnqueueForTest(kind="collections.purge", organization_id=organization_id)
    job_id = await runtime.store.execute(own)
    del client.headers["X-Namespace"]
    assert await listed(client) == []
    assert (await client.get(f"/v1/tasks/{job_id}")).status_code == 404
    assert (await client.delete(f"/v1/tasks/{job_id}")).json()["success"]
    assert runtime.reader.connection.execute("SELECT state FROM jobs WHERE job_id = ?", (job_id,)).get == "pending"


async def test_stopping(client: httpx2.AsyncClient) -> None:
    task_id = (await change(client, 4))["task_id"]
    for method, path in (("DELETE", task_id), ("DELETE", task_id), ("POST", f"{task_id}/kill"), ("DELETE", "nope")):
        answer = await client.request(method, f"/v1/tasks/{path}")
        assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert (await client.get(f"/v1/tasks/{task_id}")).json()["status"] == "CANCELED"


async def test_a_removed_namespace_is_a_task_that_cannot_be_stopped(client: httpx2.AsyncClient) -> None:
    deleted = await client.delete(f"/v1/namespaces/{client.headers['X-Namespace']}")
    del client.headers["X-Namespace"]
    task_id = deleted.json()["task_id"]
    found = (await client.get(f"/v1/tasks/{task_id}")).json()
    assert (found["task_type"], found["status"]) == ("api_namespaces_delete", "PENDING")
    answer = await client.delete(f"/v1/tasks/{task_id}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "task_not_stoppable")


async def test_a_task_that_is_tried_again_has_not_failed(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    task_id = (await change(client, 4))["task_id"]
    claim = ClaimJob(owner="test", kinds=["documents.bulk_update"], lease_milliseconds=60_000)
    assert (await runtime.store.execute(claim))["job_id"] == task_id
    assert (await client.get(f"/v1/tasks/{task_id}")).json()["status"] == "IN_PROGRESS"
    await runtime.store.execute(FailJob(job_id=task_id, owner="test", error="the disk is full"))
    found = (await client.get(f"/v1/tasks/{task_id}")).json()
    assert (found["status"], found["error"]) == ("PENDING", None)


async def test_what_has_ended_is_forgotten_after_some_days(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    done, waiting = (await change(client, 1))["task_id"], (await change(client, 4))["task_id"]
    assert (await forget_tasks(runtime.store, days=1))["forgotten"] == 0
    assert (await runtime.store.execute(ForgetTasks(age_milliseconds=-60_000)))["forgotten"] == 1
    assert (await client.get(f"/v1/tasks/{done}")).status_code == 404
    assert await listed(client) == [waiting]
    assert forgetting(runtime) == 1


async def test_whatever_has_ended_is_forgotten_in_the_end(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    await client.delete(f"/v1/namespaces/{client.headers['X-Namespace']}")
    assert forgetting(runtime) == 0
    await work(runtime)
    assert forgetting(runtime) == 1


def forgetting(runtime: Runtime) -> int:
    query = "SELECT count(*) FROM jobs WHERE kind = 'tasks.forget' AND state = 'pending'"
    return int(runtime.reader.connection.execute(query).get)
