"""uvicorn as a part of our process: our protocol, no access log, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from headwater.http.protocol import protocol_class
from headwater.settings import Settings


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; then the requests in flight get their answers, idle connections are closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again after it drained, so a clean stop would look like a kill.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.stop)
        yield
        for number in signals:
            loop.remove_signal_handler(number)

    def stop(self) -> None:
        self.should_exit = True


def make_server(app: FastAPI, settings: Settings) -> Server:
    """A server of that application. ``await server.serve(sockets=[listener])`` runs it."""
    return Server(
        uvicorn.Config(
            cast(Any, app),
            http=protocol_class(settings),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(settings.keep_alive_seconds),
            timeout_graceful_shutdown=max(1, int(settings.drain_seconds)),
        )
    )
