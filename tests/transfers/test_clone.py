"""Clones of namespaces: equal to their source, independent of it, and never ready by halves."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from headwater.jobs.lane import Lane
from headwater.jobs.namespace_clone import clone_namespace
from headwater.jobs.registry import Work
from headwater.runtime import Runtime

from .test_round_trip import everything

pytestmark = pytest.mark.anyio


async def cloned(client: httpx2.AsyncClient, name: str = "copy", **body: Any) -> dict[str, Any]:
    source = client.headers["X-Namespace"]
    answer = await client.post(f"/v1/namespaces/{source}/clone", json={"namespace_name": name, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def settled(client: httpx2.AsyncClient, namespace_id: str) -> dict[str, Any]:
    """The namespace when its clone is done, one way or the other."""
    for _ in range(400):
        found = (await client.get(f"/v1/namespaces/{namespace_id}")).json()
        if found["clone_status"] != "cloning":
            return dict(found)
        await asyncio.sleep(0.05)
    raise AssertionError("the clone is not done")


async def test_clone_is_equal(client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane) -> None:
    answer = await cloned(client, description="for tests", ttl_seconds=3600)
    made = answer["namespace"]
    assert (answer["status"], answer["source_namespace_id"]) == ("cloning", client.headers["X-Namespace"])
    assert (made["namespace_ready"], made["description"], made["expires_at"] is not None) == (False, "for tests", True)
    done = await settled(client, made["namespace_id"])
    assert (done["clone_status"], done["clone_error"], done["namespace_ready"]) == ("ready", None, True)
    assert done["document_count"] == 4
    there = {"X-Namespace": made["namespace_id"]}
    assert await everything(client, there) == await everything(client)
    found = [(await client.get("/v1/collections/things", headers=headers)).json() for headers in ({}, there)]
    assert found[0]["vector_indexes"] == found[1]["vector_indexes"]
    assert found[0]["collection_id"] != found[1]["collection_id"]


async def test_clone_is_independent(client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane) -> None:
    made = (await cloned(client))["namespace"]
    await settled(client, made["namespace_id"])
    before = await everything(client)
    there = {"X-Namespace": made["namespace_id"]}
    await client.patch("/v1/collections/things/documents/plain", json={"brand": "changed"}, headers=there)
    await client.delete("/v1/collections/things/documents/rich", headers=there)
    assert await everything(client) == before
    assert (await client.delete(f"/v1/namespaces/{client.headers['X-Namespace']}")).status_code == 200
    assert len(await everything(client, there)) == 3


async def test_names_of_collections_lead_to_their_copies(
    client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane
) -> None:
    source = {"type": "collection", "collection_id": filled["collection_id"]}
    body = {"collection_name": "derived", "source": source}
    assert (await client.post("/v1/collections", json=body)).status_code == 200
    sent = {
        "document_id": "made",
        "source_document_id": "rich",
        "lineage_chain": [
            {"collection_id": filled["collection_id"], "feature_extractor_id": "f", "document_id": "rich"},
            {"collection_id": "elsewhere", "feature_extractor_id": "f"},
        ],
    }
    await client.post("/v1/collections/derived/documents", json=sent)
    made = (await cloned(client))["namespace"]
    await settled(client, made["namespace_id"])
    there = {"X-Namespace": made["namespace_id"]}
    things = (await client.get("/v1/collections/things", headers=there)).json()["collection_id"]
    derived = (await client.get("/v1/collections/derived", headers=there)).json()
    assert derived["source"]["collection_id"] == things
    assert filled["collection_id"] not in str(derived)
    document = (await client.get("/v1/collections/derived/documents/made", headers=there)).json()
    assert [step["collection_id"] for step in document["_internal"]["lineage"]["chain"]] == [things, "elsewhere"]
    assert filled["collection_id"] not in str(document)


async def work_off(runtime: Runtime) -> dict[str, Any]:
    """Do the job of the clone here and now."""
    row = runtime.reader.connection.execute("SELECT arguments FROM jobs WHERE kind = 'namespaces.clone'").get
    return await clone_namespace(Work(runtime.settings.data, runtime.settings, runtime.store, "task", json.loads(row)))


async def test_slices_may_be_repeated(client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime) -> None:
    made = (await cloned(client))["namespace"]
    for _ in range(2):
        assert await work_off(runtime) == {"status": "ready", "collections": 1, "points": 4}
    assert await everything(client, {"X-Namespace": made["namespace_id"]}) == await everything(client)


async def test_documents_made_after_the_clone_stay_out(
    client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane
) -> None:
    made = (await cloned(client))["namespace"]
    await asyncio.sleep(0.002)
    await client.post("/v1/collections/things/documents", json={"document_id": "late"})
    await settled(client, made["namespace_id"])
    ids = {document["document_id"] for document in await everything(client, {"X-Namespace": made["namespace_id"]})}
    assert ids == {"plain", "odd", "rich", "child"}


async def test_source_that_goes_away_fails_the_clone(
    client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime
) -> None:
    made = (await cloned(client))["namespace"]
    await client.delete("/v1/collections/things")
    await work_off(runtime)
    found = (await client.get(f"/v1/namespaces/{made['namespace_id']}")).json()
    assert (found["clone_status"], found["namespace_ready"]) == ("failed", False)
    assert "deleted" in found["clone_error"]
    again = await client.post(f"/v1/namespaces/{made['namespace_id']}/clone", json={"namespace_name": "copy-2"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "namespace_not_ready")


async def test_empty_namespace_is_ready_at_once(client: httpx2.AsyncClient) -> None:
    answer = await cloned(client)
    assert (answer["status"], answer["task_id"]) == ("ready", None)
    assert answer["cloned_resources"] == {"collections": 0, "points": 0}


async def test_only_the_configuration(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await cloned(client, include_resources={"collections": False})
    assert (answer["status"], answer["namespace"]["collection_count"]) == ("ready", 0)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"namespace_name": "test"}, 409, "AlreadyExistsError"),
        ({"namespace_name": "x"}, 422, "ValidationError"),
        ({"namespace_name": "copy", "mode": "branch"}, 403, "NotEnabledError"),
        ({"namespace_name": "copy", "source_organization_id": "org_other"}, 403, "NotEnabledError"),
        ({"namespace_name": "copy", "ttl_seconds": 1}, 422, "ValidationError"),
    ],
)
async def test_what_is_refused(client: httpx2.AsyncClient, body: dict[str, Any], status: int, kind: str) -> None:
    answer = await client.post(f"/v1/namespaces/{client.headers['X-Namespace']}/clone", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)


async def test_confined_key_makes_no_namespace(client: httpx2.AsyncClient) -> None:
    source = client.headers["X-Namespace"]
    me = (await client.get("/v1/organizations/users")).json()["results"][0]["email"]
    scopes = [{"resource_type": "namespace", "resource_id": source}]
    key = await client.post(
        f"/v1/organizations/users/{me}/api-keys", json={"name": "confined", "permissions": ["admin"], "scopes": scopes}
    )
    answer = await client.post(
        f"/v1/namespaces/{source}/clone",
        json={"namespace_name": "copy"},
        headers={"Authorization": f"Bearer {key.json()['key']}"},
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "ForbiddenError")
