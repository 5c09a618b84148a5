"""The jobs that remove deleted collections and namespaces, a slice a commit, so that other writes go on in between."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater.store.commands.purge import PurgeNamespaceRow, PurgeSlice, ReclaimSpace
from headwater.store.interface import Store

#: Rows a slice. A thousand documents with 384-dimensional vectors go in some 20 ms.
SLICE_ROWS = 1000
#: Pages a slice: 8 MiB, some 10 ms and as much in the log.
SLICE_PAGES = 1024
_SHRINK_ATTEMPTS = 20
_SHRINK_PAUSE_SECONDS = 0.1


async def purge_collection(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """``{"collection_row"}`` → ``{"removed_rows"}``. Run again after a crash, it goes on where it was."""
    removed = await _remove_rows(store, arguments["collection_row"])
    await reclaim_space(store)
    return {"removed_rows": removed}


async def purge_namespace(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """``{"namespace_row"}`` → ``{"removed_rows"}``. Its collections one after the other, its own row last."""
    removed = 0
    while True:
        left = (await store.execute(PurgeNamespaceRow(namespace_row=arguments["namespace_row"])))["collections"]
        if not left:
            break
        for collection_row in left:
            removed += await _remove_rows(store, collection_row)
    await reclaim_space(store)
    return {"removed_rows": removed}


async def _remove_rows(store: Store, collection_row: int) -> int:
    removed = 0
    more = True
    while more:
        outcome = await store.execute(PurgeSlice(collection_row=collection_row, limit=SLICE_ROWS))
        removed += outcome["removed"]
        more = outcome["more"]
    return removed


async def reclaim_space(store: Store) -> None:
    """Cut free pages off the database file, until none is left or other writes use them up as fast."""
    free = None
    while True:
        left = (await store.execute(ReclaimSpace(pages=SLICE_PAGES)))["free_pages"]
        if left == 0 or (free is not None and left >= free):
            break
        free = left
    await _shrink(store)


async def _shrink(store: Store) -> None:
    # Under steady reads a moment without one may not come; then the next commits of SQLite's log do it by and by.
    for _ in range(_SHRINK_ATTEMPTS):
        if (await store.query("shrink"))["complete"]:
            return
        await asyncio.sleep(_SHRINK_PAUSE_SECONDS)
