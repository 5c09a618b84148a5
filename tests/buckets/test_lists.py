"""Lists, searches and aggregates of objects."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import MakeBucket, MakeObject

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bucket")]

OBJECTS = "/v1/buckets/things/objects"


@pytest.fixture
async def made(bucket: dict[str, Any], make_object: MakeObject) -> list[dict[str, Any]]:
    """Five objects, the later the cheaper."""
    return [
        await make_object(
            title=f"Shoe {number}",
            price=10 - number,
            key_prefix=f"/shelf{number}",
            metadata={"size": ["s", "m"][number % 2]},
            blobs=[{"property": "content", "type": "text", "data": "x" * number}] if number else [],
        )
        for number in range(5)
    ]


async def listed(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{OBJECTS}/list", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def titles(page: dict[str, Any]) -> list[int]:
    return [int(item["title"][-1]) for item in page["results"]]


async def test_the_oldest_comes_first_and_pages_follow(client: httpx2.AsyncClient, made: list[dict[str, Any]]) -> None:
    assert (await client.get(OBJECTS)).json()["results"] == [
        {name: value for name, value in item.items() if name != "consistency"} for item in made
    ]
    walked, cursor = [], None
    while True:
        page = (await client.get(OBJECTS, params={"limit": 2, "cursor": cursor, "include_total": True})).json()
        assert page["pagination"]["total"] == 5
        walked += titles(page)
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert walked == [0, 1, 2, 3, 4]
    assert titles(await listed(client, page_size=2, page=2)) == [2, 3]


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"filters": {"metadata.size": "m"}}, [1, 3]),
        ({"filters": {"field": "price", "operator": "gte", "value": 8}}, [0, 1, 2]),
        ({"filters": {"blobs.type": "text"}}, [1, 2, 3, 4]),
        ({"filters": {"status": "PENDING"}}, [0, 1, 2, 3, 4]),
        ({"filters": {"NOT": [{"field": "blobs.details.size_bytes", "operator": "lt", "value": 3}]}}, [0, 3, 4]),
        ({"filters": {"field": "created_at", "operator": "lt", "value": "2020-01-01"}}, []),
        ({"sort": {"field": "price"}}, [4, 3, 2, 1, 0]),
        ({"sorts": [{"field": "price", "direction": "desc"}], "sort": "price"}, [0, 1, 2, 3, 4]),
        ({"sort": "created_at:desc"}, [4, 3, 2, 1, 0]),
        ({"search": "SHELF3"}, [3]),
        ({"search": "shoe 2"}, [2]),
        # What every object has is no text of its own.
        ({"search": "pending"}, []),
    ],
)
async def test_filters_sorts_and_searches(
    client: httpx2.AsyncClient, body: dict[str, Any], expected: list[int]
) -> None:
    assert titles(await listed(client, **body)) == expected


@pytest.mark.usefixtures("made")
async def test_select_keeps_the_ids(client: httpx2.AsyncClient) -> None:
    page = await listed(client, select=["metadata.size", "blobs.details.size_bytes"], limit=2)
    assert [set(item) for item in page["results"]] == [
        {"object_id", "bucket_id", "metadata"},
        {"object_id", "bucket_id", "metadata", "blobs"},
    ]
    assert page["results"][1]["blobs"] == [{"details": {"size_bytes": 1}}]


@pytest.mark.usefixtures("made")
async def test_stats_are_of_the_page_and_links_are_on_demand(client: httpx2.AsyncClient) -> None:
    page = await listed(client, limit=3, return_presigned_urls=True)
    assert page["stats"] == {
        "total_objects": 3,
        "total_blobs": 2,
        "avg_blobs_per_object": 2 / 3,
        "objects_by_status": {"PENDING": 3},
    }
    url = page["results"][2]["blobs"][0]["presigned_url"]
    assert (await client.get(url)).content == b"xx"
    assert "presigned_url" not in (await listed(client))["results"][1]["blobs"][0]


@pytest.mark.usefixtures("made")
async def test_a_cursor_is_good_for_its_list_only(client: httpx2.AsyncClient, make_bucket: MakeBucket) -> None:
    await make_bucket("other")
    cursor = (await listed(client, limit=1))["pagination"]["next_cursor"]
    for path, body in (
        (OBJECTS, {"filters": {"price": 7}}),
        (OBJECTS, {"sort": "price"}),
        ("/v1/buckets/other/objects", {}),
    ):
        answer = await client.post(f"{path}/list", json=body | {"cursor": cursor})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "cursor_invalid")


@pytest.mark.usefixtures("made")
async def test_unknown_keys_are_named_and_broken_filters_refused(client: httpx2.AsyncClient) -> None:
    assert (await listed(client, more=1))["warnings"] == ["unknown key 'more' was ignored"]
    assert (await client.post(f"{OBJECTS}/list")).status_code == 200
    broken = {"filters": {"field": "price", "operator": "near"}}
    assert (await client.post(f"{OBJECTS}/list", json=broken)).status_code == 422


@pytest.mark.usefixtures("made")
async def test_objects_are_grouped(client: httpx2.AsyncClient) -> None:
    body = {
        "group_by": [{"field": "metadata.size", "alias": "size"}],
        "aggregations": [
            {"function": "count", "alias": "n"},
            {"function": "sum", "field": "price", "alias": "price"},
        ],
        "sort_by": "n",
    }
    answer = (await client.post(f"{OBJECTS}/aggregate", json=body)).json()
    assert answer["results"] == [
        {"group": {"size": "s"}, "metrics": {"n": 3, "price": 24}},
        {"group": {"size": "m"}, "metrics": {"n": 2, "price": 16}},
    ]
    assert answer["total_groups"] == 2
    assert answer["query_info"]["bucket_id"].startswith("bkt_")
    unwound = {
        "unwind": "blobs",
        "group_by": [{"field": "blobs.type"}],
        "aggregations": [{"function": "sum", "field": "blobs.details.size_bytes", "alias": "bytes"}],
    }
    answer = (await client.post(f"{OBJECTS}/aggregate", json=unwound)).json()
    assert {"group": {"blobs.type": "text"}, "metrics": {"bytes": 10}} in answer["results"]


async def test_soft_deleted_objects_are_hidden_for_good(client: httpx2.AsyncClient, made: list[dict[str, Any]]) -> None:
    ids = [item["object_id"] for item in made[:2]]
    body = {"object_ids": [*ids, "obj_nothing"], "reason": "withdrawn"}
    first = await client.post(f"{OBJECTS}/bulk-soft-delete", json=body)
    assert first.json() == {"soft_deleted": 2, "requested": 3, "collections": 0}
    again = await client.post(f"{OBJECTS}/bulk-soft-delete", json=body | {"lifecycle_state": "other"})
    assert again.json()["soft_deleted"] == 0
    assert titles(await listed(client)) == [2, 3, 4]
    assert titles(await listed(client, filters={"price": 9})) == []
    assert titles(await listed(client, filters={"lifecycle_state": "disabled"})) == [0, 1]
    assert titles(await listed(client, filters={"field": "lifecycle_state", "operator": "exists", "value": True})) == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
    count = {"group_by": [{"field": "status"}], "aggregations": [{"function": "count", "alias": "n"}]}
    assert (await client.post(f"{OBJECTS}/aggregate", json=count)).json()["results"][0]["metrics"] == {"n": 3}
    assert (await client.get(f"{OBJECTS}/{ids[0]}")).json()["lifecycle_state"] == "disabled"
    # Deleting one of them leaves the other hidden.
    await client.delete(f"{OBJECTS}/{ids[0]}")
    assert titles(await listed(client)) == [2, 3, 4]
    await client.delete(f"{OBJECTS}/{ids[1]}")
    assert (await listed(client, explain=True))["explain"]["plan"] == []
    back = {"object_ids": ids, "reason": "x", "lifecycle_state": "active"}
    assert (await client.post(f"{OBJECTS}/bulk-soft-delete", json=back)).status_code == 422
