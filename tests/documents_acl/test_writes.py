"""What end users make, change and replace, and what they cannot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from headwater.errors import ForbiddenError, NotFoundError
from headwater.store.commands.document_acl import UpdateDocumentAcl
from headwater.store.commands.documents import DeleteDocument

from .conftest import World, done, refusal

pytestmark = pytest.mark.anyio

PRIVATE = {"owner": "olga", "read": [], "write": [], "public": False}
SHARED = {"owner": "olga", "read": ["rita"], "write": ["walt"], "public": False}


def item(document_id: str, **members: Any) -> dict[str, Any]:
    return {"document_id": document_id, "vectors": {}, **members}


async def upsert(world: World, principal: str | None, *documents: Any, **body: Any) -> Any:
    path = f"/v1/namespaces/{world.namespace_id}/documents/upsert"
    body = {"collection_id": "things", "documents": documents, **body}
    return await world[principal].post(path, json=body)


async def acl(world: World, document_id: str) -> Any:
    return (await world.stored(document_id))["_internal"].get("_acl")


async def test_created_document_belongs_to_its_maker(world: World) -> None:
    made = await world.make("a", by="olga", brand="Acme")
    assert made["_internal"]["_acl"] == PRIVATE
    await upsert(world, "olga", item("b"))
    assert await acl(world, "b") == PRIVATE


async def test_document_of_the_organization_has_no_acl_until_it_gets_one(world: World) -> None:
    made = await world.make("a")
    assert "_acl" not in made["_internal"]
    assert "_acl" not in (await world.share("a"))["_internal"]
    shared = await world.share("a", read=["rita"])
    assert shared["_internal"]["_acl"] == {"read": ["rita"], "write": [], "public": False}
    await done(world["rita"].get("/v1/documents/a"))


async def test_sent_lists_replace_and_the_rest_stays(world: World) -> None:
    await world.make_shared("a")
    changed = await world.share("a", by="olga", read=["nina"], public=None)
    assert changed["_internal"]["_acl"] == SHARED | {"read": ["nina"]}
    changed = await world.share("a", write=[], public=True)
    assert changed["_internal"]["_acl"] == {"owner": "olga", "read": ["nina"], "write": [], "public": True}


async def test_acl_change_is_a_new_version(world: World) -> None:
    made = await world.make("a", by="olga")
    path = f"{world.documents}/a/acl"
    first = await world["olga"].patch(path, json={"public": True})
    stale = {"If-Match": f'"{int(first.headers["etag"].strip(chr(34))) - 1}"'}
    assert refusal(await world["olga"].patch(path, json={"public": False}, headers=stale))[0] == 412
    nothing = await world["olga"].patch(path, json={})
    assert nothing.headers["etag"] == first.headers["etag"]
    assert first.json()["_internal"]["created_at"] == made["_internal"]["created_at"]


@pytest.mark.parametrize("body", [{"owner": "nina"}, {"read": "rita"}, {"read": ["x"] * 257}, {"public": "yes"}])
async def test_malformed_acl_is_told_to_those_only_who_may_change_it(world: World, body: dict[str, Any]) -> None:
    await world.make_shared("a")
    path = f"{world.documents}/a/acl"
    got = {name: (await world[name].patch(path, json=body)).status_code for name in (None, *world.users)}
    assert got == {None: 422, "olga": 422, "walt": 403, "rita": 403, "nina": 404}
    assert await acl(world, "a") == SHARED


async def test_rights_can_be_taken_away_in_a_frozen_collection(world: World) -> None:
    await world.make_shared("a")
    lifecycle = f"/v1/collections/{world.collection_id}/lifecycle"
    await done(world.org.patch(lifecycle, json={"lifecycle_state": "frozen"}))
    assert (await world["walt"].patch(f"{world.documents}/a", json={"n": 1})).status_code == 409
    await world.share("a", by="olga", read=[], write=[])
    assert (await world["rita"].get(f"{world.documents}/a")).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_bodies_cannot_set_the_acl(world: World, method: str) -> None:
    await world.make_shared("a")
    stolen = {"owner": "walt", "read": [], "write": ["walt"], "public": True}
    for body in (
        {"_internal": {"_acl": stolen}},
        {"_internal._acl": stolen, "_internal._acl.owner": "walt"},
        {"internal_metadata": {"_acl": stolen}, "internal_metadata._acl.owner": "walt"},
        {"_acl": stolen, "metadata": {"_acl": stolen}, "acl": stolen},
        {"features": [{"feature_extractor_id": "x_v1", "_acl": stolen, "payload": {"_acl": stolen}}]},
    ):
        await world["walt"].request(method, f"{world.documents}/a", json=body)
        assert await acl(world, "a") == SHARED, body
        update = {"document_id": "a", "update_data": body}
        await world["walt"].post(f"{world.documents}/batch", json={"updates": [update]})
        assert await acl(world, "a") == SHARED, body
        made = await world["walt"].post(world.documents, json=body)
        assert made.json()["_internal"]["_acl"] == PRIVATE | {"owner": "walt"}, body


async def test_replacing_a_document_does_not_take_it_from_its_owner(world: World) -> None:
    await world.make_shared("a")
    for principal in ("walt", None):
        assert (await upsert(world, principal, item("a", payload={"by": principal}))).status_code == 200
        assert await acl(world, "a") == SHARED
    assert (await upsert(world, None, item("a", acl={"read": ["nina"]}))).status_code == 200
    assert await acl(world, "a") == PRIVATE | {"read": ["nina"]}


async def test_upsert_with_an_acl_is_for_the_organization(world: World) -> None:
    answer = await upsert(world, "olga", item("a", acl={"public": True}))
    assert refusal(answer) == (403, "document_acl")
    assert (await world.org.get("/v1/documents/a")).status_code == 404


async def test_one_document_that_may_not_be_replaced_spoils_the_batch(world: World) -> None:
    await world.make_shared("a")
    await world.make("hidden")
    for last, status in (("a", 403), ("hidden", 409)):
        assert (await upsert(world, "rita", item("new"), item(last))).status_code == status
    assert (await world.org.get("/v1/documents/new")).status_code == 404


async def test_taken_id_tells_nothing_of_the_document_that_has_it(world: World) -> None:
    """Ids are one space, so that one is taken cannot be kept secret; where it is, and whose, can."""
    await done(world.org.post("/v1/collections", json={"collection_name": "others", "source": {"type": "none"}}))
    await world.make("h1", brand="secret")
    await done(world.org.post("/v1/collections/others/documents", json={"document_id": "h2"}))
    answers = []
    for hidden in ("h1", "h2"):
        for attempt in (
            await upsert(world, "nina", item(hidden)),
            await world["nina"].post(world.documents, json={"document_id": hidden}),
        ):
            error = attempt.json()["error"]
            answers.append(str(error).replace(hidden, ""))
            assert error["details"] == {"resource": "document", "name": hidden}
    assert len(set(answers)) == 1


async def test_replay_is_for_the_same_principal_only(world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"brand": "Acme"}
    made = await done(world["olga"].post(world.documents, json=body, headers=headers))
    assert await done(world["olga"].post(world.documents, json=body, headers=headers)) == made
    for other in ("nina", None):
        own = await done(world[other].post(world.documents, json=body, headers=headers))
        assert own["document_id"] != made["document_id"]
        assert own["_internal"].get("_acl", {}).get("owner") == other
    first = await upsert(world, "olga", item("u"), options={"idempotency_key": "k"})
    assert first.status_code == 200
    assert refusal(await upsert(world, "nina", item("u"), options={"idempotency_key": "k"})) == (
        409,
        "document_id_taken",
    )


async def test_keys_of_one_principal_are_one(world: World) -> None:
    await world.make("a", by="olga")
    await done(
        world.org.post(
            "/v1/organizations/users/admin@localhost.local/api-keys",
            json={"name": "olga-phone", "principal_id": "olga", "permissions": ["read"]},
        )
    )
    rotated = await done(
        world.org.post("/v1/organizations/users/admin@localhost.local/api-keys/olga-phone/rotate"),
    )
    phone = {"Authorization": f"Bearer {rotated['key']}"}
    await done(world["nina"].get("/v1/documents/a", headers=phone))
    assert refusal(await world["nina"].patch("/v1/documents/a", json={"n": 1}, headers=phone)) == (
        403,
        "permission_required",
    )


@pytest.mark.parametrize(
    ("changes", "error"), [({"write": []}, NotFoundError), ({"write": [], "read": ["walt"]}, ForbiddenError)]
)
async def test_right_taken_away_while_a_write_waits(
    world: World, runtime: Any, changes: dict[str, Any], error: type[Exception]
) -> None:
    """Both go to the writer in one batch; the second meets what the first has done, not what its sender saw."""
    await world.make_shared("a")
    rows = "SELECT namespace_row, collection_row FROM collections WHERE collection_id = ?"
    found = runtime.reader.connection.execute(rows, (world.collection_id,)).fetchone()
    place = {"namespace_row": found[0], "collection_row": found[1], "document_id": "a"}
    taken_away, refused = await asyncio.gather(
        runtime.store.execute(UpdateDocumentAcl(**place, changes=changes)),
        runtime.store.execute(DeleteDocument(**place, principal="walt")),
        return_exceptions=True,
    )
    assert taken_away["document_id"] == "a"
    assert isinstance(refused, error)
    await world.stored("a")
