"""How the data commands reach a server: by HTTP, as any other client."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO
from urllib.parse import quote

from cyclopts import Parameter

from headwater.cli.output import CommandError

if TYPE_CHECKING:
    import httpx2

    from headwater.cli.progress import Advance

#: The API's clients repeat a 429 or 503 for three minutes in all; the server promises that such a request did nothing.
RETRY_SECONDS = 180.0
_LONGEST_WAIT_SECONDS = 30.0
#: A server that was there and is gone is usually back within seconds: its supervisor restarts what dies.
_RECONNECT_SECONDS = 15.0
_RECONNECT_PAUSE_SECONDS = 0.2
_RETRIED = frozenset({429, 503})
#: What was not found, and the command that lists such things.
_FOUND_BY = {
    "Namespace": "namespaces list",
    "Collection": "collections list",
    "Document": "documents list COLLECTION",
    "Api key": "keys list",
    "User": "users list",
    "Bucket": "buckets list",
    "Object": "objects list --bucket BUCKET",
    "Task": "tasks list",
}

Json = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]
Data = Annotated[Path, Parameter(name="--data", env_var="HEADWATER_DATA", help="The data directory.")]
Limit = Annotated[int, Parameter(help="Most entries to show.")]
Cursor = Annotated[str | None, Parameter(help="Where the last page ended.")]
DEFAULT_DATA = Path("headwater-data")


@Parameter(name="*")
@dataclass(frozen=True)
class Connection:
    """Where the server is and who asks."""

    url: Annotated[str, Parameter(env_var="HEADWATER_URL", help="The server's URL.")] = "http://127.0.0.1:8420"
    key: Annotated[
        str | None,
        Parameter(env_var="HEADWATER_API_KEY", show_default=False, help="API key; otherwise that of DATA/admin-key."),
    ] = None
    namespace: Annotated[str | None, Parameter(env_var="HEADWATER_NAMESPACE", help="Id or name of the namespace.")] = (
        None
    )
    data: Data = DEFAULT_DATA

    def headers(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key or _admin_key(self.data)}"}
        if self.namespace:
            headers["X-Namespace"] = self.namespace
        return headers

    def base_url(self) -> str:
        """The URL without the ``/v1`` that some clients want in theirs."""
        if not self.url.startswith(("http://", "https://")):
            raise CommandError(f"--url takes a URL such as http://127.0.0.1:8420, not {self.url!r}", exit_code=2)
        return self.url.rstrip("/").removesuffix("/v1")


DEFAULT_CONNECTION = Connection()


def _admin_key(directory: Path) -> str:
    path = directory.expanduser() / "admin-key"
    try:
        return path.read_text().strip()
    except OSError as error:
        raise CommandError(
            f"no API key: {path} cannot be read ({error.strerror})",
            "pass --key, set HEADWATER_API_KEY, or name the data directory with --data",
        ) from error


def path_of(*segments: str) -> str:
    """``/v1/…`` with each segment quoted, so that a name may hold any character."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


class Client:
    """JSON in, JSON out. An error answer becomes a ``CommandError`` with the server's message."""

    def __init__(self, connection: Connection, *, connections: int = 1) -> None:
        import httpx2

        self._base_url = connection.base_url()
        self._client = httpx2.Client(
            base_url=self._base_url,
            headers=connection.headers(),
            timeout=httpx2.Timeout(120.0, connect=10.0),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            # A server on this machine is not reached through the proxy of the environment.
            trust_env=not _is_local(self._base_url),
        )
        self._answered_at: float | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        repeatable: bool = False,
        **query: Any,
    ) -> Any:
        return self.call("POST", path, body=body, headers=headers, repeatable=repeatable, query=query)

    def delete(self, path: str, **query: Any) -> Any:
        return self.call("DELETE", path, query=query)

    def fetch(self, url: str, target: BinaryIO, advance: Advance) -> None:
        """Append the bytes behind the URL to the file, from where the file ends. The URL itself is the permission."""
        import httpx2

        at = target.tell()
        headers = {"Authorization": "", "Accept-Encoding": "identity"} | ({"Range": f"bytes={at}-"} if at else {})
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != (206 if at else 200):
                    answer.read()
                    _outcome(answer)
                advance(0, at + int(answer.headers["Content-Length"]))
                for chunk in answer.iter_raw():
                    advance(target.write(chunk))
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def send(self, url: str, file: Path, content_type: str) -> None:
        """PUT the file to the URL, which is the permission itself."""
        import httpx2

        try:
            with file.open("rb") as content:
                headers = {"Authorization": "", "Content-Type": content_type}
                answer = self._client.put(url, content=content, headers=headers)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        if answer.status_code != 200:
            _outcome(answer)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        repeatable: bool = False,
    ) -> Any:
        """The decoded answer of a request that is repeated while the server says "later".

        One that is ``repeatable``, or has an ``Idempotency-Key``, is also repeated when the server went away, for a
        while: it cannot act twice.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        deadline = time.monotonic() + RETRY_SECONDS
        backoff = 0.5
        repeatable = repeatable or "Idempotency-Key" in (headers or {})
        while True:
            try:
                answer = self._send(method, path, body, given, headers)
            except CommandError:
                if not (repeatable and self._was_just_there()):
                    raise
                time.sleep(_RECONNECT_PAUSE_SECONDS)
                continue
            if answer.status_code not in _RETRIED or time.monotonic() > deadline:
                return _outcome(answer)
            time.sleep(min(_retry_after(answer) or backoff, _LONGEST_WAIT_SECONDS))
            backoff *= 2

    def _was_just_there(self) -> bool:
        return self._answered_at is not None and time.monotonic() - self._answered_at < _RECONNECT_SECONDS

    def _send(
        self, method: str, path: str, body: Any, query: dict[str, Any], headers: dict[str, str] | None
    ) -> httpx2.Response:
        import httpx2

        try:
            answer = self._client.request(method, path, json=body, params=query, headers=headers)
            self._answered_at = time.monotonic()
            return answer
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> CommandError:
        return CommandError(
            f"no answer from {self._base_url}: {error or type(error).__name__}",
            "start it with `headwater serve`, or name another with --url",
            exit_code=3,
        )


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.", "http://localhost", "http://[::1]"))


def _retry_after(answer: httpx2.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _missing(error: dict[str, Any]) -> str:
    """What was not found: the API says it in the details."""
    identifier = (error.get("details") or {}).get("id")
    return f": {identifier}" if error["type"] == "NotFoundError" and identifier else ""


def _next_step(answer: httpx2.Response, message: str) -> str:
    if answer.status_code == 401:
        return "check the key: --key, HEADWATER_API_KEY or DATA/admin-key"
    if answer.status_code == 400 and "namespace" in message.lower():
        return "name a namespace with --namespace or HEADWATER_NAMESPACE"
    for noun, found_by in _FOUND_BY.items():
        if answer.status_code == 404 and message.startswith(noun):
            return f"see what is there with `headwater {found_by}`"
    return f"request id {answer.headers.get('X-Request-ID', 'unknown')}"


def _outcome(answer: httpx2.Response) -> Any:
    if answer.status_code == 200:
        return answer.json()
    if answer.status_code == 204:
        return None
    try:
        error = answer.json()["error"]
        message = f"{error['message']}{_missing(error)} ({answer.status_code} {error['type']})"
    except (ValueError, KeyError, TypeError):
        message = f"the server answered {answer.status_code} without saying why"
    raise CommandError(message, _next_step(answer, message), status=answer.status_code)
