"""Waiting for threads from the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, TypeVar

T = TypeVar("T")


async def finish(future: asyncio.Future[T]) -> T:
    """The result of a thread's work. A caller that is cancelled leaves only when the thread is done, so that what it
    works on may be closed or removed afterwards."""
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await settle(future)
        raise


async def settle(future: asyncio.Future[Any]) -> None:
    """Wait for the end of a thread's work, whatever becomes of it and of the caller."""
    while not future.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([future])
    if not future.cancelled():
        future.exception()  # It is looked at here, or the loop would complain that nobody did.
