"""Documents inside of documents: what a visible one refers to may be hidden."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import World, done

pytestmark = pytest.mark.anyio


async def family(world: World) -> None:
    """``top`` is hidden from nina, ``middle`` and ``low`` are public, ``secret`` and ``low`` are children."""
    await world.make("top", brand="secret")
    await world.make("middle", by="olga", friends=["top", "low"])
    await done(world.org.patch(f"{world.documents}/middle", json={"source_document_id": "top"}))
    await world.make("low", by="olga", source_document_id="middle")
    await world.make("secret", source_document_id="middle", brand="secret")
    for name in ("middle", "low"):
        await world.share(name, by="olga", public=True)


async def expanded(world: World, who: str | None, document_id: str) -> dict[str, Any]:
    names = "parent,ancestors,children,friends"
    answer = await done(world[who].get(f"{world.documents}/{document_id}?expand={names}"))
    return {name: _ids(value) for name, value in answer["_expanded"].items()}


def _ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_ids(item) for item in value]
    return value and value["document_id"]


async def test_expand_shows_what_may_be_seen(world: World) -> None:
    await family(world)
    assert await expanded(world, None, "middle") == {
        "parent": "top",
        "ancestors": ["top"],
        "children": ["low", "secret"],
        "friends": ["top", "low"],
    }
    assert await expanded(world, "nina", "middle") == {
        "parent": None,
        "ancestors": [],
        "children": ["low"],
        "friends": [None, "low"],
    }


async def test_the_way_up_ends_at_a_hidden_document(world: World) -> None:
    await family(world)
    assert (await expanded(world, None, "low"))["ancestors"] == ["top", "middle"]
    assert (await expanded(world, "nina", "low"))["ancestors"] == ["middle"]


async def test_batch_get_leaves_out_what_is_hidden(world: World) -> None:
    await family(world)
    answer = await done(
        world["nina"].post("/v1/documents/batch-get", json={"document_ids": ["secret", "low", "top", "nowhere"]})
    )
    assert [document["document_id"] for document in answer["documents"]] == ["low"]
    assert answer["not_found"] == ["secret", "top", "nowhere"]
