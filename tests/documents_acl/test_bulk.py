"""Many documents at once by an end user: what it may write is changed, nothing else is touched or told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.documents_acl.conftest import World, done, refusal

pytestmark = pytest.mark.anyio

NOT_FOUND = "Document not found"


async def fill(world: World) -> None:
    """``own`` of walt's, ``shared`` that he may write, ``readable`` and ``public`` that he may read, and ``hidden``."""
    await world.make("own", by="walt", n=1)
    await world.make_shared("shared", n=1)
    for name, acl in (("readable", {"read": ["walt"]}), ("public", {"public": True}), ("hidden", {})):
        await world.make(name, by="olga", n=1)
        await world.share(name, by="olga", **acl)
    await world.make("plain", n=1)


async def values(world: World) -> dict[str, Any]:
    listed = (await done(world.org.post(f"{world.documents}/list", json={"limit": 100})))["results"]
    return {document["document_id"]: document["n"] for document in listed}


async def test_named_documents_are_told_apart(world: World) -> None:
    await fill(world)
    names = ["own", "shared", "readable", "public", "hidden", "plain", "nope"]
    updates = [{"document_id": name, "update_data": {"n": 2}} for name in names]
    for request, verb in (
        (world["walt"].post(f"{world.documents}/batch", json={"updates": updates}), "updated"),
        (world["walt"].request("DELETE", f"{world.documents}/batch", json={"document_ids": names}), "deleted"),
    ):
        answer = await done(request)
        errors = {result["document_id"]: result["error"] for result in answer["results"]}
        assert (answer[f"{verb}_count"], answer["failed_count"]) == (2, 5)
        assert errors["own"] is errors["shared"] is None
        assert errors["hidden"] == errors["plain"] == errors["nope"] == NOT_FOUND
        assert "may read" in errors["readable"] and "may read" in errors["public"]
    assert await values(world) == dict.fromkeys(("readable", "public", "hidden", "plain"), 1)


async def test_a_filter_reaches_what_may_be_written_only(world: World) -> None:
    await fill(world)
    untouched = dict.fromkeys(("readable", "public", "hidden", "plain"), 1)
    answer = await done(world["walt"].patch(f"{world.documents}/bulk", json={"update_data": {"n": 2}}))
    assert (answer["updated_count"], answer["failed_count"]) == (2, 0)
    assert await values(world) == {"own": 2, "shared": 2} | untouched
    body = {"filters": {"n": {"gte": 1}}}
    answer = await done(world["walt"].request("DELETE", f"{world.documents}/batch", json=body))
    assert (answer["deleted_count"], answer["limits"]["matched"]) == (2, 2)
    assert await values(world) == untouched


async def test_a_task_is_seen_by_who_started_it_and_by_the_organization(world: World) -> None:
    await fill(world)
    answer = await done(world["walt"].patch(f"{world.documents}/bulk", json={"update_data": {"n": 2}}))
    path = f"/v1/tasks/{answer['task_id']}"
    assert (await done(world["walt"].get(path)))["additional_data"]["updated_count"] == 2
    assert (await done(world.org.get(path)))["task_id"] == answer["task_id"]
    assert refusal(await world["olga"].get(path)) == (404, "task_not_found")
    assert (await done(world["olga"].post("/v1/tasks/list")))["results"] == []
    assert len((await done(world["walt"].post("/v1/tasks/list")))["results"]) == 1
