"""Dates in strings: which strings are dates, and which moment they name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: The shortest date is ``2026-01-05``; most strings are told from one by this alone.
_SHORTEST = 10


def moment(text: str) -> datetime | None:
    """The moment that a date string names, to the microsecond; one without an offset is UTC. None for other strings."""
    if len(text) < _SHORTEST or text[4] != "-" or not _DATE.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def instant(text: str) -> int | None:
    """``moment`` as microseconds since 1970."""
    found = moment(text)
    return None if found is None else (found - _EPOCH) // _MICROSECOND
