"""``group_by`` over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from .lists import Client, fill, post, refusal, walk

pytestmark = pytest.mark.anyio


def shown(groups: list[dict[str, Any]]) -> list[tuple[Any, int, str]]:
    return [
        (group["group_key"], group["count"], "".join(document["document_id"] for document in group["documents"]))
        for group in groups
    ]


CATEGORIES = [("audio", 2, "ac"), ("text", 1, "d"), ("video", 1, "b"), (None, 4, "efgh")]
PRICES = [(-1, 1, "h"), (1, 1, "g"), (5, 1, "a"), (5.5, 1, "b"), (9, 1, "g"), ("5", 1, "c"), (True, 1, "d")]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("metadata.category", CATEGORIES),
        ("category", CATEGORIES),
        ("tags", [("x", 1, "a"), ("y", 2, "ab"), (None, 6, "cdefgh")]),
        ("price", [*PRICES, (None, 2, "ef")]),
        ("nothing", [(None, 8, "abcdefgh")]),
    ],
)
async def test_groups_and_their_pages(
    client: Client, collection: dict[str, Any], field: str, expected: list[tuple[Any, int, str]]
) -> None:
    await fill(client)
    for group_by in (field, {"field": field}):
        page = await post(client, group_by=group_by, limit=100)
        assert shown(page["groups"]) == expected
        assert (page["results"], page["group_by_field"]) == (None, field)
        assert page["stats"]["total_groups"] == len(expected)
        assert page["stats"]["avg_documents_per_group"] == sum(count for _, count, _ in expected) / len(expected)
    assert shown(await walk(client, group_by=field, limit=2)) == expected
    by_offset = [await post(client, group_by=field, limit=2, offset=offset) for offset in range(0, len(expected), 2)]
    assert [group for page in by_offset for group in shown(page["groups"])] == expected
    by_get = await client.get("/v1/collections/things/documents", params={"group_by": field, "limit": "100"})
    assert shown(by_get.json()["groups"]) == expected


async def test_pagination_counts_groups_and_totals_count_documents(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, group_by="category", limit=3, include_total=True)
    assert (page["pagination"]["total"], page["pagination"]["total_pages"], page["total_documents"]) == (4, 2, 8)
    assert (await post(client, group_by="category"))["pagination"]["total"] is None
    following = await client.get(page["pagination"]["next_page"])
    assert shown(following.json()["groups"]) == CATEGORIES[3:]


async def test_a_group_shows_its_first_ten_documents(client: Client, collection: dict[str, Any]) -> None:
    await fill(client, [{"document_id": f"doc_{number:02d}", "kind": "one"} for number in range(12)])
    (group,) = (await post(client, group_by="kind"))["groups"]
    assert group["count"] == 12
    assert [document["document_id"] for document in group["documents"]] == [f"doc_{n:02d}" for n in range(10)]


async def test_groups_of_a_filtered_list_with_select(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, group_by="category", filters={"brand": "Acme"}, select=["price"])
    assert shown(page["groups"]) == [("audio", 1, "a"), ("video", 1, "b")]
    assert set(page["groups"][0]["documents"][0]) == {"document_id", "collection_id", "price"}
    empty = await post(client, group_by="category", filters={"brand": "nobody"}, include_total=True)
    assert (empty["groups"], empty["pagination"]["total"], empty["stats"]["avg_documents_per_group"]) == ([], 0, 0.0)


async def test_a_cursor_of_groups_is_none_of_documents(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    cursor = (await post(client, group_by="category", limit=1))["pagination"]["next_cursor"]
    assert await refusal(client, cursor=cursor) == (422, "cursor_invalid")
    assert await refusal(client, cursor=cursor, group_by="brand") == (422, "cursor_invalid")


async def test_a_sort_beside_group_by_is_told_to_do_nothing(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    (warning,) = (await post(client, group_by="category", sort="price"))["warnings"]
    assert warning.startswith("sort was ignored")


@pytest.mark.parametrize("group_by", [{"field": ""}, {"fields": "a"}, 3, ["a"], {"field": "x" * 1001}])
async def test_group_by_that_is_none_is_refused(client: Client, collection: dict[str, Any], group_by: Any) -> None:
    assert (await client.post("/v1/collections/things/documents/list", json={"group_by": group_by})).status_code == 422


async def test_groups_of_long_texts_have_pages_too(client: Client, collection: dict[str, Any]) -> None:
    texts = ["x" * 5000, "x" * 5000 + "y", "x" * 5001, "a", "x" * 256]
    await fill(client, [{"document_id": f"doc_{number}", "text": text} for number, text in enumerate(texts)])
    found = [group["group_key"] for group in await walk(client, group_by="text", limit=1)]
    assert sorted(found) == sorted(texts)
    assert found == [group["group_key"] for group in (await post(client, group_by="text"))["groups"]]
