"""What a worker asks of the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class ModelInfo:
    """A model of this deployment. ``name`` is the output segment of the feature URIs that it makes vectors for."""

    name: str
    task: Literal["embed", "rerank"]
    #: Of the vectors; None for a re-ranker.
    dimensions: int | None
    #: False: what it needs is not installed, ``hint`` says what to do.
    available: bool
    hint: str | None = None


class Models(Protocol):
    def find(self, name: str) -> ModelInfo | None: ...

    def list(self) -> list[ModelInfo]: ...

    async def embed(self, name: str, texts: Sequence[str]) -> Sequence[bytes]:
        """The unit vector of each text, as little-endian float32. ``NotEnabledError`` when the model is not installed,
        ``NotFoundError`` when there is none of that name, ``ServiceUnavailableError`` when too much waits."""
        ...

    async def rerank(self, name: str, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the query; larger is better."""
        ...

    async def close(self) -> None: ...
