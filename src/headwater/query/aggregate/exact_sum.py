"""A sum that does not depend on the order of its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headwater.query.ordering import canonical


class ExactSum:
    """Integers and floats, added without rounding; only the result is rounded, once.

    So the answer is the same whichever worker, order or index it is computed from, and a stream of any length needs a
    few integers: a float is an integer over a power of two, and there are some two thousand such powers.
    """

    __slots__ = ("_fractions", "_integer", "count")

    def __init__(self) -> None:
        self.count = 0
        self._integer = 0
        self._fractions: dict[int, int] | None = None

    def add(self, values: Iterable[Any]) -> None:
        """Take the numbers among the values."""
        fractions = self._fractions
        for value in values:
            if type(value) is float:
                numerator, denominator = value.as_integer_ratio()
                if fractions is None:
                    fractions = self._fractions = {}
                fractions[denominator] = fractions.get(denominator, 0) + numerator
            elif type(value) is int:
                self._integer += value
            else:
                continue
            self.count += 1

    def total(self) -> float | None:
        """The sum: an integer when it is one of 64 bits; None when it is beyond what a float can hold."""
        numerator, denominator = self._ratio()
        whole, rest = divmod(numerator, denominator)
        if rest == 0 and -(2**63) <= whole < 2**63:
            return whole
        rounded = _rounded(numerator, denominator)
        return None if rounded is None else canonical(rounded)

    def mean(self) -> float | None:
        """The arithmetic mean; None of nothing."""
        numerator, denominator = self._ratio()
        return _rounded(numerator, denominator * self.count) if self.count else None

    def _ratio(self) -> tuple[int, int]:
        fractions = self._fractions or {}
        common = max(fractions, default=1)
        parts = (numerator * (common // denominator) for denominator, numerator in fractions.items())
        return self._integer * common + sum(parts), common


def _rounded(numerator: int, denominator: int) -> float | None:
    try:
        # Division of integers rounds correctly, however long they are.
        return numerator / denominator
    except OverflowError:
        return None
