"""The storage process: ``python -m headwater.store.server --data DIR --socket PATH``.

It alone writes to the database and holds the index. Workers talk to it through the socket (``store.protocol``). It ends
with the process that started it, and on SIGTERM after everything that waits is durable and the index is flushed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop

from headwater.catalog.database import open_reader
from headwater.errors import BadRequestError, HeadwaterError
from headwater.kit.log import configure_logs
from headwater.kit.process import collect_rarely, die_with_parent
from headwater.settings import Settings
from headwater.store.commands.base import decoder
from headwater.store.link import Connection, answer_frame, listen, remove_socket
from headwater.store.lock import DirectoryLock
from headwater.store.protocol import Request
from headwater.store.queries import answer_query
from headwater.store.writer import Question, Waiting, Writer

log = structlog.get_logger("headwater.store")

#: Exit status when another process holds the directory: the supervisor gives up instead of trying again.
EXIT_LOCKED = 75


class StorageServer:
    def __init__(self, directory: Path, settings: Settings) -> None:
        self.writer = Writer(directory, settings)
        self.connections: set[Connection] = set()
        self._reader = open_reader(directory)
        self._decode_request = msgspec.msgpack.Decoder(Request).decode
        self._decode_command = decoder().decode
        self._loop = asyncio.get_running_loop()
        #: Answers that the writer's thread has handed over and the loop has not sent yet.
        self._answers: list[tuple[Connection, bytes]] = []
        self._answers_lock = threading.Lock()

    def receive(self, connection: Connection, payload: bytes) -> None:
        """One request. Whatever it asks for, exactly one answer goes back."""
        request = self._decode_request(payload)
        try:
            self._dispatch(connection, request, len(payload))
        except HeadwaterError as error:
            connection.send(answer_frame(request.request_id, None, error))
        except msgspec.DecodeError as error:
            wrong = BadRequestError(f"the store cannot read this command: {error}")
            connection.send(answer_frame(request.request_id, None, wrong))

    def _dispatch(self, connection: Connection, request: Request, size: int) -> None:
        reply = self._replier(connection, request.request_id)
        if request.kind == "execute":
            command = self._decode_command(request.body)
            self.writer.submit(Waiting(command, request.operation_id, size, reply))
        elif request.kind == "outcome":
            connection.send(answer_frame(request.request_id, self._outcome(request.operation_id), None))
        else:
            body = msgspec.msgpack.decode(request.body)
            kind = request.kind
            self.writer.submit(Question(lambda writer: answer_query(writer, kind, body), reply))

    def _replier(self, connection: Connection, request_id: int) -> Callable[[Any, HeadwaterError | None], None]:
        def reply(outcome: Any, error: HeadwaterError | None) -> None:
            # Encoded in the writer's thread: the loop only has to write. A group's answers wake it once.
            answer = answer_frame(request_id, outcome, error)
            with self._answers_lock:
                self._answers.append((connection, answer))
                first = len(self._answers) == 1
            if first:
                self._loop.call_soon_threadsafe(self._send_answers)

        return reply

    def _send_answers(self) -> None:
        with self._answers_lock:
            waiting, self._answers = self._answers, []
        outgoing: dict[Connection, list[bytes]] = {}
        for connection, answer in waiting:
            outgoing.setdefault(connection, []).append(answer)
        for connection, answers in outgoing.items():
            connection.send(b"".join(answers))

    def _outcome(self, operation_id: int) -> dict[str, Any]:
        """What became of an operation that was sent to a predecessor of this process, which is dead by now."""
        row = self._reader.execute("SELECT outcome FROM operations WHERE operation_id = ?", (operation_id,)).fetchone()
        return {"found": row is not None, "outcome": None if row is None else msgspec.msgpack.decode(row[0])}

    def close(self) -> None:
        self.writer.stop()
        self._reader.close()


async def serve(directory: Path, socket_path: Path, settings: Settings) -> None:
    """Serve until SIGTERM. The caller holds the directory's lock."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = StorageServer(directory, settings)
    server.writer.start()
    collect_rarely()
    listener = await listen(server, socket_path)
    log.info("the store is ready", sequence=server.writer.sequence, pid=os.getpid())
    await stop.wait()
    listener.close()
    await loop.run_in_executor(None, server.close)
    # The last answers were handed to the loop by the writer's thread before it ended; let them go out.
    await asyncio.sleep(0)
    for connection in list(server.connections):
        connection.close()
    remove_socket(socket_path)
    log.info("the store is closed", sequence=server.writer.sequence)


def main() -> None:
    parser = argparse.ArgumentParser(prog="headwater.store.server")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    settings = Settings(data=arguments.data)
    configure_logs(settings.log_format, settings.log_level)
    lock = DirectoryLock(arguments.data)
    try:
        lock.acquire(socket=str(arguments.socket))
    except HeadwaterError as error:
        sys.stderr.write(f"headwater: {error.message}\n")
        sys.exit(EXIT_LOCKED)
    uvloop.run(serve(arguments.data, arguments.socket, settings))
    lock.release()


if __name__ == "__main__":
    main()
