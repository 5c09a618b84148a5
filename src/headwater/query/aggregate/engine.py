"""Groups and their functions, fed with one row a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from headwater.query.aggregate.answer import ResultRow, answer_rows
from headwater.query.aggregate.budget import ENTRY_BYTES, MemoryBudget, size_of
from headwater.query.aggregate.functions import FUNCTIONS, State
from headwater.query.aggregate.keys import Key, keys_for, shown
from headwater.query.aggregate.plan import Plan
from headwater.query.aggregate.unwind import Unwound

#: The values at each of ``Plan.paths``.
Row = Mapping[str, list[Any]]

_NOTHING: list[Any] = []


class Aggregation:
    """One computation of a plan. Feed it documents in the order of their creation, then ask for the answer."""

    def __init__(self, plan: Plan, budget: MemoryBudget | None = None) -> None:
        self._plan = plan
        self._budget = budget or MemoryBudget()
        self._groups: dict[tuple[Key, ...], list[State]] = {}
        self._unwound = None if plan.unwind is None else Unwound(plan, plan.unwind)
        self._keys = [(group.path, keys_for(group)) for group in plan.groups]
        self._paths = [metric.path for metric in plan.metrics]
        self._states = [FUNCTIONS[metric.function] for metric in plan.metrics]
        if not plan.groups:
            self._open(())

    def add(self, row: Row, documents: int = 1) -> None:
        """Take a document; or several that have the same values at the groups' paths, with all that they have at the
        others."""
        if self._unwound is None:
            self._add(row, documents)
        else:
            for inner in self._unwound.rows(row):
                self._add(inner, documents)

    def _add(self, row: Row, documents: int) -> None:
        for key in self._keys_of(row):
            states = self._groups.get(key)
            if states is None:
                states = self._open(key)
            for state, path in zip(states, self._paths):  # noqa: B905  checking costs a tenth of all
                state.add(_NOTHING if path is None else row[path], documents)

    def _keys_of(self, row: Row) -> Iterable[tuple[Key, ...]]:
        if len(self._keys) == 1:
            path, keys = self._keys[0]
            return [(key,) for key in keys(row[path])]
        return product(*(keys(row[path]) for path, keys in self._keys))

    def _open(self, key: tuple[Key, ...]) -> list[State]:
        size_bytes = ENTRY_BYTES + sum(size_of(part) for part in key)
        self._budget.open_group(size_bytes + sum(kind.size_bytes for kind in self._states))
        states = self._groups[key] = [kind(self._budget) for kind in self._states]
        return states

    def answer(self) -> list[ResultRow]:
        """The rows of the answer, in order."""
        return answer_rows(self._plan, self._results())

    def _results(self) -> Iterator[ResultRow]:
        groups = [group.name for group in self._plan.groups]
        metrics = [metric.name for metric in self._plan.metrics]
        for key, states in self._groups.items():
            yield ResultRow(
                dict(zip(groups, map(shown, key), strict=True)),
                {name: state.result() for name, state in zip(metrics, states, strict=True)},
            )


def aggregate(plan: Plan, rows: Iterable[Row], budget: MemoryBudget | None = None) -> list[ResultRow]:
    """The answer of a plan over these documents."""
    aggregation = Aggregation(plan, budget)
    for row in rows:
        aggregation.add(row)
    return aggregation.answer()
