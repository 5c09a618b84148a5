"""A client that sends exactly the bytes it is given, and shows everything that comes back."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error_type(self) -> str:
        """The envelope's type; fails when this is no envelope."""
        body = self.json
        assert body["success"] is False
        assert body["status"] == self.status
        assert self.headers["content-type"] == "application/json"
        assert self.headers["x-request-id"].startswith("req_")
        return str(body["error"]["type"])


class Wire:
    """One connection. Every wait ends after some seconds, so that a hanging server fails the test."""

    def __init__(self, port: int, key: str = "") -> None:
        self.key = key
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        # A server that has made up its mind may close while we still send.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def request(self, method: str, path: str, *headers: str, body: bytes = b"", keyed: bool = False) -> Answer:
        """Send a well-formed request and read its answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers]
        if keyed:
            lines.append(f"Authorization: Bearer {self.key}")
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return self.answer()

    def answer(self) -> Answer:
        """Read one answer, leaving what follows."""
        while b"\r\n\r\n" not in self._received:
            self._more()
        head, _, rest = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(rest) < length:
            self._received = head + b"\r\n\r\n" + rest
            self._more()
            rest = self._received.partition(b"\r\n\r\n")[2]
        self._received = rest[length:]
        return Answer(int(first.split()[1]), headers, rest[:length])

    def _more(self) -> None:
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the server closed after {self._received!r}")
        self._received += data

    def everything(self) -> bytes:
        """All that comes until the server closes."""
        parts = [self._received]
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(1 << 16):
                parts.append(data)
        self._received = b""
        return b"".join(parts)

    def statuses(self) -> list[int]:
        """The status of each answer until the server closes."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.everything())]
