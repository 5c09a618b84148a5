"""What the store asks of a vector index, and the plain forms that vectors travel in.

The index is a projection of the records: it may be deleted at any moment and is then built again from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

Kind = Literal["dense", "sparse", "multi"]
Distance = Literal["cosine", "dot", "euclidean", "manhattan"]


class VectorData(msgspec.Struct, array_like=True, frozen=True):
    """One named vector. ``data`` is little-endian float32: ``width`` values for dense, ``rows * width`` for multi,
    one per index for sparse; ``indices`` is little-endian uint32, for sparse only."""

    name: str
    kind: Kind
    rows: int
    width: int
    data: bytes
    indices: bytes = b""


class VectorSpec(msgspec.Struct, array_like=True, frozen=True):
    """A vector index of a collection. ``dimensions`` is None for sparse."""

    name: str
    kind: Kind
    dimensions: int | None
    distance: Distance = "cosine"


@dataclass(frozen=True)
class PointChange:
    """The point of a document as of ``sequence``: its vectors, or None when it has none any more."""

    document_row: int
    sequence: int
    vectors: Sequence[VectorData] | None


@dataclass(frozen=True)
class Hit:
    document_row: int
    sequence: int
    score: float


class VectorShard(Protocol):
    """One generation of one collection's index, open in this process."""

    def apply(self, changes: Sequence[PointChange], specs: Sequence[VectorSpec]) -> None:
        """Bring points to the given state, learning new names from ``specs``. Applying again changes nothing.
        Not durable until ``flush``. Any failure leaves the shard unfit: close it and rebuild."""

    def flush(self) -> None:
        """Everything applied so far survives a power cut once this returns."""

    def count(self) -> int: ...

    def scan(self) -> Iterator[tuple[int, int]]:
        """``(document_row, sequence)`` of every point, in ascending row order."""

    def fetch(self, document_rows: Sequence[int]) -> dict[int, list[VectorData]]:
        """Vectors as the index holds them (cosine ones normalised), by row; missing rows are absent."""

    def search(
        self, query: VectorData, distance: Distance, limit: int, *, within: Sequence[int] | None = None, exact: bool
    ) -> list[Hit]:
        """The nearest points by the index named in the query, best first, those of equal score by their rows.

        ``within`` restricts to these rows. ``exact`` compares with every point; otherwise a graph is followed where
        there is one, and how rare a word is may be known as of before the latest deletions. Scores are the larger the
        better: see ``headwater.vectors.scores``.
        """

    def optimize(self) -> None:
        """Build graphs and compact. Slow, and holds the GIL throughout: only in a builder process."""

    def close(self) -> None: ...
