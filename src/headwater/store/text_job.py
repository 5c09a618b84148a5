"""The job of the text index: weigh the text of documents that are older than it, in slices that writes can wait for."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater.store.commands.text import FillTextIndex
from headwater.store.interface import Store

#: A slice takes the writer some ten milliseconds, with texts of a page each.
_DOCUMENTS = 100
#: Between slices the writer is left to others.
_PAUSE_SECONDS = 0.002


async def fill_text_index(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """Fill the collection's text index. Cut short, it goes on where the last slice ended."""
    filled = 0
    while True:
        command = FillTextIndex(collection_row=arguments["collection_row"], limit=_DOCUMENTS)
        outcome = await store.execute(command)
        filled += outcome["filled"]
        if not outcome["more"]:
            return {"filled": filled}
        await asyncio.sleep(_PAUSE_SECONDS)
