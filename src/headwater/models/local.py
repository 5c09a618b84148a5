"""The models in this very process: what the model process serves, and what tests use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from headwater.models.interface import Embedding, ModelInfo, Purpose
from headwater.models.registry import Registry
from headwater.models.scheduler import Scheduler


class LocalModels:
    """See ``Models``."""

    def __init__(self, registry: Registry, *, lanes: int = 0, waiting: int = 1024) -> None:
        self._registry = registry
        self._scheduler = Scheduler(lanes=lanes, waiting=waiting)

    def find(self, name: str) -> ModelInfo | None:
        return self._registry.find(name)

    def list(self) -> list[ModelInfo]:
        return self._registry.list()

    async def embed(self, name: str, texts: Sequence[str], purpose: Purpose = "query") -> Sequence[Embedding]:
        definition = self._registry.usable(name, "embed")
        prefix = definition.manifest.prefix(purpose)
        return await asyncio.wrap_future(self._scheduler.submit(definition, [prefix + text for text in texts]))

    async def rerank(self, name: str, query: str, texts: Sequence[str]) -> Sequence[float]:
        definition = self._registry.usable(name, "rerank")
        return await asyncio.wrap_future(self._scheduler.submit(definition, [(query, text) for text in texts]))

    async def status(self) -> dict[str, Any]:
        return self._scheduler.status()

    async def close(self) -> None:
        await asyncio.to_thread(self._scheduler.close)
