"""Long work in the event loop, in turns with that of others."""

from __future__ import annotations

import asyncio
import time

_TURN_SECONDS = 0.005


class Turns:
    """Await ``pause`` between two small pieces of work: others have their turn when one's own has been long enough.

    That is also where a time limit of the caller takes hold.
    """

    def __init__(self) -> None:
        self._ends = time.monotonic() + _TURN_SECONDS

    async def pause(self) -> None:
        if time.monotonic() >= self._ends:
            await asyncio.sleep(0)
            self._ends = time.monotonic() + _TURN_SECONDS
