"""What an aggregation computes: plain data, checked before it gets here, that can cross to another process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Function = Literal[
    "count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "push", "add_to_set"
]  # fmt: skip
TruncUnit = Literal["year", "month", "week", "day", "hour", "minute", "second"]
PartUnit = Literal["year", "month", "week", "day", "dayOfWeek", "dayOfYear", "hour", "minute", "second"]
Comparison = Literal["gt", "gte", "lt", "lte", "eq", "ne"]


@dataclass(frozen=True)
class Group:
    """A field whose distinct values make groups. At most one of the three transformations is set."""

    #: The name of the value in the rows of the answer.
    name: str
    path: str
    date_trunc: TruncUnit | None = None
    date_part: PartUnit | None = None
    buckets: Buckets | None = None

    @property
    def plain(self) -> bool:
        return self.date_trunc is None and self.date_part is None and self.buckets is None


@dataclass(frozen=True)
class Buckets:
    """Ranges of numbers. Each holds its upper boundary; the first one its lower boundary, too."""

    boundaries: tuple[float, ...]
    default: str = "other"


@dataclass(frozen=True)
class Metric:
    """A function over the documents of a group. ``path`` is None for ``count`` alone."""

    name: str
    function: Function
    path: str | None = None


@dataclass(frozen=True)
class Having:
    """A condition that a group's metric must meet."""

    metric: str
    operator: Comparison
    value: str | float | bool | None


@dataclass(frozen=True)
class Order:
    """By a metric, or else by a group's value, of that name."""

    name: str
    descending: bool = True


@dataclass(frozen=True)
class Plan:
    """Unwind, then group, then compute, then ``having``, then order, then limit.

    Without groups everything is one group, which is there even when no document is.
    """

    groups: tuple[Group, ...]
    metrics: tuple[Metric, ...]
    unwind: str | None = None
    having: tuple[Having, ...] = ()
    order: Order | None = None
    limit: int | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths whose values each row must bring, each once."""
        used = [group.path for group in self.groups]
        used += [metric.path for metric in self.metrics if metric.path is not None]
        outside = [path for path in used if not self.unwinds(path)]
        return tuple(dict.fromkeys(outside if self.unwind is None else [self.unwind, *outside]))

    def unwinds(self, path: str) -> bool:
        """Whether the path is read from each element of the unwound array instead of from the document."""
        return self.unwind is not None and (path == self.unwind or path.startswith(self.unwind + "."))
