"""Slows down who guesses keys: beyond so many failures a minute, an address gets 429 for further failures.

A valid key is served from the same address all the same, so nobody can lock out a neighbour behind one proxy.
Counted per worker process, in memory: the aim is to make guessing pointless, not to keep books.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from headwater.errors import TooManyRequestsError

WINDOW_SECONDS = 60.0
#: Sources remembered at a time; the one that started longest ago is forgotten first.
_MAX_SOURCES = 10_000


class FailedAttempts:
    """Failures by source in fixed windows of a minute, on the monotonic clock."""

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def failed(self, source: str) -> None:
        """Count one failed authentication; ``TooManyRequestsError`` once the source has had too many."""
        now = self._clock()
        started, count = self._windows.pop(source, (now, 0))
        if now - started >= WINDOW_SECONDS:
            started, count = now, 0
        elif count >= self._limit:
            self._windows[source] = (started, count)
            raise _too_many(self._limit, started + WINDOW_SECONDS - now)
        if len(self._windows) >= _MAX_SOURCES:
            del self._windows[next(iter(self._windows))]
        self._windows[source] = (started, count + 1)


def _too_many(limit: int, remaining: float) -> TooManyRequestsError:
    seconds = max(1, int(remaining + 0.999))
    return TooManyRequestsError(
        "Too many requests with invalid API keys from this address",
        details={
            "api_name": "authentication",
            "limit": limit,
            "window": int(WINDOW_SECONDS),
            "retry_after": seconds,
            "retry_after_seconds": seconds,
            "retryable": True,
        },
        retry_after_seconds=seconds,
    )
