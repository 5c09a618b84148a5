"""The jobs ``documents.bulk_update`` and ``documents.bulk_delete``: changes that are too long for their request, and
those that their request could not finish."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec

from headwater.catalog.database import fetch_one, open_reader
from headwater.store.bulk.change import GOES_ON, BulkChange, BulkProgress, decode_progress
from headwater.store.bulk.matching import Found, find_matching, slices_of
from headwater.store.commands.bulk import slice_command
from headwater.store.find import Budget, Position
from headwater.store.interface import Store

#: Documents that are looked for at a time: each search may begin by gathering what its index finds.
_FIND = 2000
#: Nobody waits for an answer.
_SECONDS = 3600.0


async def change_documents(store: Store, directory: Path, job_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A ``BulkChange`` → its ``BulkProgress``. Run again after a crash, it goes on where it was."""
    change = msgspec.convert(arguments, BulkChange)
    with closing(open_reader(directory)) as connection:
        progress = _progress(connection, job_id)
        while True:
            found = await asyncio.to_thread(_find, connection, change, progress.after)
            for slice_ in slices_of(change, found, progress.after):
                outcome = await store.execute(slice_command(change, job_id, slice_))
                progress = msgspec.convert(outcome["progress"], BulkProgress)
                if outcome["state"] not in GOES_ON:
                    return _result(progress)
                if progress.after != slice_.through:
                    # The worker that began it is still at it: go on from where it is by now.
                    break
            if not found:
                return _result(progress)


def _find(connection: apsw.Connection, change: BulkChange, after: Position | None) -> list[Found]:
    budget = Budget(seconds=_SECONDS)
    with budget.watch(connection):
        return find_matching(connection, budget, change, after, _FIND)


def _result(progress: BulkProgress) -> dict[str, Any]:
    result: dict[str, Any] = msgspec.to_builtins(progress)
    return result


def _progress(connection: apsw.Connection, job_id: str) -> BulkProgress:
    row = fetch_one(connection, "SELECT progress FROM jobs WHERE job_id = ?", (job_id,))
    return decode_progress(None if row is None else row[0])
