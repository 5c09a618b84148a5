"""How similar each row of a working set is to one of them, by vectors or by fields."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from headwater.vectors.interface import VectorData

Metric = Literal["cosine", "dot", "euclidean"]
Floats = npt.NDArray[np.float64]


class Similarities(Protocol):
    def to(self, index: int) -> Floats:
        """The similarity of every row to that one; 0 where one of the two has nothing to compare."""
        ...


class Weighted:
    """Several in one, by their shares of the sum of the weights."""

    def __init__(self, parts: Sequence[tuple[float, Similarities]]) -> None:
        total = sum(weight for weight, _ in parts)
        self._parts = [(weight / total, part) for weight, part in parts]

    def to(self, index: int) -> Floats:
        found: Floats = np.sum([share * part.to(index) for share, part in self._parts], axis=0)
        return found


class OfDense:
    def __init__(self, vectors: Sequence[VectorData | None], metric: Metric) -> None:
        width = next((vector.width for vector in vectors if vector is not None), 0)
        self._matrix = np.zeros((len(vectors), width), np.float32)
        self._has = np.zeros(len(vectors), bool)
        for index, vector in enumerate(vectors):
            # Collections may have indexes of the same name and other dimensions.
            if vector is not None and vector.width == width:
                self._matrix[index] = np.frombuffer(vector.data, "<f4")
                self._has[index] = True
        self._metric = metric
        if metric == "cosine":
            self._matrix = _unit(self._matrix)

    def to(self, index: int) -> Floats:
        if self._metric == "euclidean":
            found: Floats = 1 / (1 + np.linalg.norm(self._matrix - self._matrix[index], axis=1).astype(np.float64))
        else:
            found = (self._matrix @ self._matrix[index]).astype(np.float64)
        found[~(self._has & self._has[index])] = 0
        return found


class OfSparse:
    def __init__(self, vectors: Sequence[VectorData | None], metric: Metric) -> None:
        self._count, self._metric = len(vectors), metric
        lengths = [0 if vector is None else vector.width for vector in vectors]
        self._ends = np.cumsum([0, *lengths])
        self._rows = np.repeat(np.arange(len(vectors)), lengths)
        _, self._columns = np.unique(_joined([v.indices for v in vectors if v], "<u4"), return_inverse=True)
        self._values = _joined([v.data for v in vectors if v], "<f4").astype(np.float64)
        self._has = np.array(lengths) > 0
        self._squared = np.bincount(self._rows, self._values**2, self._count)

    def to(self, index: int) -> Floats:
        products = self._products(index)
        if self._metric == "cosine":
            lengths = np.sqrt(self._squared * self._squared[index])
            products = np.divide(products, lengths, out=np.zeros(self._count), where=lengths > 0)
        elif self._metric == "euclidean":
            products = 1 / (1 + np.sqrt(np.maximum(self._squared + self._squared[index] - 2 * products, 0)))
        products[~(self._has & self._has[index])] = 0
        return products

    def _products(self, index: int) -> Floats:
        own = slice(self._ends[index], self._ends[index + 1])
        weights = np.zeros(self._columns.max(initial=0) + 1)
        weights[self._columns[own]] = self._values[own]
        found: Floats = np.bincount(self._rows, self._values * weights[self._columns], self._count).astype(np.float64)
        return found


class OfField:
    """1 for rows with the same key, None being no key at all."""

    def __init__(self, keys: Sequence[Hashable]) -> None:
        codes: dict[Hashable, int] = {}
        self._codes = np.array([-1 if key is None else codes.setdefault(key, len(codes)) for key in keys])

    def to(self, index: int) -> Floats:
        own = self._codes[index]
        found: Floats = ((self._codes == own) & (own >= 0)).astype(np.float64)
        return found


def of_vectors(vectors: Sequence[VectorData | None], metric: Metric) -> Similarities:
    """Vectors of another kind than the first one are none."""
    kind = next((vector.kind for vector in vectors if vector is not None), "dense")
    same = [vector if vector is not None and vector.kind == kind else None for vector in vectors]
    return OfSparse(same, metric) if kind == "sparse" else OfDense(same, metric)


def _unit(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    found: npt.NDArray[np.float32] = np.divide(matrix, lengths, out=np.zeros(matrix.shape), where=lengths > 0).astype(
        "f4"
    )
    return found


def _joined(parts: Sequence[bytes], kind: str) -> npt.NDArray[np.generic]:
    return np.frombuffer(b"".join(parts), kind)
