"""A plain HTTP client over one kept-alive connection, which tells "no answer" apart from every answer."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class UnansweredError(Exception):
    """The connection ended before a whole answer came: the request may or may not have taken effect."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error_type(self) -> str | None:
        return None if self.status < 400 else str(self.json["error"]["type"])


class Api:
    """One connection, so for one thread. ``namespace`` becomes ``X-Namespace``."""

    def __init__(
        self, url: str, *, key: str | None = None, namespace: str | None = None, timeout_seconds: float = 30
    ) -> None:
        self._headers = {"Content-Type": "application/json"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        if namespace is not None:
            self._headers["X-Namespace"] = namespace
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request and its answer, whatever its status. Header names are given with underscores."""
        sent = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        payload = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, payload, sent)
            answer = self._connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise UnansweredError(f"{method} {path}: {error!r}") from error

    def try_request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """The answer, or None when there was none."""
        try:
            return self.request(method, path, body, **headers)
        except UnansweredError:
            return None

    def get(self, path: str) -> Any:
        """The body of a 200."""
        return self.ok("GET", path)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """The body of a 200."""
        return self.ok("POST", path, body, **headers)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.request(method, path, body, **headers)
        assert answer.status == 200, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json
