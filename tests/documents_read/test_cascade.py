"""Deleting a document with everything that was made from it, and everything that was made of an object."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.catalog.database import open_reader
from headwater.errors import InsufficientStorageError, ServiceUnavailableError
from headwater.resources.documents import service_cascade
from headwater.scope import DocumentScope
from headwater.settings import Settings
from headwater.store.commands.cascade import DeleteTree
from headwater.store.documents.cascade import planned_object, planned_tree, walk_object
from headwater.store.find import Budget

from .conftest import Create, MakeCollection
from .test_lineage_model import COLLECTIONS, Forest, plans_of, store

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient


@pytest.fixture
async def film(make_collection: MakeCollection, create: Create) -> dict[str, str]:
    """obj_1 → film → scene → shot_0 … shot_2, and obj_1 → poster; ids of the collections by name."""
    ids = {name: (await make_collection(name))["collection_id"] for name in COLLECTIONS}
    vectors = {"embedding": [1.0, 0.5]}
    features = [{"feature_extractor_id": "own_v1", "vectors": vectors}]
    await create("film", "films", root_object_id="obj_1", features=features)
    await create("poster", "films", root_object_id="obj_1")
    await create("scene", "scenes", parent="film", features=features)
    for number in range(3):
        await create(f"shot_{number}", "shots", parent="scene", features=features)
    return ids


def document_path(collection: str, document_id: str) -> str:
    return f"/v1/collections/{collection}/documents/{document_id}"


async def delete(client: Client, path: str, *, headers: dict[str, str] | None = None, **query: Any) -> dict[str, Any]:
    answer = await client.delete(path, params=query, headers=headers or {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def refused(client: Client, path: str, status: int, **query: Any) -> dict[str, Any]:
    answer = await client.delete(path, params=query)
    assert answer.status_code == status, answer.text
    return dict(answer.json()["error"])


async def left(client: Client) -> list[str]:
    """Ids of all documents, and the collections count them rightly."""
    found = []
    for name in COLLECTIONS:
        path = f"/v1/collections/{name}/documents"
        ids = [each["document_id"] for each in (await client.get(path, params={"limit": 1000})).json()["results"]]
        assert (await client.get(f"{path}/count")).json()["count"] == len(ids)
        found += ids
    return sorted(found)


async def freeze(client: Client, collection: str) -> None:
    answer = await client.patch(f"/v1/collections/{collection}/lifecycle", json={"lifecycle_state": "frozen"})
    assert answer.status_code == 200, answer.text


EVERYTHING = ["film", "poster", "scene", "shot_0", "shot_1", "shot_2"]


async def test_a_document_goes_with_what_was_made_from_it(client: Client, film: dict[str, str]) -> None:
    path = document_path("scenes", "scene")
    expected = {"success": True, "deleted_count": 4, "collections": {film["scenes"]: 1, film["shots"]: 3}}
    planned = await delete(client, path, cascade="true", dry_run="true")
    assert planned.pop("message") == "Nothing was deleted: this is what would be"
    assert planned == {**expected, "dry_run": True}
    assert await left(client) == EVERYTHING
    done = await delete(client, path, cascade="true")
    assert done == {**expected, "message": "Successfully deleted", "dry_run": False}
    assert await left(client) == ["film", "poster"]
    assert (await refused(client, path, 404, cascade="true"))["code"] == "document_not_found"


async def test_what_was_made_of_an_object_goes(client: Client, film: dict[str, str], create: Create) -> None:
    await create("other", "films", root_object_id="obj_2")
    path = "/v1/objects/obj_1/documents"
    planned = await delete(client, path, dry_run="true")
    assert (planned["dry_run"], await left(client)) == (True, sorted([*EVERYTHING, "other"]))
    done = await delete(client, path)
    assert done["collections"] == planned["collections"] == {film["films"]: 2, film["scenes"]: 1, film["shots"]: 3}
    assert await left(client) == ["other"]
    for query in ({}, {"dry_run": "true"}):
        assert (await refused(client, path, 404, **query))["code"] == "object_not_found"


async def test_a_mistyped_dry_run_deletes_nothing(client: Client, film: dict[str, str]) -> None:
    error = await refused(client, document_path("films", "film"), 422, cascade="true", dryrun="true")
    assert "dryrun: unknown parameter; accepted are cascade, dry_run" in error["message"]
    await refused(client, "/v1/objects/obj_1/documents", 422, dry="true")
    assert await left(client) == EVERYTHING


async def test_points_go_with_their_documents(client: Client, film: dict[str, str], runtime: Any) -> None:
    await delete(client, document_path("films", "film"), cascade="true")
    vectors, tombstones = (
        runtime.reader.connection.execute(f"SELECT count(*) FROM {table}").get for table in ("vectors", "tombstones")
    )
    assert (vectors, tombstones) == (0, 5)


async def test_without_cascade_nothing_is_new(client: Client, film: dict[str, str]) -> None:
    path = document_path("films", "film")
    await refused(client, path, 422, dry_run="true")
    await refused(client, path, 422, cascade="maybe")
    answer = await client.delete(path, params={"cascade": "false"})
    assert answer.content == b'{"message":"Successfully deleted","success":true}'
    assert await left(client) == ["poster", "scene", "shot_0", "shot_1", "shot_2"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_a_frozen_collection_keeps_all_of_it(client: Client, film: dict[str, str], dry_run: str) -> None:
    await freeze(client, "shots")
    for path in (document_path("films", "film"), "/v1/objects/obj_1/documents"):
        error = await refused(client, path, 409, cascade="true", dry_run=dry_run)
        assert (error["code"], error["details"]["collection_id"]) == ("collection_frozen", film["shots"])
    assert await left(client) == EVERYTHING
    # What is not below does not matter.
    assert (await delete(client, document_path("films", "poster"), cascade="true"))["deleted_count"] == 1


async def test_if_match_is_about_the_named_document(client: Client, film: dict[str, str]) -> None:
    path = document_path("scenes", "scene")
    etag = (await client.get(path)).headers["ETag"]
    for dry_run in ("true", "false"):
        query = {"cascade": "true", "dry_run": dry_run}
        answer = await client.delete(path, params=query, headers={"If-Match": '"1"'})
        assert answer.status_code == 412
    assert await left(client) == EVERYTHING
    assert (await delete(client, path, cascade="true", headers={"If-Match": etag}))["deleted_count"] == 4


async def test_a_document_is_missing_in_another_collection(client: Client, film: dict[str, str]) -> None:
    await refused(client, document_path("films", "scene"), 404, cascade="true")
    await refused(client, document_path("nope", "scene"), 404, cascade="true")
    assert await left(client) == EVERYTHING


async def test_a_key_of_one_collection_deletes_no_other(client: Client, film: dict[str, str], with_key: Any) -> None:
    scopes = [{"resource_type": "collection", "resource_id": name} for name in ("scenes", "shots")]
    both = await with_key(scopes=scopes)
    reading = await with_key(scopes=[scopes[0], scopes[1] | {"operations": ["read_data"]}])
    path, query = document_path("scenes", "scene"), {"cascade": "true"}
    answer = await client.delete(path, params=query, headers=reading)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_required")
    assert (await client.delete("/v1/objects/obj_1/documents", headers=both)).status_code == 403
    assert await left(client) == EVERYTHING
    assert (await delete(client, path, headers=both, **query))["deleted_count"] == 4


async def test_documents_of_deleted_collections_do_not_count(client: Client, film: dict[str, str]) -> None:
    assert (await client.delete("/v1/collections/scenes")).status_code == 200
    done = await delete(client, document_path("films", "film"), cascade="true")
    assert done["collections"] == {film["films"]: 1}


# --- slices -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("limit", [1, 3, 1000])
async def test_any_tree_goes_as_planned(
    client: Client, make_collection: MakeCollection, monkeypatch: pytest.MonkeyPatch, seed: int, limit: int
) -> None:
    monkeypatch.setattr(service_cascade, "SLICE_DOCUMENTS", limit)
    ids = {name: (await make_collection(name))["collection_id"] for name in COLLECTIONS}
    forest = Forest(seed, 30)
    for name in forest.choose.sample(list(forest.parents), 30):
        await store(client, forest, name)
    while forest.stored:
        name = forest.choose.choice(forest.stored)
        path = document_path(forest.collection(name), name)
        gone = {name, *forest.below(name)}
        if forest.choose.random() < 0.3:
            root = forest.root(name)
            path, gone = f"/v1/objects/{root}/documents", {each for each in forest.stored if forest.root(each) == root}
        planned = await delete(client, path, cascade="true", dry_run="true")
        done = await delete(client, path, cascade="true")
        expected = [ids[forest.collection(each)] for each in gone]
        assert done["collections"] == planned["collections"] == {each: expected.count(each) for each in expected}
        forest.stored = [each for each in forest.stored if each not in gone]
        assert await left(client) == sorted(forest.stored)


class Cut:
    """A store that fails for good at the third slice."""

    def __init__(self, store: Any, error: Exception) -> None:
        self._execute = store.execute
        self._error = error
        self.slices = 0

    async def execute(self, command: Any) -> Any:
        if isinstance(command, DeleteTree):
            self.slices += 1
            if self.slices == 3:
                raise self._error
        return await self._execute(command)


async def test_what_was_cut_short_is_finished_by_repeating_it(
    app: Any, client: Client, film: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_cascade, "SLICE_DOCUMENTS", 2)
    store = app.state.runtime.store
    monkeypatch.setattr(store, "execute", Cut(store, ServiceUnavailableError("the store is away")).execute)
    path = document_path("films", "film")
    error = await refused(client, path, 500, cascade="true")
    assert error["message"].endswith("4 documents were deleted before that; repeat the request to go on")
    assert error["details"]["deleted_count"] == 4
    assert error["details"]["collections"] == {film["scenes"]: 1, film["shots"]: 3}
    # Children go first, so whatever is left hangs from the document still.
    assert await left(client) == ["film", "poster"]
    assert (await delete(client, path, cascade="true"))["deleted_count"] == 1


async def test_nothing_stored_is_a_503_still(
    app: Any, client: Client, film: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = app.state.runtime.store
    cut = Cut(store, ServiceUnavailableError("the store is away"))
    cut.slices = 2
    monkeypatch.setattr(store, "execute", cut.execute)
    await refused(client, document_path("films", "film"), 503, cascade="true")
    assert await left(client) == EVERYTHING


async def test_a_collection_frozen_between_slices_ends_it(
    app: Any, client: Client, film: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_cascade, "SLICE_DOCUMENTS", 3)
    store = app.state.runtime.store
    execute = store.execute

    async def freezing(command: Any) -> Any:
        outcome = await execute(command)
        if isinstance(command, DeleteTree):
            monkeypatch.setattr(store, "execute", execute)
            await freeze(client, "scenes")
        return outcome

    monkeypatch.setattr(store, "execute", freezing)
    error = await refused(client, document_path("films", "film"), 409, cascade="true")
    assert (error["code"], error["details"]["deleted_count"]) == ("collection_frozen", 3)
    assert await left(client) == ["film", "poster", "scene"]


async def test_a_full_disk_is_emptied_in_small_slices(
    app: Any, client: Client, film: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = app.state.runtime.store
    execute, limits = store.execute, []

    async def full(command: Any) -> Any:
        if isinstance(command, DeleteTree):
            limits.append(command.limit)
            if command.limit > 20:
                raise InsufficientStorageError("the disk is full")
        return await execute(command)

    monkeypatch.setattr(store, "execute", full)
    monkeypatch.setattr(service_cascade, "SLICE_DOCUMENTS", 30)
    assert (await delete(client, document_path("films", "film"), cascade="true"))["deleted_count"] == 5
    assert limits == [30, 20]


async def test_plans_use_the_indexes(settings: Settings, runtime: Any) -> None:
    connection = open_reader(settings.data)
    scope = DocumentScope(1)
    below = plans_of(connection, lambda: planned_tree(connection, Budget(), scope, "d"))
    of_object = plans_of(connection, lambda: planned_object(connection, Budget(), scope, "obj"))
    of_object += plans_of(connection, lambda: walk_object(connection, 1, "obj", 10))
    connection.close()
    assert any("USING INDEX documents_by_parent" in plan for plan in below)
    assert any("INDEX documents_by_root" in plan for plan in of_object)
    assert not any("SCAN d" in plan for plan in [*below, *of_object])
