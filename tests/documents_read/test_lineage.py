"""Lineage: the table of rules, late parents, cycles, and that the order of arrival does not matter."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.errors import ConflictError
from headwater.store.commands.lineage import RepairLineage, decode_waiting, repair_lineage
from headwater.store.documents import lineage as lineage_module
from headwater.store.documents.lineage import LineageSent, Own, Parent, derive

from .world import World

OWN = Own("doc_s", "col_scenes", "scene_v1", 1_000)
STEP = {
    "collection_id": "col_scenes",
    "feature_extractor_id": "scene_v1",
    "document_id": "doc_s",
    "timestamp": "1970-01-01T00:00:01.000Z",
}
PARENT_STEP = {**STEP, "collection_id": "col_frames", "document_id": "doc_f"}
PARENT = Parent(
    Own("doc_f", "col_frames", "image_v1", 500),
    {
        "source_type": "bucket",
        "root_object_id": "obj_b2",
        "root_bucket_id": "bkt_a1",
        "source_object_id": "obj_b2",
        "path": "bkt_a1/col_frames",
        "chain": [PARENT_STEP],
    },
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def derived(parent: Parent | None = None, **sent: Any) -> dict[str, Any]:
    return derive(OWN, LineageSent(**sent), parent).internal


def test_without_lineage_only_the_path_is_known() -> None:
    assert derived() == {"path": "col_scenes"}
    assert derived(source_type="direct_upsert") == {"source_type": "direct_upsert", "path": "col_scenes"}


@pytest.mark.parametrize("name", ["root_object_id", "source_object_id"])
def test_bucket_documents_know_root_and_source_object(name: str) -> None:
    assert derived(root_bucket_id="bkt_a1", **{name: "obj_b2"}) == {
        "source_type": "bucket",
        "root_bucket_id": "bkt_a1",
        "root_object_id": "obj_b2",
        "source_object_id": "obj_b2",
        "path": "bkt_a1/col_scenes",
        "chain": [STEP],
    }


def test_a_child_inherits_from_its_parent() -> None:
    assert derived(PARENT, source_document_id="doc_f") == {
        "source_type": "collection",
        "source_document_id": "doc_f",
        "source_collection_id": "col_frames",
        "root_object_id": "obj_b2",
        "root_bucket_id": "bkt_a1",
        "path": "bkt_a1/col_frames/col_scenes",
        "chain": [PARENT_STEP, STEP],
    }


def test_a_child_of_a_missing_parent_knows_what_was_sent() -> None:
    assert derived(source_document_id="doc_f", source_collection_id="col_frames", root_bucket_id="bkt_z") == {
        "source_type": "collection",
        "source_document_id": "doc_f",
        "source_collection_id": "col_frames",
        "root_bucket_id": "bkt_z",
        "path": "bkt_z/col_frames/col_scenes",
        "chain": [STEP],
    }


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("source_type", "source_type"),
        ("source_collection_id", "source_collection_id"),
        ("source_object_id", "source_object_id"),
        ("root_object_id", "root_object_id"),
        ("root_bucket_id", "root_bucket_id"),
        ("lineage_path", "path"),
    ],
)
def test_what_was_sent_wins_over_the_parent(name: str, member: str) -> None:
    assert derived(PARENT, source_document_id="doc_f", **{name: "signal"})[member] == "signal"


def test_a_sent_chain_is_kept_with_its_times_normalised() -> None:
    chain = [
        {
            "collection_id": "c",
            "feature_extractor_id": "e",
            "document_id": "doc_f",
            "timestamp": "1970-01-01T01:00:00+01:00",
        },
        {"collection_id": "d", "feature_extractor_id": "e", "document_id": None},
    ]
    lineage = derive(OWN, LineageSent(chain=chain), PARENT)
    assert lineage.internal["chain"] == [
        {
            "collection_id": "c",
            "feature_extractor_id": "e",
            "document_id": "doc_f",
            "timestamp": "1970-01-01T00:00:00.000Z",
        },
        {"collection_id": "d", "feature_extractor_id": "e", "timestamp": "1970-01-01T00:00:01.000Z"},
    ]
    assert lineage.parent_document_id == "doc_f"
    assert lineage.root_object_id == "obj_b2"


def test_a_parent_without_a_chain_contributes_its_own_step() -> None:
    bare = Parent(Own("doc_f", "col_frames", "image_v1", 500), {"path": "col_frames"})
    assert derived(bare, source_document_id="doc_f")["chain"] == [
        {
            "collection_id": "col_frames",
            "feature_extractor_id": "image_v1",
            "document_id": "doc_f",
            "timestamp": "1970-01-01T00:00:00.500Z",
        },
        STEP,
    ]


def test_late_parent_repairs_its_descendants(world: World) -> None:
    world.insert("doc_c", "col_c", source_document_id="doc_b")
    world.insert("doc_b", "col_b", source_document_id="doc_a")
    before = world.load("doc_c")
    world.insert("doc_a", "col_a", root_object_id="obj_1", root_bucket_id="bkt_1")
    after = world.load("doc_c")
    assert world.lineage("doc_c")["path"] == "bkt_1/col_a/col_b/col_c"
    assert [step["document_id"] for step in world.lineage("doc_c")["chain"]] == ["doc_a", "doc_b", "doc_c"]
    assert after.root_object_id == "obj_1"
    assert after.sequence > before.sequence, "what a client reads has changed, so has the ETag"
    assert after.updated_at == before.updated_at


@pytest.mark.parametrize("by_chain", [False, True])
def test_a_cycle_is_refused_and_named(world: World, by_chain: bool) -> None:
    world.insert("doc_b", source_document_id="doc_a")
    world.insert("doc_c", source_document_id="doc_b")
    step = {"collection_id": "col_a", "feature_extractor_id": "e"}
    sent: dict[str, Any] = {"source_document_id": "doc_c"}
    if by_chain:
        sent = {"chain": [{**step, "document_id": "doc_c"}, {**step, "document_id": "doc_a"}]}
    with pytest.raises(ConflictError, match="doc_a → doc_c → doc_b → doc_a") as caught:
        world.insert("doc_a", **sent)
    assert caught.value.details == {"cycle": ["doc_a", "doc_c", "doc_b", "doc_a"]}


def test_a_document_is_not_its_own_parent(world: World) -> None:
    with pytest.raises(ConflictError, match="doc_a → doc_a"):
        world.insert("doc_a", source_document_id="doc_a")


def test_long_repairs_go_on_in_jobs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage_module, "REPAIR_LIMIT", 4)
    names = [f"doc_{number:02d}" for number in range(7)]
    for name in names:
        world.insert(name, source_document_id="doc_p")
        world.insert(f"{name}_x", source_document_id=name)
    world.insert("doc_p", "col_p", root_object_id="obj_1")
    slices = 0
    waiting = world.jobs()
    while waiting:
        slices += 1
        arguments = waiting.pop()
        command = RepairLineage(namespace_row=1, waiting=decode_waiting(arguments["waiting"]))
        repair_lineage(world.tx, command)
        waiting += world.jobs()
    assert slices >= 3
    every = [*names, *(f"{name}_x" for name in names)]
    assert {world.load(name).root_object_id for name in every} == {"obj_1"}


# A tree is a list of parents: document i has parent tree[i] < i, or none.
trees = st.integers(1, 7).flatmap(
    lambda size: st.tuples(
        st.tuples(*(st.integers(-1, number - 1) for number in range(size))),
        st.permutations(range(size)),
        st.tuples(*(st.sampled_from(["", "root", "path", "chain"]) for _ in range(size))),
    )
)


def _sent(number: int, parent: int, extra: str) -> dict[str, Any]:
    sent: dict[str, Any] = {"root_object_id": f"obj_{number}", "root_bucket_id": "bkt_1"} if parent < 0 else {}
    if parent >= 0:
        sent["source_document_id"] = f"doc_{parent}"
    if extra == "root":
        sent["root_object_id"] = f"obj_own_{number}"
    elif extra == "path":
        sent["lineage_path"] = f"own/{number}"
    elif extra == "chain" and parent >= 0:
        step = {"collection_id": "c", "feature_extractor_id": "e"}
        sent = {"chain": [{**step, "document_id": f"doc_{parent}"}, {**step, "document_id": f"doc_{number}"}]}
    return sent


def _insert_all(tree: tuple[int, ...], order: list[int], extras: tuple[str, ...]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        for number in order:
            world.insert(f"doc_{number}", f"col_{number % 3}", **_sent(number, tree[number], extras[number]))
        found = {}
        for number in range(len(tree)):
            row = world.load(f"doc_{number}")
            found[row.document_id] = (world.lineage(row.document_id), row.root_object_id, row.parent_document_id)
        world.close()
        return found


@settings(max_examples=60, deadline=None)
@given(trees)
def test_any_order_of_arrival_ends_in_the_same_lineage(
    case: tuple[tuple[int, ...], list[int], tuple[str, ...]],
) -> None:
    tree, order, extras = case
    assert _insert_all(tree, order, extras) == _insert_all(tree, list(range(len(tree))), extras)
