"""What a worker asks of the models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

#: The model that text is embedded with where nothing names another.
DEFAULT_TEXT_MODEL = "all_minilm_l6_v2_v1"

Task = Literal["embed", "rerank"]
#: Some models want to be told whether a text looks for something or is what may be found.
Purpose = Literal["query", "document"]
#: What embeds reads one text at a time; what re-ranks, a query and a text.
Input = str | tuple[str, str]


@dataclass(frozen=True)
class ModelInfo:
    """A model of this deployment. ``name`` is the output segment of the feature URIs that it makes vectors for."""

    name: str
    task: Task
    #: Of the vectors; None for a re-ranker.
    dimensions: int | None
    #: False: what it needs is not installed, ``hint`` says what to do.
    available: bool
    hint: str | None = None


class Embedding(msgspec.Struct, frozen=True, array_like=True):
    #: Of length one, little-endian float32.
    vector: bytes
    #: What the model read of the text; ``truncated``: there was more than it can read.
    tokens: int
    truncated: bool


class Models(Protocol):
    """Raises ``NotEnabledError`` when what the model needs is not installed, ``NotFoundError`` when there is none of
    that name for the task, ``ServiceUnavailableError`` when too much waits or the model process is away."""

    def find(self, name: str) -> ModelInfo | None:
        """The model of that name, however it is spelled: case, ``-`` and ``_``, ``/`` and ``__`` are alike."""
        ...

    def list(self) -> list[ModelInfo]: ...

    async def embed(self, name: str, texts: Sequence[str], purpose: Purpose = "query") -> Sequence[Embedding]:
        """The vector of each text, in their order."""
        ...

    async def rerank(self, name: str, query: str, texts: Sequence[str]) -> Sequence[float]:
        """How well each text answers the query; larger is better."""
        ...

    async def status(self) -> dict[str, Any]:
        """``waiting`` (texts in the queue), ``loaded`` (names of models in memory), ``lanes``."""
        ...

    async def close(self) -> None: ...
