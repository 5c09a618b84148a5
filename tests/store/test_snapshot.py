"""Reads of one turn of the loop share a read transaction; the next turn sees what was committed since."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from headwater.catalog.database import open_reader, share_snapshot

pytestmark = pytest.mark.anyio


async def test_snapshot_lasts_for_one_turn(harness: Any) -> None:
    reader = open_reader(harness.directory)
    try:
        share_snapshot(reader)
        share_snapshot(reader)
        assert reader.execute("SELECT count(*) FROM documents").get == 0
        assert reader.in_transaction
        await harness.put("a", 1)
        assert not reader.in_transaction
        assert reader.execute("SELECT count(*) FROM documents").get == 1
    finally:
        reader.close()


async def test_reader_that_is_closed_in_the_same_turn_is_no_error(harness: Any) -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    reader = open_reader(harness.directory)
    share_snapshot(reader)
    reader.close()
    await asyncio.sleep(0)
    assert failures == []


def test_without_a_loop_every_read_is_its_own(tmp_path: Any) -> None:
    from headwater.catalog.database import open_writer

    writer = open_writer(tmp_path)
    reader = open_reader(tmp_path)
    share_snapshot(reader)
    assert not reader.in_transaction
    reader.close()
    writer.close()
