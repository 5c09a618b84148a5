"""Hidden relatives: what the lineage routes and ``expand`` show of them is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import World, done, refusal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def family(world: World) -> World:
    """top → hidden → middle → low and secret; nina sees top, middle and low."""
    await world.make("top", by="nina", root_object_id="obj_1", root_bucket_id="bkt_1")
    await world.make("hidden", by="olga", source_document_id="top")
    for name, parent in (("middle", "hidden"), ("low", "middle")):
        await world.make(name, by="nina", source_document_id=parent, root_object_id="obj_1")
    await world.make("secret", by="olga", source_document_id="middle", root_object_id="obj_1")
    return world


async def view(world: World, document_id: str, name: str, by: str | None) -> Any:
    return await done(world[by].get(f"{world.documents}/{document_id}/{name}"))


def ids_of(documents: list[dict[str, Any]]) -> list[str]:
    return [document["document_id"] for document in documents]


async def test_the_way_up_ends_at_what_is_hidden(family: World) -> None:
    assert ids_of(await view(family, "low", "ancestors", None)) == ["top", "hidden", "middle"]
    assert ids_of(await view(family, "low", "ancestors", "nina")) == ["middle"]
    chain = (await view(family, "low", "lineage", "nina"))["lineage"]["lineage_chain"]
    assert [step["document_id"] for step in chain] == ["middle", "low"]


async def test_hidden_children_are_left_out(family: World) -> None:
    assert ids_of(await view(family, "middle", "descendants", None)) == ["low", "secret"]
    assert ids_of(await view(family, "middle", "descendants", "nina")) == ["low"]


async def test_graph_shows_a_hidden_parent_like_a_missing_one(family: World) -> None:
    found = await view(family, "middle", "lineage/graph", "nina")
    assert {node["id"]: node.get("missing") for node in found["nodes"]} == {
        "obj_1": None,
        "hidden": True,
        "middle": None,
        "low": None,
    }


async def test_objects_count_what_is_seen(family: World) -> None:
    for by, names in ((None, 4), ("nina", 3), ("olga", 1)):
        found = await done(family[by].get("/v1/objects/obj_1/documents"))
        assert len(found["documents"]) == found["total_documents"] == names, by
        assert list(found["collections"].values()) == [names]
        tree = await done(family[by].get("/v1/objects/obj_1/decomposition-tree"))
        assert tree["total_documents"] == names


async def test_expand_shows_nothing_hidden(family: World) -> None:
    path = f"{family.documents}/middle?expand=parent,children,ancestors"
    found = (await done(family["nina"].get(path)))["_expanded"]
    assert (found["parent"], found["ancestors"], ids_of(found["children"])) == (None, [], ["low"])


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_cascade_keeps_all_when_a_part_may_not_be_deleted(family: World, dry_run: str) -> None:
    """Whether that part is hidden or may only be read, its id is not told."""
    await family.share("secret", by="olga", read=["nina"])
    for document_id in ("top", "middle"):
        path = f"{family.documents}/{document_id}"
        answer = await family["nina"].delete(path, params={"cascade": "true", "dry_run": dry_run})
        assert refusal(answer) == (403, "document_acl")
        assert not {"hidden", "secret"} & set(answer.text.split('"'))
    await family.share("secret", by="olga", write=["nina"])
    answer = await family["nina"].delete(f"{family.documents}/middle", params={"cascade": "true", "dry_run": dry_run})
    assert (answer.status_code, answer.json()["deleted_count"]) == (200, 3)


async def test_organization_deletes_whatever_is_below(family: World) -> None:
    answer = await family.org.delete(f"{family.documents}/top", params={"cascade": "true"})
    assert answer.json()["deleted_count"] == 5
