"""The model process: ``python -m headwater.models.server --socket PATH``.

One for all HTTP workers, so that a model is in memory once and texts of many requests share a batch. It starts within
a moment: what runs models is imported and loaded when the first text comes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop

from headwater.errors import BadRequestError, HeadwaterError, InternalServerError
from headwater.kit.log import configure_logs
from headwater.kit.process import die_with_parent
from headwater.models.interface import Models
from headwater.models.local import LocalModels
from headwater.models.registry import Registry
from headwater.settings import Settings
from headwater.store.link import Connection, answer_frame, listen, remove_socket
from headwater.store.protocol import Request

log = structlog.get_logger("headwater.models")

#: Between the workers, whose answers wait for it, and the jobs, for which nobody waits.
_NICENESS = 3


class ModelServer:
    def __init__(self, models: Models) -> None:
        self.connections: set[Connection] = set()
        self._models = models
        self._decode = msgspec.msgpack.Decoder(Request).decode
        #: The loop keeps weak references only.
        self._answering: set[asyncio.Task[None]] = set()

    def receive(self, connection: Connection, payload: bytes) -> None:
        task = asyncio.create_task(self._answer(connection, self._decode(payload)))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, connection: Connection, request: Request) -> None:
        try:
            answer = answer_frame(request.request_id, await self._result(request), None)
        except HeadwaterError as error:
            answer = answer_frame(request.request_id, None, error)
        except Exception as error:
            log.exception("a request to the models failed", kind=request.kind)
            answer = answer_frame(request.request_id, None, InternalServerError(f"the models failed: {error}"))
        connection.send(answer)

    async def _result(self, request: Request) -> Any:
        arguments = msgspec.msgpack.decode(request.body)
        match request.kind:
            case "embed":
                return await self._models.embed(*arguments)
            case "rerank":
                return await self._models.rerank(*arguments)
            case "status":
                return await self._models.status()
        raise BadRequestError(f"the models know no {request.kind!r}")


async def serve(socket_path: Path, settings: Settings) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    models = LocalModels(Registry(settings.models_dir), lanes=settings.model_lanes, waiting=settings.model_waiting)
    server = ModelServer(models)
    listener = await listen(server, socket_path)
    await stop.wait()
    listener.close()
    await models.close()
    for connection in list(server.connections):
        connection.close()
    remove_socket(socket_path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="headwater.models.server")
    parser.add_argument("--socket", type=Path, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    os.nice(_NICENESS)
    # A lane is to use one core, and splitting a handful of texts among threads costs more than it saves.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    settings = Settings()
    configure_logs(settings.log_format, settings.log_level)
    uvloop.run(serve(arguments.socket, settings))


if __name__ == "__main__":
    main()
