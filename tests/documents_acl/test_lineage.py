"""What a child inherits from a parent depends on whether whoever named the parent may see it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import World, done

pytestmark = pytest.mark.anyio

SECRETS = ("obj_secret", "bkt_secret")
ROOT = {"root_object_id": SECRETS[0], "root_bucket_id": SECRETS[1], "source_type": "bucket"}


async def name_parent(world: World, how: str, child: str, parent: str, *, by: str | None) -> Any:
    """Make ``child``, or let it be made, with that parent."""
    if how == "create":
        return await world.make(child, by=by, source_document_id=parent)
    if how == "chain":
        steps = [{"collection_id": "c", "feature_extractor_id": "f", "document_id": d} for d in (parent, child)]
        return await world.make(child, by=by, lineage_chain=steps)
    if how == "update":
        await world.make(child, by=by)
        return await done(world[by].patch(f"{world.documents}/{child}", json={"source_document_id": parent}))
    document = {"document_id": child, "vectors": {}, "source_document_id": parent}
    body = {"collection_id": "things", "documents": [document]}
    return await done(world[by].post(f"/v1/namespaces/{world.namespace_id}/documents/upsert", json=body))


async def shown(world: World, document_id: str) -> str:
    """The document's lineage, without times."""
    return re.sub(r"\d{4}-[^']+Z", "", str(await world.lineage(document_id)))


HOW = ["create", "chain", "update", "upsert"]


@pytest.mark.parametrize("how", HOW)
async def test_hidden_parent_is_as_good_as_missing(world: World, how: str) -> None:
    await world.make("parent", by="olga", **ROOT)
    await name_parent(world, how, "child", "parent", by="nina")
    await name_parent(world, how, "orphan", "nobody", by="nina")
    child, orphan = await shown(world, "child"), await shown(world, "orphan")
    assert child.replace("parent", "nobody").replace("child", "orphan") == orphan


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("by", [None, "olga", "rita", "walt"])
async def test_whoever_may_see_the_parent_inherits(world: World, how: str, by: str | None) -> None:
    await world.make_shared("parent", **ROOT)
    await name_parent(world, how, "child", "parent", by=by)
    assert (await world.lineage("child"))["root_object_id"] == SECRETS[0]


@pytest.mark.parametrize("how", HOW)
async def test_repairs_ask_again_who_named_the_parent(world: World, how: str) -> None:
    """The parent comes late, moves, is shared and hidden again: the child follows each time."""
    await name_parent(world, how, "child", "parent", by="nina")
    await world.make("parent", by="olga", **ROOT)
    assert "root_object_id" not in await world.lineage("child")
    await done(world["olga"].patch(f"{world.documents}/parent", json={"root_object_id": "obj_moved"}))
    assert "root_object_id" not in await world.lineage("child")
    await world.share("parent", by="olga", read=["nina"])
    assert (await world.lineage("child"))["root_object_id"] == "obj_moved"
    await world.share("parent", by="olga", read=[])
    assert "root_object_id" not in await world.lineage("child")


async def test_writer_of_a_child_cannot_look_through_the_eyes_of_its_owner(world: World) -> None:
    await world.make("parent", by="olga", **ROOT)
    await world.make_shared("child")
    path = f"{world.documents}/child"
    patched = await done(world["walt"].patch(path, json={"source_document_id": "parent"}))
    assert "root_object_id" not in patched["_internal"]["lineage"]
    patched = await done(world["olga"].patch(path, json={"source_document_id": "parent"}))
    assert patched["_internal"]["lineage"]["root_object_id"] == SECRETS[0]
    # Another lineage field does not name the parent anew.
    patched = await done(world["walt"].patch(path, json={"source_object_id": "obj_x"}))
    assert patched["_internal"]["lineage"]["root_object_id"] == SECRETS[0]


async def test_organization_does_not_lend_its_eyes_with_another_field(world: World) -> None:
    await world.make("parent", by="olga", **ROOT)
    await world.make("child", by="nina", source_document_id="parent")
    await done(world.org.patch(f"{world.documents}/child", json={"source_object_id": "obj_x"}))
    lineage = await shown(world, "child")
    assert not any(secret in lineage for secret in SECRETS)


async def test_refused_cycle_names_only_what_the_caller_named(world: World) -> None:
    await world.make("mine", by="nina")
    await world.make("between", source_document_id="mine")
    await world.make("below", source_document_id="between")
    patch = {"source_document_id": "below"}
    answer = await world["nina"].patch(f"{world.documents}/mine", json=patch)
    assert answer.status_code == 409
    assert answer.json()["error"]["details"] == {"cycle": ["mine", "below", "mine"]}
    assert "between" not in answer.text
    full = await world.org.patch(f"{world.documents}/mine", json=patch)
    assert "between" in full.text


async def test_parents_in_the_same_upsert_are_seen(world: World) -> None:
    documents = [
        {"document_id": "child", "vectors": {}, "source_document_id": "parent"},
        {"document_id": "parent", "vectors": {}, **ROOT},
    ]
    body = {"collection_id": "things", "documents": documents}
    await done(world["nina"].post(f"/v1/namespaces/{world.namespace_id}/documents/upsert", json=body))
    assert (await world.lineage("child"))["root_object_id"] == SECRETS[0]
