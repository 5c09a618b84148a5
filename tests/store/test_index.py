"""The index follows the records: across restarts, damage, new generations and lost directories."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from headwater.errors import ServiceUnavailableError
from headwater.reconcile import rebuild, verify
from headwater.store.builder import build
from headwater.store.commands.generations import AdoptGeneration, BeginGeneration

pytestmark = pytest.mark.anyio


async def fill(harness: Any, count: int) -> None:
    for number in range(count):
        await harness.put(f"d{number}", number)


async def test_unflushed_changes_are_applied_again_after_a_crash(harness: Any) -> None:
    await fill(harness, 5)
    await harness.store.query("checkpoint")
    copy = harness.directory.parent / "copy"
    await harness.put("late", 99)
    await harness.remove("d2")
    # What a crash leaves: the database with its log, and the index of whatever moment.
    shutil.copytree(harness.directory, copy)
    (copy / "lock").unlink()
    await harness.reopen_at(copy)
    assert await harness.nearest(99) is not None
    assert await harness.nearest(2) is None
    assert await harness.nearest(3) is not None


async def test_lost_directory_is_made_again_from_the_records(harness: Any) -> None:
    await fill(harness, 20)
    await harness.store.close()
    shutil.rmtree(harness.directory / "vectors")
    await harness.open()
    assert [await harness.nearest(seed) is not None for seed in range(20)] == [True] * 20


async def test_emptied_shard_is_not_served(harness: Any, rows: Any) -> None:
    await fill(harness, 20)
    await harness.store.close()
    from headwater.vectors.edge import EdgeShard

    shard = EdgeShard.open(harness.index_directories()[0])
    remove_points(shard)
    report = await verify(harness.directory, harness.settings)
    assert [d.kind for d in report.differences].count("index") >= 1
    assert any("d7" in difference.identifier for difference in report.differences)
    await harness.open()
    with pytest.raises(ServiceUnavailableError, match="the collection col_1 is damaged"):
        await harness.nearest(7)
    assert rows("SELECT state FROM generations") == [("damaged",)]
    await harness.store.close()
    await rebuild(harness.directory, harness.settings)
    assert (await verify(harness.directory, harness.settings)).differences == []
    await harness.open()
    assert await harness.nearest(7) is not None


def remove_points(shard: Any) -> None:
    from headwater.vectors.interface import PointChange

    rows = [row for row, _ in shard.scan()]
    shard.apply([PointChange(row, 0, None) for row in rows], [])
    shard.flush()
    shard.close()


async def test_new_generation_replaces_the_old_one_with_what_came_meanwhile(harness: Any, rows: Any) -> None:
    await fill(harness, 30)
    begun = await harness.store.execute(BeginGeneration(collection_row=1))
    await harness.put("late", 99)
    await harness.remove("d3")
    points = build(harness.directory, 1, begun["generation"])
    await harness.remove("d4")
    await harness.store.execute(AdoptGeneration(collection_row=1, generation=begun["generation"], indexed=points))
    while (await harness.store.query("status"))["catching_up"]:
        pass
    assert rows("SELECT generation, state FROM generations") == [(begun["generation"], "live")]
    assert len(harness.index_directories()) == 1
    assert await harness.nearest(99) is not None
    assert [await harness.nearest(seed) for seed in (3, 4)] == [None, None]
    assert (await harness.store.query("extra_points", {"collection_row": 1})) == []


async def test_build_that_was_cut_short_leaves_no_directory_after_a_restart(harness: Any) -> None:
    await fill(harness, 3)
    begun = await harness.store.execute(BeginGeneration(collection_row=1))
    build(harness.directory, 1, begun["generation"])
    await harness.store.execute(BeginGeneration(collection_row=1))
    await harness.reopen()
    names = [path.name for path in harness.index_directories()]
    assert f"1-{begun['generation']}" not in names


async def test_refused_change_marks_the_index_and_keeps_the_document(
    harness: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headwater.vectors.edge import EdgeShard, IndexFailedError

    await harness.put("a", 1)

    def refuse(*_: Any) -> None:
        raise IndexFailedError("planted")

    monkeypatch.setattr(EdgeShard, "apply", refuse)
    outcome = await harness.put("b", 2)
    assert outcome["searchable"] is False
    assert rows("SELECT count(*) FROM documents") == [(2,)]
    assert rows("SELECT state FROM generations") == [("damaged",)]


async def test_verify_names_a_planted_change_of_a_record(harness: Any) -> None:
    await fill(harness, 5)
    harness.store.writer.connection.execute("UPDATE documents SET body = '{\"x\":1}' WHERE document_id = 'd3'")
    await harness.store.close()
    report = await verify(harness.directory, harness.settings)
    await harness.open()
    assert [(d.kind, d.identifier) for d in report.differences] == [("document", "d3")]


async def test_verify_of_a_sound_directory_is_quiet_and_counts(harness: Any) -> None:
    await fill(harness, 5)
    await harness.store.close()
    report = await verify(harness.directory, harness.settings)
    await harness.open()
    assert report.ok
    assert (report.documents, report.vectors, report.collections) == (5, 5, 1)
