"""One row for each element of an array."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.query.aggregate.plan import Plan
from headwater.query.fields import walk


class Unwound:
    """Rows of the elements at a path. Paths below it are read from the element, all others from the document.

    A document without the array, or with an empty one or null in its place, has no rows; a single value is an array of
    one.
    """

    def __init__(self, plan: Plan, path: str) -> None:
        used = {group.path for group in plan.groups} | {metric.path for metric in plan.metrics if metric.path}
        self._path = path
        self._inner = {name: name.split(".")[path.count(".") + 1 :] for name in used if plan.unwinds(name)}

    def rows(self, row: Mapping[str, list[Any]]) -> Iterator[Mapping[str, list[Any]]]:
        for element in _members(row[self._path]):
            yield {**row, **{name: walk(element, steps) for name, steps in self._inner.items()}}


def _members(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value
