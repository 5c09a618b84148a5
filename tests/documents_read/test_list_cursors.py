"""Cursors: of use for the list that they came from, whole, and whatever is written meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from .lists import DOCUMENTS, Client, fill, post, refusal, walk

pytestmark = pytest.mark.anyio

FILTERED = {"filters": {"price": {"gte": -5}}, "sort": {"field": "price", "direction": "desc"}, "search": "a"}
KINDS: list[dict[str, Any]] = [
    {},
    {"sort": "price"},
    FILTERED,
    {"group_by": "price"},
    {"partition": {"index": 0, "count": 2}, "sort": "brand:desc"},
]


def damaged(cursor: str) -> list[str]:
    """Every way to cut it or to change one bit of a byte of it, and some texts that never were one."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    found = [cursor[:cut] for cut in range(1, len(cursor))]
    found += [cursor + "A", cursor + "=", "A" + cursor, "x" * 4000, "\u00e9"]
    for place in range(len(raw)):
        for bit in (1, 128):
            flipped = raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]
            found.append(base64.urlsafe_b64encode(flipped).rstrip(b"=").decode())
    return found


@pytest.mark.parametrize("asked", KINDS)
async def test_damaged_cursors_are_refused(client: Client, collection: dict[str, Any], asked: dict[str, Any]) -> None:
    await fill(client)
    cursor = (await post(client, **asked, limit=1))["pagination"]["next_cursor"]
    refusals = {await refusal(client, **asked, cursor=text) for text in damaged(cursor)}
    assert refusals == {(422, "cursor_invalid")}
    assert await post(client, **asked, cursor=cursor), "the sound one still works"


@pytest.mark.parametrize("asked", KINDS)
async def test_a_cursor_is_of_no_use_for_another_list(
    client: Client, collection: dict[str, Any], make_collection: Any, asked: dict[str, Any]
) -> None:
    await make_collection("others")
    await fill(client)
    cursor = (await post(client, **asked, limit=1))["pagination"]["next_cursor"]
    for other in KINDS:
        # The partition is in the cursor, so only the rest decides.
        same = {k: v for k, v in other.items() if k != "partition"} == {
            k: v for k, v in asked.items() if k != "partition"
        }
        if not same:
            assert await refusal(client, **other, cursor=cursor) == (422, "cursor_invalid"), other
    for path in ("/v1/collections/others/documents/list", "/v1/documents/list"):
        assert await refusal(client, path, **asked, cursor=cursor) == (422, "cursor_invalid")


async def test_get_and_post_share_their_cursors(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    cursor = (await post(client, filters={"brand": "Acme"}, sort="price:desc", limit=1))["pagination"]["next_cursor"]
    sort = {"field": "price", "direction": "desc"}
    query = {"filters": json.dumps({"brand": "Acme"}), "sort": json.dumps(sort), "cursor": cursor}
    found = await client.get("/v1/collections/things/documents", params=query)
    assert [document["document_id"] for document in found.json()["results"]] == ["a"]


async def test_a_sorted_walk_goes_on_after_a_place_that_is_gone(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, sort="price", limit=3)
    last = page["results"][-1]["document_id"]
    assert (await client.delete(f"/v1/collections/things/documents/{last}")).status_code == 200
    rest = await walk(client, sort="price", cursor=page["pagination"]["next_cursor"])
    assert "".join(document["document_id"] for document in rest) == "bcdef"


@pytest.mark.parametrize("asked", [{}, {"sort": "rank:desc"}, {"sort": "rank", "filters": {"stays": [True, False]}}])
async def test_a_walk_among_writers_shows_each_lasting_document_once(
    client: Client, collection: dict[str, Any], asked: dict[str, Any]
) -> None:
    lasting = [{"document_id": f"keep_{number:02d}", "rank": number % 7, "stays": True} for number in range(50)]
    doomed = [{"document_id": f"drop_{number:02d}", "rank": number % 7, "stays": False} for number in range(20)]
    await fill(client, [document for pair in zip(lasting, doomed, strict=False) for document in pair])
    await fill(client, lasting[20:])
    done = asyncio.Event()

    async def insert() -> None:
        number = 0
        while not done.is_set():
            await fill(client, [{"document_id": f"new_{number:03d}", "rank": number % 7, "stays": False}])
            number += 1

    async def delete() -> None:
        for document in doomed:
            await client.delete(f"/v1/collections/things/documents/{document['document_id']}")
            await asyncio.sleep(0)

    writers = [asyncio.create_task(insert()), asyncio.create_task(delete())]
    walked: list[str] = []
    cursor = None
    # In the order of creation the inserter is always ahead; all that lasts is seen long before.
    for _ in range(40):
        page = await post(client, **asked, limit=7, **({"cursor": cursor} if cursor else {}))
        walked += [document["document_id"] for document in page["results"]]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            break
    done.set()
    await asyncio.gather(*writers)
    assert len(walked) == len(set(walked)), "no document twice"
    seen = [name for name in walked if name.startswith("keep_")]
    assert sorted(seen) == [document["document_id"] for document in lasting]


async def test_pages_by_offset_and_cursor_and_number_are_the_same(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    expected = [document["document_id"] for document in await walk(client, sort="brand", limit=3)]
    for page in ({"offset": 3}, {"page": 2}, {"page": 2, "offset": 0}):
        found = await post(client, sort="brand", limit=3, **page)
        assert [document["document_id"] for document in found["results"]] == expected[3:6], page
        assert found["pagination"]["page"] == 2
    assert len(expected) == len(DOCUMENTS)
