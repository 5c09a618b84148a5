"""Periods and parts of dates, all in UTC; weeks are ISO weeks, which begin on Monday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from headwater.query.aggregate.plan import PartUnit, TruncUnit
from headwater.query.dates import moment

#: How much of an ISO 8601 text says which period it is in, and what makes that the period's start.
_STARTS: dict[str, tuple[int, str]] = {
    "year": (4, "-01-01T00:00:00Z"),
    "month": (7, "-01T00:00:00Z"),
    "week": (10, "T00:00:00Z"),
    "day": (10, "T00:00:00Z"),
    "hour": (13, ":00:00Z"),
    "minute": (16, ":00Z"),
    "second": (19, "Z"),
}
_PARTS: dict[str, Callable[[datetime], int]] = {
    "year": lambda at: at.year,
    "month": lambda at: at.month,
    "week": lambda at: at.isocalendar().week,
    "day": lambda at: at.day,
    "dayOfWeek": lambda at: at.isoweekday() % 7 + 1,
    "dayOfYear": lambda at: at.timetuple().tm_yday,
    "hour": lambda at: at.hour,
    "minute": lambda at: at.minute,
    "second": lambda at: at.second,
}


def utc_moment(value: object) -> datetime | None:
    """The moment in UTC that a value names, or None."""
    found = moment(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is UTC:
        return found
    try:
        return found.astimezone(UTC)
    except OverflowError:
        return None


def period_start(at: datetime, unit: TruncUnit) -> str:
    """``2026-01-05T00:00:00Z``: where the period that holds the moment begins."""
    length, rest = _STARTS[unit]
    if unit == "week":
        at -= timedelta(days=at.weekday())
    return at.isoformat()[:length] + rest


def part_of(at: datetime, unit: PartUnit) -> int:
    """A number from the calendar or the clock. Sunday is day 1 of ``dayOfWeek``."""
    return _PARTS[unit](at)
