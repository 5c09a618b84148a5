"""``expand``: documents inside of a document."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.resources.documents import expand as expand_module

from .conftest import Create, MakeCollection

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient
SCENE = "/v1/collections/scenes/documents/scene"


@pytest.fixture
async def film(make_collection: MakeCollection, create: Create) -> None:
    """film → scene → shot_0 … shot_2, in three collections."""
    for name in ("films", "scenes", "shots"):
        await make_collection(name)
    await create("film", "films", root_object_id="obj_1", root_bucket_id="bkt_1", title="Launch")
    await create("scene", "scenes", parent="film", cast={"lead": "shot_0", "rest": ["shot_1", "nope", 3]})
    for number in range(3):
        await create(f"shot_{number}", "shots", parent="scene")


async def expanded(client: Client, names: str, path: str = SCENE, **headers: str) -> dict[str, Any]:
    answer = await client.get(path, params={"expand": names}, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["_expanded"])


def ids_of(documents: list[Any]) -> list[str | None]:
    return [None if document is None else document["document_id"] for document in documents]


@pytest.mark.parametrize("path", [SCENE, "/v1/documents/scene", "/v1/namespaces/test/documents/scene"])
async def test_keywords(client: Client, film: None, path: str) -> None:
    found = await expanded(client, "parent, children,ancestors,root_object", path)
    assert list(found) == ["parent", "children", "ancestors", "root_object"]
    assert found["parent"] == (await client.get("/v1/documents/film")).json()
    assert ids_of(found["children"]) == ["shot_0", "shot_1", "shot_2"]
    assert ids_of(found["ancestors"]) == ["film"]
    assert found["root_object"] is None


async def test_ancestors_are_told_from_the_root_on(client: Client, film: None) -> None:
    found = await expanded(client, "ancestors,children", "/v1/documents/shot_0")
    assert (ids_of(found["ancestors"]), found["children"]) == (["film", "scene"], [])


async def test_the_document_itself_is_shown_as_ever(client: Client, film: None) -> None:
    answer = await client.get(SCENE, params={"expand": "parent"})
    shown = answer.json()
    plain = await client.get(SCENE)
    shown.pop("_expanded")
    assert (shown, answer.headers["ETag"]) == (plain.json(), plain.headers["ETag"])
    assert "_expanded" not in shown


async def test_a_root_has_no_parent(client: Client, film: None) -> None:
    assert await expanded(client, "parent,ancestors", "/v1/documents/film") == {"parent": None, "ancestors": []}


async def test_fields_that_hold_ids(client: Client, film: None) -> None:
    found = await expanded(client, "cast.lead,cast.rest,cast.nobody,cast")
    assert found["cast.lead"]["document_id"] == "shot_0"
    assert ids_of(found["cast.rest"]) == ["shot_1", None, None]
    assert (found["cast.nobody"], found["cast"]) == (None, None)


async def test_paths_lead_through_lists(client: Client, film: None, create: Create) -> None:
    items = [{"ref": "shot_0"}, {}, {"ref": ["shot_1", "film"]}, "text"]
    await create("order", "films", items=items, **{"dotted.name": "film"})
    found = await expanded(client, "items.ref,dotted.name", "/v1/documents/order")
    assert ids_of(found["items.ref"]) == ["shot_0", None, "shot_1", "film", None]
    assert found["dotted.name"]["document_id"] == "film"


async def test_nothing_is_expanded_twice_over(client: Client, film: None) -> None:
    assert "_expanded" not in (await expanded(client, "parent"))["parent"]


async def test_more_than_fifty_references_are_refused(client: Client, film: None, create: Create) -> None:
    many = [f"d{number}" for number in range(51)]
    await create("many", "films", some=many[:50], all=many, twice=many[:50] * 2)
    path = "/v1/documents/many"
    assert len((await expanded(client, "some", path))["some"]) == 50
    assert len((await expanded(client, "some,twice", path))["twice"]) == 100
    refused = await client.get(path, params={"expand": "all"})
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["validation_errors"][0]["location"] == ["query", "expand"]


async def test_too_many_names_are_refused(client: Client, film: None) -> None:
    answer = await client.get(SCENE, params={"expand": ",".join(map(str, range(21)))})
    assert answer.status_code == 422


async def test_an_answer_has_an_end(client: Client, film: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand_module, "MAX_SHOWN", 2)
    answer = await client.get(SCENE, params={"expand": "children"})
    assert answer.status_code == 422
    assert "smaller page" in answer.json()["error"]["message"]


async def test_children_end_at_a_hundred(client: Client, film: None, create: Create) -> None:
    documents = [{"document_id": f"c{n:03}", "vectors": {}, "source_document_id": "film"} for n in range(120)]
    answer = await client.post("/v1/namespaces/test/documents/upsert", json={"documents": documents})
    assert answer.status_code == 200, answer.text
    found = await expanded(client, "children", "/v1/documents/film")
    assert ids_of(found["children"]) == ["scene", *(f"c{n:03}" for n in range(99))]


async def test_what_the_key_does_not_reach_is_missing(client: Client, film: None, with_key: Any) -> None:
    scopes = [{"resource_type": "collection", "resource_id": name} for name in ("scenes", "shots")]
    scopes[1]["operations"] = ["write_data"]
    key = await with_key(scopes=scopes)
    found = await expanded(client, "parent,ancestors,children,cast.lead", **key)
    assert found == {"parent": None, "ancestors": [], "children": [], "cast.lead": None}
