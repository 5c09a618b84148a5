"""What was made of an object: its documents and its decomposition tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2
import pytest

from headwater.resources.documents import decomposition
from headwater.resources.documents.decomposition import Node, arrange
from headwater.resources.documents.repository import Member

from .conftest import Create, MakeCollection

pytestmark = pytest.mark.anyio

Client = httpx2.AsyncClient


@pytest.fixture
async def film(make_collection: MakeCollection, create: Create) -> dict[str, str]:
    """obj_1 → frame_0, frame_1 → scene; ids of the collections by name."""
    ids = {name: (await make_collection(name))["collection_id"] for name in ("frames", "scenes", "empty")}
    for number in range(2):
        await create(f"frame_{number}", "frames", root_object_id="obj_1", root_bucket_id="bkt_1")
    await create("scene", "scenes", parent="frame_1")
    await create("other", "scenes", root_object_id="obj_2")
    return ids


async def documents(client: Client, object_id: str = "obj_1", **query: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/objects/{object_id}/documents", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_documents_of_an_object(client: Client, film: dict[str, str]) -> None:
    answer = await documents(client)
    assert (answer["object_id"], answer["total_documents"]) == ("obj_1", 3)
    assert answer["collections"] == {film["frames"]: 2, film["scenes"]: 1}
    expected = [(await client.get(f"/v1/documents/{name}")).json() for name in ("frame_0", "frame_1", "scene")]
    assert answer["documents"] == expected


@pytest.mark.parametrize("as_one", [False, True])
async def test_documents_of_some_collections(client: Client, film: dict[str, str], as_one: bool) -> None:
    names = [film["frames"], "empty", "nope"]
    answer = await documents(client, collection_ids=",".join(names) if as_one else names)
    assert (answer["total_documents"], answer["collections"]) == (2, {film["frames"]: 2})
    assert answer["unknown_collection_ids"] == ["nope"]
    assert (await documents(client, collection_ids="empty"))["total_documents"] == 0


async def test_a_page_of_them(client: Client, film: dict[str, str]) -> None:
    answer = await documents(client, limit=1, offset=1)
    assert [document["document_id"] for document in answer["documents"]] == ["frame_1"]
    assert answer["total_documents"] == 3


async def test_unknown_objects_and_collections_are_not_found(client: Client, film: dict[str, str]) -> None:
    for path in ("obj_9/documents", "obj_9/decomposition-tree", "obj_1/documents?collection_ids=nope"):
        answer = await client.get(f"/v1/objects/{path}")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFoundError"), path


async def test_deleted_collections_have_no_documents(client: Client, film: dict[str, str]) -> None:
    assert (await client.delete("/v1/collections/frames")).status_code == 200
    answer = await documents(client)
    assert (answer["total_documents"], answer["collections"]) == (1, {film["scenes"]: 1})


async def test_decomposition_tree(client: Client, film: dict[str, str]) -> None:
    path = "/v1/objects/obj_1/decomposition-tree"
    scenes = {
        "collection_id": film["scenes"],
        "collection_name": "scenes",
        "tier": 2,
        "feature_extractor_id": "passthrough_extractor_v1",
        "document_count": 1,
        "children": [],
    }
    frames = {**scenes, "collection_id": film["frames"], "collection_name": "frames", "tier": 1, "document_count": 2}
    tree: dict[str, Any] = {
        "object_id": "obj_1",
        "bucket_id": "bkt_1",
        "total_documents": 3,
        "total_collections": 2,
        "max_tier": 2,
    }
    assert (await client.get(path)).json() == tree | {"tree": [frames | {"children": [scenes]}]}
    named = (await client.get(path, params={"include_document_ids": True})).json()["tree"][0]
    assert named["document_ids"] == ["frame_0", "frame_1"]
    assert named["children"][0]["document_ids"] == ["scene"]


def tree_of(*members: tuple[str, str, str | None, str | None]) -> dict[str, Any]:
    """The arranged tree of ``(document, collection, parent, source collection)`` as ``{collection: {…}}``."""
    rows: dict[str, int] = {}
    made = [
        Member(row, document, rows.setdefault(collection, len(rows) + 1), collection, parent, source, None)
        for row, (document, collection, parent, source) in enumerate(members)
    ]
    top = arrange(made)
    assert sorted(_documents(top)) == sorted(member[0] for member in members), "each has its place, and only one"
    return _nested(top.children.values())


def _documents(node: Node) -> list[str]:
    return node.document_ids + [name for child in node.children.values() for name in _documents(child)]


def _nested(nodes: Sequence[Node] | Any) -> dict[str, Any]:
    return {node.collection_id: _nested(node.children.values()) for node in nodes}


def test_children_that_came_before_their_parents() -> None:
    assert tree_of(("c", "C", "b", None), ("b", "B", "a", None), ("a", "A", None, None)) == {"A": {"B": {"C": {}}}}


def test_a_collection_below_two_others() -> None:
    found = tree_of(("a", "A", None, None), ("b", "B", "a", None), ("c", "C", "a", None), ("d", "C", "b", None))
    assert found == {"A": {"B": {"C": {}}, "C": {}}}


def test_without_its_parent_the_source_collection_tells() -> None:
    assert tree_of(("c", "C", None, "B"), ("b", "B", "gone", "A"), ("a", "A", None, None)) == {"A": {"B": {"C": {}}}}
    assert tree_of(("c", "C", None, "B"), ("b", "B", None, "nowhere")) == {"B": {"C": {}}}


@pytest.mark.parametrize("source", ["A", "B"])
def test_collections_that_name_each_other_as_source_end(source: str) -> None:
    found = tree_of(("a", "A", None, source), ("b", "B", None, "A"))
    assert found == {"A": {"B": {}}}


def test_documents_of_their_own_collection_stand_with_it() -> None:
    assert tree_of(("a", "A", None, None), ("b", "A", "a", None), ("c", "B", "b", None), ("d", "A", "c", None)) == {
        "A": {"B": {}}
    }


def test_parents_in_a_circle_end() -> None:
    assert tree_of(("a", "A", "b", None), ("b", "B", "a", None)) == {"B": {"A": {}}}


def test_tiers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decomposition, "MAX_TIERS", 2)
    found = tree_of(*((str(n), f"C{n}", str(n - 1) if n else None, None) for n in range(5)))
    assert found == {"C0": {"C1": {}}}
