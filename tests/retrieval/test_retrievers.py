"""Retrievers as resources: created, read, changed, cloned, listed and deleted."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio

LIMIT: dict[str, Any] = {"stage_name": "few", "config": {"stage_id": "limit", "parameters": {"limit": 2}}}
FILTER: dict[str, Any] = {
    "stage_name": "brand",
    "stage_type": "filter",
    "config": {
        "stage_id": "attribute_filter",
        "parameters": {"field": "brand", "operator": "eq", "value": "{{INPUT.brand}}"},
    },
}


def a_retriever(**body: Any) -> dict[str, Any]:
    return {
        "retriever_name": "few",
        "collection_identifiers": ["things"],
        "stages": [FILTER, LIMIT],
        "input_schema": {"brand": {"type": "string"}},
        **body,
    }


@pytest.fixture
async def retriever(client: httpx2.AsyncClient, collection: dict[str, Any]) -> dict[str, Any]:
    made = await client.post("/v1/retrievers", json=a_retriever())
    assert made.status_code == 200, made.text
    return dict(made.json())


async def test_create_answers_flat_and_wrapped(
    client: httpx2.AsyncClient, collection: dict[str, Any], retriever: dict[str, Any]
) -> None:
    assert retriever["collection_ids"] == retriever["collection_identifiers"] == [collection["collection_id"]]
    assert retriever["stages"][0] == {
        **FILTER,
        "parameters": FILTER["config"]["parameters"],
    }
    assert retriever["stages"][1]["stage_type"] == "reduce"
    assert retriever["version"] == 1
    assert retriever["fusion"] is None
    inner = retriever.pop("retriever")
    assert inner == retriever
    for identifier in (retriever["retriever_id"], "few"):
        assert (await client.get(f"/v1/retrievers/{identifier}")).json() == retriever


async def test_everything_that_was_sent_comes_back(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    sent = {
        "description": "Two things",
        "tags": ["a", "b"],
        "metadata": {"team": {"name": "x"}},
        "budget_limits": {"max_time_ms": 500, "max_credits": 2.5},
        "display_config": {"title": "Search"},
        "visibility": "public",
        "cache_config": {"enabled": True, "ttl_seconds": 60},
    }

    made = (await client.post("/v1/retrievers", json=a_retriever(**sent, colour="red"))).json()

    assert {name: made[name] for name in sent} == sent
    assert made["warnings"] == ["unknown key 'colour' was ignored"]


@pytest.mark.parametrize(
    ("change", "status", "kind"),
    [
        ({"retriever_name": ""}, 422, "ValidationError"),
        ({"retriever_name": None}, 422, "ValidationError"),
        ({"stages": []}, 422, "ValidationError"),
        ({"stages": [{"stage_id": "no_such"}]}, 422, "ValidationError"),
        ({"stages": [{"stage_id": "limit", "parameters": {"limit": 0}}]}, 422, "ValidationError"),
        ({"stages": [{"stage_id": "limit", "parameters": {"limit": "{{"}}]}, 422, "ValidationError"),
        ({"stages": [{"stage_id": "llm_filter", "parameters": {}}]}, 403, "NotEnabledError"),
        ({"collection_identifiers": ["nope"]}, 404, "NotFoundError"),
        ({"input_schema": {"q": {"type": "colour"}}}, 422, "ValidationError"),
        ({"input_schema": {"q": {"type": "integer", "default": "x"}}}, 422, "ValidationError"),
        ({"budget_limits": {"max_time_ms": -1}}, 422, "ValidationError"),
        ({"visibility": "hidden"}, 422, "ValidationError"),
    ],
)
async def test_wrong_retriever_is_refused_and_not_stored(
    client: httpx2.AsyncClient, collection: dict[str, Any], change: dict[str, Any], status: int, kind: str
) -> None:
    refused = await client.post("/v1/retrievers", json=a_retriever(**change))

    assert (refused.status_code, refused.json()["error"]["type"]) == (status, kind)
    assert (await client.get("/v1/retrievers")).json()["total"] == 0


async def test_name_is_unique(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    refused = await client.post("/v1/retrievers", json=a_retriever())

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "retriever_name_taken")


async def test_patch(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    changes = {"retriever_name": "fewer", "tags": ["x"], "metadata": {"a": 1}, "description": "New", "stages": [LIMIT]}

    changed = (await client.patch("/v1/retrievers/few", json=changes)).json()["retriever"]

    assert {name: changed[name] for name in ("retriever_name", "tags", "metadata", "description")} == {
        name: changes[name] for name in ("retriever_name", "tags", "metadata", "description")
    }
    assert [stage["stage_name"] for stage in changed["stages"]] == ["few"]
    assert changed["version"] == 2
    assert (await client.get("/v1/retrievers/fewer")).json() == changed
    assert (await client.get("/v1/retrievers/few")).status_code == 404
    cleared = (await client.patch("/v1/retrievers/fewer", json={"description": None})).json()["retriever"]
    assert cleared["description"] is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"budget_limits": {}}, 422),
        ({"stages": [{"stage_id": "no_such"}]}, 422),
        ({"collection_identifiers": ["nope"]}, 404),
        ({"input_schema": {}}, 422),
        ({"input_schema": {"brand": {"type": "integer"}}}, 422),
        ({"input_schema": {"brand": {"type": "string", "required": True}}}, 422),
        ({"input_schema": {"brand": {"type": "string"}, "more": {"type": "string", "required": True}}}, 422),
        ({"colour": "red"}, 422),
    ],
)
async def test_patch_that_is_refused_changes_nothing(
    client: httpx2.AsyncClient, retriever: dict[str, Any], change: dict[str, Any], status: int
) -> None:
    refused = await client.patch("/v1/retrievers/few", json=change)

    assert refused.status_code == status, refused.text
    assert (await client.get("/v1/retrievers/few")).json()["version"] == 1


async def test_input_schema_may_grow(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    grown = {
        "brand": {"type": "string", "description": "Whose"},
        "more": {"type": "integer"},
        "limit": {"type": "integer", "required": True, "default": 5},
    }

    changed = await client.patch("/v1/retrievers/few", json={"input_schema": grown})

    assert changed.json()["retriever"]["input_schema"] == grown


async def test_clone(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    body = {"retriever_name": "copy", "tags": ["copied"], "budget_limits": {"max_time_ms": 100}}

    cloned = (await client.post("/v1/retrievers/few/clone", json=body)).json()

    assert cloned["source_retriever_id"] == retriever["retriever_id"]
    copy = cloned["retriever"]
    assert copy["retriever_id"] != retriever["retriever_id"]
    assert (copy["retriever_name"], copy["tags"], copy["version"]) == ("copy", ["copied"], 1)
    assert copy["stages"] == retriever["stages"]
    assert copy["budget_limits"] == {"max_time_ms": 100}
    assert (await client.post("/v1/retrievers/few/clone", json={"retriever_name": "few"})).status_code == 409


async def test_delete(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    gone = await client.delete("/v1/retrievers/few")

    assert gone.json() == {
        "message": "Successfully deleted",
        "success": True,
        "retriever_id": retriever["retriever_id"],
    }
    assert (await client.get("/v1/retrievers/few")).status_code == 404
    assert (await client.delete("/v1/retrievers/few")).status_code == 404
    assert (await client.post("/v1/retrievers/few/execute", json={})).status_code == 404


async def test_list(client: httpx2.AsyncClient, retriever: dict[str, Any]) -> None:
    for name in ("b", "c"):
        await client.post("/v1/retrievers", json=a_retriever(retriever_name=name, tags=[name]))

    def names(answer: httpx2.Response) -> list[str]:
        return [one["retriever_name"] for one in answer.json()["results"]]

    assert names(await client.get("/v1/retrievers")) == ["c", "b", "few"]
    assert names(await client.post("/v1/retrievers/list")) == ["c", "b", "few"]
    assert names(await client.post("/v1/retrievers/list", json={"search": "FE"})) == ["few"]
    filters = {"retriever_id": {"$in": [retriever["retriever_id"]]}}
    assert names(await client.post("/v1/retrievers/list", json={"filters": filters})) == ["few"]
    by_name = {"sorts": [{"field": "retriever_name", "direction": "asc"}], "limit": 2}
    first = await client.post("/v1/retrievers/list", json=by_name)
    assert names(first) == ["b", "c"]
    assert first.json()["pagination"]["total"] is None
    following = await client.post(
        "/v1/retrievers/list", json={**by_name, "cursor": first.json()["pagination"]["next_cursor"]}
    )
    assert names(following) == ["few"]


async def test_list_of_an_unknown_namespace_is_empty(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/v1/retrievers", headers={"X-Namespace": "nowhere"})

    assert answer.json()["results"] == []
    assert answer.headers["X-Namespace-Unresolved"] == "true"
    assert answer.json()["warnings"][0]["reason"] == "unresolved"


async def test_catalogue_of_stages(client: httpx2.AsyncClient) -> None:
    stages = (await client.get("/v1/retrievers/stages")).json()

    assert len(stages) == 33
    assert {stage["stage_id"] for stage in stages if stage["category"] == "sort"} == {
        stage["stage_id"] for stage in (await client.get("/v1/retrievers/stages?category=sort")).json()
    }
    advice = (await client.get("/v1/discovery/stages")).json()
    assert len(advice) == 33
    assert advice[0]["cost_tier"] == "moderate"
    assert (await client.get("/v1/retrievers/stages?category=group")).status_code == 422


@pytest.mark.parametrize("with_retrievers", [True, False])
async def test_clone_of_a_namespace_has_its_retrievers(
    client: httpx2.AsyncClient, retriever: dict[str, Any], with_retrievers: bool
) -> None:
    await client.post("/v1/collections/things/documents", json={"document_id": "d1", "brand": "Acme"})
    body = {"namespace_name": "copy", "include_resources": {"retrievers": with_retrievers}}
    cloned = await client.post("/v1/namespaces/test/clone", json=body)
    assert cloned.status_code == 200, cloned.text
    inside = {"X-Namespace": "copy"}

    listed = (await client.get("/v1/retrievers", headers=inside)).json()["results"]

    assert [one["retriever_name"] for one in listed] == ["few"] * with_retrievers
    if with_retrievers:
        copied = (await client.get("/v1/collections/things", headers=inside)).json()["collection_id"]
        assert listed[0]["collection_ids"] == [copied] != retriever["collection_ids"]
        assert listed[0]["retriever_id"] != retriever["retriever_id"]


async def test_deleting_a_namespace_takes_its_retrievers(
    client: httpx2.AsyncClient, runtime: Any, retriever: dict[str, Any]
) -> None:
    namespace = client.headers["X-Namespace"]
    await client.delete(f"/v1/namespaces/{namespace}")

    assert (await client.get("/v1/retrievers/few")).status_code == 404
