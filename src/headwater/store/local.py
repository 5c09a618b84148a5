"""The store in this very process: for tests, and for operator commands on a data directory that nobody serves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import HeadwaterError
from headwater.settings import Settings
from headwater.store.commands.base import Command, decoder
from headwater.store.lock import DirectoryLock
from headwater.store.protocol import new_operation_id
from headwater.store.queries import answer_query
from headwater.store.writer import Question, Waiting, Writer


class LocalStore:
    """See ``Store``. Takes the directory's lock and runs the same writer as the storage process."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = DirectoryLock(directory)
        self._lock.acquire()
        self.writer = Writer(directory, settings)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = decoder().decode
        self.writer.start()

    async def execute(self, command: Command) -> Any:
        # Through the wire form and back, so that nothing passes here that would not pass the socket.
        data = self._encode(command)
        future, answer = _future()
        self.writer.submit(Waiting(self._decode(data), new_operation_id(), len(data), answer))
        return msgspec.msgpack.decode(self._encode(await future))

    async def query(self, kind: str, body: Any = None) -> Any:
        future, answer = _future()
        self.writer.submit(Question(lambda writer: answer_query(writer, kind, body), answer))
        return await future

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.writer.stop)
        self._lock.release()


def _future() -> tuple[asyncio.Future[Any], Any]:
    """A future of this loop and the function that the writer's thread settles it with."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Any, error: HeadwaterError | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(outcome)
        else:
            future.set_exception(error)

    def answer(outcome: Any, error: HeadwaterError | None) -> None:
        # The loop may be closed by a test that did not wait for its answer; the write itself is done.
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, outcome, error)

    return future, answer
