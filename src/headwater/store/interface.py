"""What a worker needs of the store: commands go to the one writer, reads come straight from the database."""

from __future__ import annotations

from typing import Any, Protocol

from headwater.store.commands.base import Command


class Store(Protocol):
    async def execute(self, command: Command) -> Any:
        """Run the command in the writer's transaction and return its outcome (plain msgpack values).

        Returns after the durable commit and the index apply. Raises the handler's error; ``ServiceUnavailableError``
        when nothing was stored and the caller may repeat; ``InternalServerError`` with ``retryable: false`` when the
        outcome could not be learned.
        """
        ...

    async def query(self, kind: str, body: Any = None) -> Any:
        """Ask the storage process itself: ``status``, ``search``, ``checkpoint``."""
        ...

    async def close(self) -> None: ...
