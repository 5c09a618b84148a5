"""What the lineage routes show: the chain, ancestors and children, the graph."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import Create, MakeCollection

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient


@pytest.fixture
async def film(make_collection: MakeCollection, create: Create) -> None:
    """obj_1 in bkt_1 → film → scene → shot_0 … shot_2, in three collections."""
    for name in ("films", "scenes", "shots"):
        await make_collection(name)
    await create("film", "films", root_object_id="obj_1", root_bucket_id="bkt_1", title="Launch")
    await create("scene", "scenes", parent="film")
    for number in range(3):
        await create(f"shot_{number}", "shots", parent="scene")


async def read(client: Client, path: str, **query: Any) -> Any:
    answer = await client.get(f"/v1/collections/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lineage(client: Client, collection: str, document_id: str) -> dict[str, Any]:
    return dict(await read(client, f"{collection}/documents/{document_id}/lineage"))


def steps(answer: dict[str, Any]) -> list[str]:
    return [step["document_id"] for step in answer["lineage"]["lineage_chain"]]


def ids_of(documents: list[dict[str, Any]]) -> list[str]:
    return [document["document_id"] for document in documents]


async def test_lineage_of_a_document_made_from_an_object(client: Client, film: None) -> None:
    answer = await lineage(client, "films", "film")
    assert (answer["depth"], answer["total_steps"], answer["message"]) == (1, 1, None)
    (step,) = answer["lineage"].pop("lineage_chain")
    assert step["document_id"] == "film"
    assert answer["lineage"] == {
        "root_object_id": "obj_1",
        "root_bucket_id": "bkt_1",
        "source_type": "bucket",
        "source_object_id": "obj_1",
        "source_document_id": None,
        "source_collection_id": None,
        "source_row": None,
    }


async def test_lineage_of_a_document_made_from_a_document(client: Client, film: None) -> None:
    answer = await lineage(client, "shots", "shot_1")
    assert (answer["depth"], answer["total_steps"], steps(answer)) == (3, 3, ["film", "scene", "shot_1"])
    assert answer["lineage"]["source_document_id"] == "scene"


async def test_what_was_written_directly_has_no_lineage(client: Client, film: None, create: Create) -> None:
    await create("own", "films", title="Own")
    answer = await lineage(client, "films", "own")
    assert (answer["lineage"], answer["depth"], answer["total_steps"]) == (None, 0, 0)
    assert answer["message"]


async def test_above_a_deleted_ancestor_nothing_is_known(client: Client, film: None) -> None:
    assert (await client.delete("/v1/collections/scenes/documents/scene")).status_code == 200
    answer = await lineage(client, "shots", "shot_1")
    assert (answer["depth"], answer["total_steps"], steps(answer)) == (3, 2, ["scene", "shot_1"])
    assert await read(client, "shots/documents/shot_1/ancestors") == []


async def test_a_parent_that_never_came_is_named(client: Client, film: None, create: Create) -> None:
    await create("late", "scenes", parent="nobody", source_collection_id="col_x")
    answer = await lineage(client, "scenes", "late")
    assert (answer["depth"], answer["total_steps"], steps(answer)) == (2, 2, ["nobody", "late"])
    assert answer["lineage"]["lineage_chain"][0] == {"collection_id": "col_x", "document_id": "nobody"}


async def test_a_chain_that_was_sent_ends_with_the_document(client: Client, film: None, create: Create) -> None:
    chain = [
        {"collection_id": "c", "feature_extractor_id": "e", "document_id": "film"},
        {"collection_id": "d", "feature_extractor_id": "e"},
    ]
    await create("sent", "scenes", lineage_chain=chain)
    answer = await lineage(client, "scenes", "sent")
    assert (steps(answer), answer["lineage"]["source_document_id"]) == (["film", "sent"], "film")
    assert ids_of(await read(client, "scenes/documents/sent/ancestors")) == ["film"]
    await create("elsewhere", "scenes", lineage_chain=[{**chain[0], "document_id": "scene"}, chain[0]])
    assert steps(await lineage(client, "scenes", "elsewhere")) == ["scene", "film", "elsewhere"]


async def test_ancestors_and_descendants(client: Client, film: None) -> None:
    shown = await read(client, "shots/documents/shot_1/ancestors")
    assert shown == [(await client.get(f"/v1/documents/{name}")).json() for name in ("film", "scene")]
    assert ids_of(await read(client, "shots/documents/shot_1/ancestors", limit=1)) == ["scene"]
    assert await read(client, "films/documents/film/ancestors") == []
    assert ids_of(await read(client, "films/documents/film/descendants")) == ["scene"]
    assert ids_of(await read(client, "scenes/documents/scene/descendants", limit=2)) == ["shot_0", "shot_1"]
    assert await read(client, "shots/documents/shot_1/descendants") == []


async def test_descendants_end_at_a_hundred_unless_more_are_asked_for(client: Client, film: None) -> None:
    documents = [{"document_id": f"c{n:03}", "vectors": {}, "source_document_id": "film"} for n in range(150)]
    answer = await client.post("/v1/namespaces/test/documents/upsert", json={"documents": documents})
    assert answer.status_code == 200, answer.text
    shown = ids_of(await read(client, "films/documents/film/descendants"))
    assert shown == ["scene", *(f"c{n:03}" for n in range(99))]
    assert len(await read(client, "films/documents/film/descendants", limit=1000)) == 151


async def test_a_late_parent_is_found(client: Client, film: None, create: Create) -> None:
    await create("child", "scenes", parent="late")
    await create("late", "films", parent="film")
    assert ids_of(await read(client, "scenes/documents/child/ancestors")) == ["film", "late"]
    assert ids_of(await read(client, "films/documents/late/descendants")) == ["child"]


@pytest.mark.parametrize("view", ["lineage", "ancestors", "descendants", "lineage/graph"])
async def test_missing_documents(client: Client, film: None, view: str) -> None:
    for path in ("films/documents/nope", "films/documents/scene", "nope/documents/film"):
        answer = await client.get(f"/v1/collections/{path}/{view}")
        assert answer.status_code == 404, path
    assert (await client.get("/v1/documents/nope/lineage/graph")).status_code == 404


@pytest.mark.parametrize(
    ("view", "limit"), [("ancestors", 1001), ("descendants", 0), ("lineage/graph", 0), ("lineage/graph", 10_001)]
)
async def test_limits_have_bounds(client: Client, film: None, view: str, limit: int) -> None:
    answer = await client.get(f"/v1/collections/films/documents/film/{view}", params={"limit": limit})
    assert answer.status_code == 422


async def graph(client: Client, document_id: str, **query: Any) -> tuple[list[str], list[str], bool]:
    """Nodes as ``kind:id``, edges as ``source > target``, and whether there is more."""
    answer = await client.get(f"/v1/documents/{document_id}/lineage/graph", params=query)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    nodes = [f"{node['kind']}:{node['id']}" for node in found["nodes"]]
    return nodes, [f"{edge['source']} > {edge['target']}" for edge in found["edges"]], found["truncated"]


async def test_graph(client: Client, film: None) -> None:
    nodes, edges, truncated = await graph(client, "scene")
    shots = [f"shot_{number}" for number in range(3)]
    assert nodes == ["bucket:bkt_1", "object:obj_1", *(f"document:{name}" for name in ("film", "scene", *shots))]
    assert edges == ["bkt_1 > obj_1", "obj_1 > film", "film > scene", *(f"scene > {name}" for name in shots)]
    assert not truncated
    assert len((await graph(client, "shot_0"))[0]) == 5, "siblings are no part of it"


async def test_both_routes_show_the_same_graph(client: Client, film: None) -> None:
    of_collection = await read(client, "scenes/documents/scene/lineage/graph")
    assert of_collection == (await client.get("/v1/documents/scene/lineage/graph")).json()
    assert of_collection["nodes"][2] == {
        "id": "film",
        "kind": "document",
        "collection_id": of_collection["nodes"][2]["collection_id"],
        "collection_name": "films",
        "label": "Launch",
    }
    assert {edge["kind"] for edge in of_collection["edges"]} == {"holds", "root_of", "parent_of"}


@pytest.mark.parametrize("limit", range(1, 9))
async def test_graph_shows_the_nearest_and_tells_when_there_is_more(client: Client, film: None, limit: int) -> None:
    nodes, edges, truncated = await graph(client, "scene", limit=limit)
    nearest = ["scene", "film", "obj_1", "bkt_1", "shot_0", "shot_1", "shot_2"][:limit]
    assert {node.partition(":")[2] for node in nodes} == set(nearest)
    assert truncated == (limit < 7)
    assert all(end in nearest for edge in edges for end in edge.split(" > "))


async def test_graph_names_a_missing_parent(client: Client, film: None, create: Create) -> None:
    await create("late", "scenes", parent="nobody", root_object_id="obj_9", source_collection_id="col_x")
    found = await read(client, "scenes/documents/late/lineage/graph")
    missing = next(node for node in found["nodes"] if node["id"] == "nobody")
    assert missing == {
        "id": "nobody",
        "kind": "document",
        "collection_id": "col_x",
        "label": "nobody",
        "missing": True,
    }
    _, edges, truncated = await graph(client, "late")
    assert (sorted(edges), truncated) == (["nobody > late", "obj_9 > late"], False)


async def test_graph_shows_another_root_below(client: Client, film: None, create: Create) -> None:
    await create("other", "shots", parent="scene", root_object_id="obj_2", root_bucket_id="bkt_1")
    _, edges, _ = await graph(client, "film")
    assert {"scene > other", "obj_2 > other", "bkt_1 > obj_2", "bkt_1 > obj_1"} <= set(edges)


async def test_a_key_of_one_collection_sees_no_other(client: Client, film: None, with_key: Any) -> None:
    key = await with_key(scopes=[{"resource_type": "collection", "resource_id": "scenes"}])
    base = "/v1/collections/scenes/documents/scene"

    async def get(view: str) -> Any:
        answer = await client.get(f"{base}/{view}", headers=key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert (await get("ancestors"), await get("descendants")) == ([], [])
    assert steps(await get("lineage")) == ["film", "scene"]
    found = await get("lineage/graph")
    assert {node["id"]: node.get("missing") for node in found["nodes"]} == {
        "bkt_1": None,
        "obj_1": None,
        "film": True,
        "scene": None,
    }
    for path in ("/v1/documents/scene/lineage/graph", "/v1/objects/obj_1/documents"):
        assert (await client.get(path, headers=key)).status_code == 403
