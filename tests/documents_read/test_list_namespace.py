"""Lists over the collections of a namespace, and batches of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .lists import Client, fill, names, post, refusal, walk

pytestmark = pytest.mark.anyio

LIST = "/v1/documents/list"
BATCH = "/v1/documents/list/batch"


@pytest.fixture
async def two(client: Client, collection: dict[str, Any], make_collection: Any) -> AsyncIterator[dict[str, str]]:
    """Documents a, b, c in ``things`` and, between them in time, x, y in ``others``; the ids of the two."""
    others = await make_collection("others")
    for document_id in "axbyc":
        where = "things" if document_id in "abc" else "others"
        await fill(client, [{"document_id": document_id, "kind": document_id in "ax"}], where)
    yield {"things": collection["collection_id"], "others": others["collection_id"]}


async def test_all_collections_in_one_order(client: Client, two: dict[str, str]) -> None:
    assert await names(client, LIST) == "axbyc"
    assert (await client.post(LIST)).status_code == 200, "without a body"
    assert await names(client, LIST, sort="document_id:desc") == "yxcba"
    assert await names(client, LIST, filters={"kind": True}) == "ax"
    assert await names(client, LIST, filters={"collection_id": two["others"]}) == "xy"
    assert "".join(document["document_id"] for document in await walk(client, LIST, limit=2)) == "axbyc"
    page = await post(client, LIST, limit=2, include_total=True)
    assert page["total_documents"] == 5
    assert (page["pagination"]["next_page"], "unknown_collection_ids" in page) == (None, False)
    groups = (await post(client, LIST, group_by="collection_id"))["groups"]
    assert {group["group_key"]: group["count"] for group in groups} == {two["things"]: 3, two["others"]: 2}


async def test_a_group_of_several_collections_shows_its_oldest(client: Client, two: dict[str, str]) -> None:
    await fill(client, [{"document_id": f"new_{number:02d}", "kind": False} for number in range(12)], "others")
    (group, *_) = (await post(client, LIST, group_by="kind"))["groups"]
    found = [document["document_id"] for document in group["documents"]]
    assert (group["count"], found) == (15, ["b", "y", "c", *(f"new_{number:02d}" for number in range(7))])


@pytest.mark.parametrize("spelling", ["collection_ids", "collection_id", "collections"])
async def test_collections_by_id_or_name(client: Client, two: dict[str, str], spelling: str) -> None:
    assert await names(client, LIST, **{spelling: ["others"]}) == "xy"
    assert await names(client, LIST, **{spelling: two["others"]}) == "xy"
    assert await names(client, LIST, **{spelling: ["others", two["things"], "things"]}) == "axbyc"
    page = await post(client, LIST, **{spelling: ["others", "nowhere", "nowhere"]})
    assert page["unknown_collection_ids"] == ["nowhere"]
    assert await refusal(client, LIST, **{spelling: ["nowhere"]}) == (404, "collection_not_found")
    assert await names(client, LIST, **{spelling: []}) == ""


async def test_unknown_keys_are_refused(client: Client, two: dict[str, str]) -> None:
    answer = await client.post(LIST, json={"collection_idz": ["things"]})
    (item,) = answer.json()["error"]["details"]["validation_errors"]
    assert (answer.status_code, item["type"]) == (422, "extra_forbidden")
    assert "collection_ids" in item["message"]
    assert (await client.post(LIST, json={"collection_id": "things", "collections": ["others"]})).status_code == 422


async def test_a_cursor_belongs_to_its_collections(client: Client, two: dict[str, str], make_collection: Any) -> None:
    cursor = (await post(client, LIST, limit=1))["pagination"]["next_cursor"]
    assert await refusal(client, LIST, cursor=cursor, collection_ids=["things"]) == (422, "cursor_invalid")
    assert await refusal(client, cursor=cursor) == (422, "cursor_invalid")
    # A collection that is made during a walk does not end it.
    await make_collection("third")
    assert await names(client, LIST, cursor=cursor) == "xbyc"


async def test_a_batch_answers_each_query_in_its_place(client: Client, two: dict[str, str]) -> None:
    queries = [
        {"key": "all", "request": {"limit": 2, "include_total": True}},
        {"key": "no filter", "request": {"filters": {"kind": {"near": 1}}}},
        {"key": "nowhere", "request": {"collection_ids": ["nowhere"]}},
        {"key": "misspelt", "request": {"collection": "things"}},
        {"key": "no object", "request": 3},
        {"key": "cursor", "request": {"cursor": "nonsense"}},
        {"key": "groups", "request": {"group_by": "kind"}},
        {"key": "empty", "request": {}},
    ]
    answer = (await client.post(BATCH, json={"queries": queries})).json()
    assert [result["key"] for result in answer["results"]] == [query["key"] for query in queries]
    failed = {result["key"]: result["error"] for result in answer["results"] if result["error"] is not None}
    assert list(failed) == ["no filter", "nowhere", "misspelt", "no object", "cursor"]
    assert failed["nowhere"] == "Collection not found"
    assert "collection_ids" in failed["misspelt"]
    assert all(result["response"] is None for result in answer["results"] if result["error"] is not None)
    answers = {result["key"]: result["response"] for result in answer["results"]}
    assert answers["all"] == await post(client, LIST, limit=2, include_total=True)
    assert answers["empty"] == await post(client, LIST)
    assert len(answers["groups"]["groups"]) == 2


@pytest.mark.parametrize(
    "queries",
    [
        [],
        None,
        [{"key": str(number), "request": {}} for number in range(11)],
        [{"key": "a", "request": {}}, {"key": "a", "request": {}}],
        [{"key": "", "request": {}}],
        [{"key": "k" * 129, "request": {}}],
        [{"key": 1, "request": {}}],
        [{"key": "a"}],
    ],
)
async def test_batches_that_are_none_are_refused(client: Client, two: dict[str, str], queries: Any) -> None:
    assert (await client.post(BATCH, json={"queries": queries})).status_code == 422


@pytest.fixture
def keyed(client: Client, app: Any) -> Any:
    """A client with a new key of that body, in the same namespace."""

    async def made(**body: Any) -> Client:
        created = await client.post("/v1/organizations/users/admin@localhost.local/api-keys", json=body)
        assert created.status_code == 200, created.text
        headers = {"Authorization": f"Bearer {created.json()['key']}", "X-Namespace": client.headers["X-Namespace"]}
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers)

    return made


async def test_a_key_of_one_collection_sees_that_one(client: Client, two: dict[str, str], keyed: Any) -> None:
    scope = {"resource_type": "collection", "resource_id": two["others"]}
    async with await keyed(name="scoped", permissions=["read"], scopes=[scope]) as scoped:
        assert await names(scoped, LIST) == "xy"
        assert await names(scoped, LIST, filters={"collection_id": two["things"]}) == ""
        hidden = await post(scoped, LIST, collection_ids=["others", "things"])
        assert hidden["unknown_collection_ids"] == ["things"]
        assert await refusal(scoped, LIST, collection_ids=["things"]) == (404, "collection_not_found")
        batch = (await scoped.post(BATCH, json={"queries": [{"key": "a", "request": {}}]})).json()
        assert len(batch["results"][0]["response"]["results"]) == 2
        assert await refusal(scoped) == (403, "scope_required")


@pytest.mark.parametrize(
    "scope",
    [
        {"resource_type": "collection", "resource_id": "elsewhere"},
        {"resource_type": "collection", "resource_id": "others", "operations": ["write_data"]},
        {"resource_type": "namespace", "resource_id": "elsewhere"},
    ],
)
async def test_a_key_that_may_read_nothing_here_is_refused(
    client: Client, two: dict[str, str], keyed: Any, scope: dict[str, Any]
) -> None:
    async with await keyed(name="scoped", permissions=["read"], scopes=[scope]) as scoped:
        assert await refusal(scoped, LIST) == (403, "scope_required")
        assert await refusal(scoped, BATCH, queries=[]) == (403, "scope_required")
