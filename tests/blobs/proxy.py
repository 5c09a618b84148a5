"""A TCP proxy in front of a server, which can refuse, reset, keep silent, or say that the server is busy."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BLOCK = 1 << 16


class Proxy:
    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._how, self._times = "well", -1
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def behave(self, how: str, times: int = -1) -> None:
        """From now on every connection, or so many of them, is treated like that. Open ones end."""
        with self._lock:
            self._how, self._times = how, times
            for opened in self._open:
                _reset(opened)
            self._open.clear()

    def serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._handle, args=(client, self._next()), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _next(self) -> str:
        with self._lock:
            if not self._times:
                return "well"
            self._times -= 1
            return self._how

    def _handle(self, client: socket.socket, how: str) -> None:
        with self._lock:
            self._open.add(client)
        if how in ("refuse", "reset"):
            if how == "reset":
                _receive(client)
            _reset(client)
        elif how == "unavailable":
            _receive(client)
            with contextlib.suppress(OSError):
                client.sendall(_BUSY)
            client.close()
        elif how == "silent":
            while _receive(client):
                pass
            client.close()
        else:
            self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()
        client.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.behave("well")
        for thread in self._threads:
            thread.join(10)


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(_BLOCK)
    except OSError:
        return b""


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := _receive(source):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)


def _reset(opened: socket.socket) -> None:
    """End the connection without a farewell."""
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.shutdown(socket.SHUT_RDWR)
    opened.close()


@contextmanager
def proxying(target: int) -> Iterator[Proxy]:
    proxy = Proxy(target)
    serving = threading.Thread(target=proxy.serve)
    serving.start()
    try:
        yield proxy
    finally:
        proxy.close()
        serving.join()
