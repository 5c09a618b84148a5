"""Imports and exports belong to the organization; what end users own stays theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import World, done

pytestmark = pytest.mark.anyio

SHARED = {"owner": "olga", "read": ["rita"], "write": ["walt"], "public": False}


async def rows(world: World) -> list[dict[str, Any]]:
    """What a complete export of the collection holds."""
    body = {"format": "json", "include_vectors": True, "include_lineage": True}
    made = await done(world.org.post(f"/v1/collections/{world.collection_id}/export", json=body))
    file = await world.org.get(made["download_url"])
    return [json.loads(line) for line in file.text.splitlines()]


async def bring_in(world: World, *given: dict[str, Any], **mapping: Any) -> dict[str, Any]:
    body = {"export": {"rows": given}, "mapping": {"fields": [], **mapping}}
    return dict(await done(world.org.post(f"/v1/collections/{world.collection_id}/import", json=body)))


async def acl(world: World, document_id: str) -> Any:
    return (await world.stored(document_id))["_internal"].get("_acl")


async def test_import_of_an_export_brings_the_owner_back(world: World) -> None:
    await world.make_shared("a", n=1)
    exported = await rows(world)
    await done(world.org.delete(f"{world.documents}/a"))
    await bring_in(world, *exported)
    assert await acl(world, "a") == SHARED


async def test_lineage_of_an_import_is_seen_through_the_same_eyes(world: World) -> None:
    await world.make("parent", by="olga", root_object_id="obj_secret", source_type="bucket")
    await world.make("child", by="nina", source_document_id="parent")
    exported = await rows(world)
    await done(world.org.delete(f"{world.documents}/child"))
    await bring_in(world, *exported)
    assert "obj_secret" not in str(await world.lineage("child"))


@pytest.mark.parametrize(
    "broken",
    [{"owner": 7}, {"read": "rita"}, {"owner": "olga", "wrong": []}, [], {"public": "yes"}],
)
async def test_malformed_acl_of_a_row_is_an_error_of_the_row(world: World, broken: Any) -> None:
    await world.make_shared("a", n=1)
    (row,) = await rows(world)
    row["_internal"]["_acl"] = broken
    report = await bring_in(world, row | {"document_id": "b"})
    assert report["skipped"] == 1, report
    assert (await world.org.get("/v1/documents/b")).status_code == 404


async def test_partial_acl_of_a_row_lets_nobody_else_in(world: World) -> None:
    await world.make_shared("a", n=1)
    (row,) = await rows(world)
    row["_internal"]["_acl"] = {"owner": "olga", "read": None}
    report = await bring_in(world, row)
    assert report["skipped"] == 0, report
    assert await acl(world, "a") == SHARED | {"read": [], "write": []}


async def test_plain_row_in_place_of_a_document_leaves_it_to_its_owner(world: World) -> None:
    await world.make_shared("a", n=1)
    report = await bring_in(world, {"document_id": "a", "n": 2})
    assert report["skipped"] == 0, report
    assert (await world.stored("a"))["n"] == 2
    assert await acl(world, "a") == SHARED
