"""The writer: durable groups, one SAVEPOINT a command, honest refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import apsw
import pytest

from headwater.errors import (
    ConflictError,
    InsufficientStorageError,
    InternalServerError,
    ServiceUnavailableError,
    StorageReadOnlyError,
)
from headwater.settings import Settings

pytestmark = pytest.mark.anyio


async def test_put_is_stored_counted_and_found(harness: Any, rows: Any) -> None:
    outcome = await harness.put("a", 1)
    assert rows("SELECT document_id, sequence FROM documents") == [("a", outcome["sequence"])]
    assert rows("SELECT documents FROM collection_counts") == [(1,)]
    assert await harness.nearest(1) == outcome["sequence"]


async def test_failing_command_leaves_nothing_while_its_neighbours_are_stored(harness: Any, rows: Any) -> None:
    results = await asyncio.gather(
        harness.put("a", 1),
        harness.put("b", 2, fail="conflict"),
        harness.put("c", 3, fail="crash"),
        harness.put("d", 4),
        return_exceptions=True,
    )
    assert isinstance(results[1], ConflictError)
    assert isinstance(results[2], InternalServerError)
    assert rows("SELECT document_id FROM documents ORDER BY document_id") == [("a",), ("d",)]
    assert rows("SELECT documents FROM collection_counts") == [(2,)]
    assert [await harness.nearest(seed) is not None for seed in (1, 2, 3, 4)] == [True, False, False, True]


async def test_waiting_commands_share_a_commit(harness: Any, rows: Any) -> None:
    commits: list[None] = []
    harness.store.writer.connection.set_commit_hook(lambda: commits.append(None) or False)
    await asyncio.gather(*(harness.put(f"d{number}", number) for number in range(200)))
    assert rows("SELECT count(*) FROM documents") == [(200,)]
    assert 1 <= len(commits) < 50


async def test_sequence_goes_on_after_reopening(harness: Any) -> None:
    first = await harness.put("a", 1)
    await harness.reopen()
    second = await harness.put("b", 2)
    assert second["sequence"] > first["sequence"]


async def test_full_queue_refuses_before_anything_is_stored(harness: Any, rows: Any) -> None:
    settings = harness.settings.model_copy(update={"queue_max_commands": 2})
    await harness.reopen(settings)
    results = await asyncio.gather(*(harness.put(f"d{n}", n) for n in range(50)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, ServiceUnavailableError)]
    assert refused and all(error.retry_after_seconds == 1 for error in refused)
    assert rows("SELECT count(*) FROM documents") == [(50 - len(refused),)]


async def test_full_disk_refuses_puts_and_lets_deletes_through(harness: Any, rows: Any) -> None:
    await harness.put("a", 1)
    await harness.reopen(harness.settings.model_copy(update={"free_space_bytes": 1 << 60}))
    with pytest.raises(InsufficientStorageError, match="bytes free"):
        await harness.put("b", 2)
    await harness.remove("a")
    assert rows("SELECT count(*) FROM documents") == [(0,)]
    await harness.reopen(harness.settings)
    await harness.put("b", 2)
    assert await harness.nearest(1) is None
    assert await harness.nearest(2) is not None


async def test_failed_sync_turns_the_store_read_only(harness: Any) -> None:
    writer = harness.store.writer
    writer.connection = FailingConnection(writer.connection)
    with pytest.raises(InternalServerError, match="outcome is not known") as caught:
        await harness.put("a", 1)
    assert caught.value.details == {"retryable": False}
    with pytest.raises(StorageReadOnlyError, match="restart"):
        await harness.put("b", 2)
    assert (await harness.store.query("status"))["read_only"]


class FailingConnection:
    """The writer's connection, whose COMMIT fails as on a disk that refuses to sync."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, *arguments: Any) -> Any:
        if sql == "COMMIT":
            raise apsw.IOError("disk I/O error")
        return self._connection.execute(sql, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def test_clock_that_jumps_back_never_shows(harness: Any, rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await harness.put("a", 1)
    monkeypatch.setattr("headwater.store.writer.now_milliseconds", lambda: 1_000)
    await harness.put("b", 2)
    (first,), (second,) = rows("SELECT created_at FROM documents ORDER BY document_row")
    assert second >= first


async def test_second_store_on_the_directory_is_refused_naming_the_lock(harness: Any) -> None:
    from headwater.store.local import LocalStore

    with pytest.raises(ConflictError, match="lock is locked by process"):
        LocalStore(harness.directory, Settings(data=harness.directory))


async def test_delete_that_meets_a_full_disk_gets_the_reserve(harness: Any, rows: Any) -> None:
    await harness.put("a", 1)
    await harness.reopen(harness.settings.model_copy(update={"reserve_bytes": 4096}))
    writer = harness.store.writer
    reserve = harness.directory / "reserve"
    assert reserve.exists()
    writer.connection = FullUntilReleased(writer.connection, reserve)
    writer.space._settings = writer.space._settings.model_copy(update={"reserve_bytes": 1 << 60})
    with pytest.raises(InsufficientStorageError):
        await harness.put("b", 2)
    assert reserve.exists(), "a create spent the reserve"
    assert await harness.remove("a") == {"collection_row": 1}
    assert not reserve.exists()
    assert rows("SELECT count(*) FROM documents") == [(0,)]


class FullUntilReleased(FailingConnection):
    """The writer's connection on a disk that is full as long as the reserve is there."""

    def __init__(self, connection: apsw.Connection, reserve: Any) -> None:
        super().__init__(connection)
        self._reserve = reserve

    def execute(self, sql: str, *arguments: Any) -> Any:
        if sql == "COMMIT" and self._reserve.exists():
            raise apsw.FullError("database or disk is full")
        return self._connection.execute(sql, *arguments)
