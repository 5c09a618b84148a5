"""A worker's end of the socket to the model process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from headwater.errors import QueryTimeoutError, ServiceUnavailableError
from headwater.models.interface import Embedding, ModelInfo, Purpose
from headwater.models.registry import Registry
from headwater.settings import Settings
from headwater.store.link import Link, LostError
from headwater.store.protocol import pack

T = TypeVar("T")
#: Computing again does no harm, but a text that kills the process may not do so for ever. One more than two, for the
#: first may go to a process that is dying already.
_ATTEMPTS = 3


class ModelClient:
    """See ``Models``. What is not installed is known here, without asking."""

    def __init__(self, socket_path: Path, registry: Registry, settings: Settings) -> None:
        self._link = Link(socket_path)
        self._registry = registry
        self._wait_seconds = settings.outcome_wait_seconds
        self._timeout_seconds = settings.query_timeout_seconds

    def find(self, name: str) -> ModelInfo | None:
        return self._registry.find(name)

    def list(self) -> list[ModelInfo]:
        return self._registry.list()

    async def embed(self, name: str, texts: Sequence[str], purpose: Purpose = "query") -> Sequence[Embedding]:
        known = self._registry.usable(name, "embed").name
        return await self._ask("embed", [known, texts, purpose], list[Embedding])

    async def rerank(self, name: str, query: str, texts: Sequence[str]) -> Sequence[float]:
        known = self._registry.usable(name, "rerank").name
        return await self._ask("rerank", [known, query, texts], list[float])

    async def status(self) -> dict[str, Any]:
        return await self._ask("status", None, dict[str, Any])

    async def close(self) -> None:
        await self._link.close()

    async def _ask(self, kind: str, arguments: Any, answer: type[T]) -> T:
        body = pack(arguments)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return msgspec.msgpack.decode(await self._answer(kind, body), type=answer)
        except TimeoutError:
            raise QueryTimeoutError(
                f"the models took longer than {self._timeout_seconds:g} s; send fewer or shorter texts",
                details={"timeout_seconds": self._timeout_seconds},
            ) from None

    async def _answer(self, kind: str, body: msgspec.Raw) -> msgspec.Raw:
        """Whoever was answered by a process that died is answered by its successor."""
        for _ in range(_ATTEMPTS):
            try:
                stream = await self._link.connected(time.monotonic() + self._wait_seconds)
                return await self._link.ask(stream, kind, 0, body)
            except LostError:
                continue
            except TimeoutError:
                break
        raise ServiceUnavailableError(
            "the model process is not running; repeat the request",
            details={"retryable": True, "retry_after_seconds": 2},
            retry_after_seconds=2,
        )
