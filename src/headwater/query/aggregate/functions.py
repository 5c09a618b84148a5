"""The functions of an aggregation: what each keeps of the documents of a group, and what it answers in the end.

Missing values and null never count. ``first``, ``last`` and ``push`` take an array as one value; all others look at
its elements, as filters do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from headwater.query.aggregate.budget import ENTRY_BYTES, MemoryBudget, size_of
from headwater.query.aggregate.exact_sum import ExactSum
from headwater.query.aggregate.keys import Key, key_of, rank, scalars, shown
from headwater.query.aggregate.plan import Function
from headwater.query.dates import instant
from headwater.query.ordering import canonical


class State(ABC):
    """What a function knows about one group."""

    __slots__ = ()
    #: About what an empty one takes in memory.
    size_bytes = 240

    @abstractmethod
    def __init__(self, budget: MemoryBudget) -> None:
        """``budget`` is asked before anything is kept that grows with the documents."""

    @abstractmethod
    def add(self, values: list[Any], documents: int) -> None:
        """Take the values that so many documents have at the function's path."""

    @abstractmethod
    def result(self) -> Any:
        """The answer."""


class Count(State):
    """The documents, whatever they hold."""

    __slots__ = ("_count",)

    def __init__(self, budget: MemoryBudget) -> None:
        self._count = 0

    def add(self, values: list[Any], documents: int) -> None:
        self._count += documents

    def result(self) -> int:
        return self._count


class Sum(State):
    """The sum of the numbers; 0 when there are none."""

    __slots__ = ("_sum",)

    def __init__(self, budget: MemoryBudget) -> None:
        self._sum = ExactSum()

    def add(self, values: list[Any], documents: int) -> None:
        self._sum.add(scalars(values))

    def result(self) -> float | None:
        return self._sum.total()


class Average(Sum):
    """The mean of the numbers; None when there are none."""

    __slots__ = ()

    def result(self) -> float | None:
        return self._sum.mean()


class Minimum(State):
    """The smallest number; without numbers the earliest date; without dates the first text.

    One stray text in a field of numbers must not become its extreme. Of several texts for one instant, the first by
    code point is shown, so that the answer does not depend on an order.
    """

    __slots__ = ("_best", "_budget", "_kind", "_value")
    _sign = 1

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        #: 0 number, 1 date, 2 other text, 3 nothing yet.
        self._kind = 3
        self._best: Any = None
        self._value: Any = None

    def add(self, values: list[Any], documents: int) -> None:
        for value in scalars(values):
            if type(value) is str:
                if self._kind > 0:
                    self._offer_text(value)
            elif type(value) is not bool:
                self._offer(0, value, canonical(value))

    def _offer_text(self, text: str) -> None:
        moment = instant(text)
        if moment is None:
            self._offer(2, text, text)
        else:
            self._offer(1, moment, text)

    def _offer(self, kind: int, best: Any, value: Any) -> None:
        if kind < self._kind or (kind == self._kind and self._prefers(best, value)):
            self._budget.exchange(self._value, value)
            self._kind, self._best, self._value = kind, best, value

    def _prefers(self, best: Any, value: Any) -> bool:
        return bool(best < self._best or (best == self._best and value < self._value))

    def result(self) -> Any:
        return self._value


class Maximum(Minimum):
    """The largest number; without numbers the latest date; without dates the last text."""

    __slots__ = ()

    def _prefers(self, best: Any, value: Any) -> bool:
        return bool(best > self._best or (best == self._best and value < self._value))


class AddToSet(State):
    """The distinct scalars, in order."""

    __slots__ = ("_budget", "_keys")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._keys: set[Key] = set()

    def add(self, values: list[Any], documents: int) -> None:
        for value in scalars(values):
            key = key_of(value)
            if key not in self._keys:
                self._budget.take(ENTRY_BYTES + size_of(value))
                self._keys.add(key)

    def result(self) -> Any:
        return sorted(map(shown, self._keys), key=rank)


class CountDistinct(AddToSet):
    """How many distinct scalars there are."""

    __slots__ = ()

    def result(self) -> int:
        return len(self._keys)


class Push(State):
    """Every value, in the order of the documents' creation."""

    __slots__ = ("_budget", "_values")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._values: list[Any] = []

    def add(self, values: list[Any], documents: int) -> None:
        for value in values:
            if value is not None:
                self._budget.take(ENTRY_BYTES + size_of(value))
                self._values.append(value)

    def result(self) -> list[Any]:
        return self._values


class First(State):
    """The first value of the documents in the order of their creation."""

    __slots__ = ("_budget", "_value")

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._value: Any = None

    def add(self, values: list[Any], documents: int) -> None:
        if self._value is None:
            self._keep(next((value for value in values if value is not None), None))

    def _keep(self, value: Any) -> None:
        if value is not None:
            self._budget.exchange(self._value, value)
            self._value = value

    def result(self) -> Any:
        return self._value


class Last(First):
    """The last value of the documents in the order of their creation."""

    __slots__ = ()

    def add(self, values: list[Any], documents: int) -> None:
        self._keep(next((value for value in reversed(values) if value is not None), None))


FUNCTIONS: dict[Function, type[State]] = {
    "count": Count,
    "count_distinct": CountDistinct,
    "sum": Sum,
    "avg": Average,
    "min": Minimum,
    "max": Maximum,
    "first": First,
    "last": Last,
    "push": Push,
    "add_to_set": AddToSet,
}
