"""A sum that does not depend on the order of its parts."""

from __future__ import annotations

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

    def add(self, number: float) -> None:
        self.count += 1
        if type(number) is int:
            self._integer += number
            return
        numerator, denominator = number.as_integer_ratio()
        if self._fractions is None:
            self._fractions = {}
        self._fractions[denominator] = self._fractions.get(denominator, 0) + numerator

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
