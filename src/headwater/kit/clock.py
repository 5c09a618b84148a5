"""Wall-clock times: milliseconds inside, RFC 3339 with milliseconds and ``Z`` outside."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


def now_milliseconds() -> int:
    return time.time_ns() // 1_000_000


# A group of writes shares one time, and each renders it several times.
@lru_cache(maxsize=4096)
def to_text(milliseconds: int) -> str:
    """``1767605400000`` → ``2026-01-05T09:30:00.000Z``. Fixed width keeps text order and time order the same."""
    seconds, rest = divmod(milliseconds, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def from_text(text: str) -> int:
    """Milliseconds of any RFC 3339 time; one without an offset is UTC. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
