"""Jobs of the field index: fill new paths and remove dropped ones, in slices short enough that writes do not wait."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater.store.commands.fields import FillFieldPaths, RemoveDroppedEntries
from headwater.store.interface import Store

#: A slice takes the writer some milliseconds.
_FILL_DOCUMENTS = 200
_REMOVE_ENTRIES = 2000
#: Between slices the writer is left to others.
_PAUSE_SECONDS = 0.002


async def fill_field_paths(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """Fill the collection's new paths. Cut short, it goes on where the last slice ended."""
    filled = 0
    while True:
        command = FillFieldPaths(collection_row=arguments["collection_row"], limit=_FILL_DOCUMENTS)
        outcome = await store.execute(command)
        filled += outcome["filled"]
        if not outcome["more"]:
            return {"filled": filled}
        await asyncio.sleep(_PAUSE_SECONDS)


async def remove_dropped_entries(store: Store) -> dict[str, Any]:
    """Remove the entries of every path that was dropped."""
    removed = 0
    while True:
        outcome = await store.execute(RemoveDroppedEntries(limit=_REMOVE_ENTRIES))
        removed += outcome["removed"]
        if not outcome["more"]:
            return {"removed": removed}
        await asyncio.sleep(_PAUSE_SECONDS)
