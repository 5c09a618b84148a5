"""The load generator: a process of its own, raw sockets, requests encoded before the clock starts.

It shares two cores with the server that it measures, so it does as little as it can: no HTTP library, no JSON, and of
an answer it looks at the status and the length only.
"""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(frozen=True)
class Target:
    """Where to send and what stands in every request's head."""

    host: str
    port: int
    headers: str = ""

    @property
    def header_fields(self) -> dict[str, str]:
        return dict(line.split(": ", 1) for line in self.headers.split("\r\n") if line)

    def encode(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{self.headers}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + b"\r\n" + body


#: Makes the requests inside of the generator, so that they do not have to cross a pipe.
Requests = Callable[[], Sequence[bytes]]


@dataclass(frozen=True)
class Closed:
    """``clients`` connections, each sends its next request when it has its answer. All requests, once each."""

    target: Target
    requests: Requests
    clients: int
    #: Only look at the clock after this many answers.
    warm_up: int = 0


@dataclass(frozen=True)
class Stream:
    """One kind of request at a fixed rate, whether or not answers come; latency counts from the planned moment."""

    name: str
    requests: Requests
    per_second: float


@dataclass(frozen=True)
class Open:
    target: Target
    streams: tuple[Stream, ...]
    seconds: float


@dataclass(frozen=True)
class Alternating:
    """One connection; one request of each kind in turn."""

    target: Target
    kinds: tuple[tuple[str, Requests], ...]
    rounds: int


@dataclass
class Outcome:
    """Latencies are in seconds, in order of completion."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    #: Connections that the server closed between two requests.
    reconnects: int = 0

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def only(self, status: int) -> Outcome:
        """Itself, after a check that every answer had that status."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"expected {status} only, the answers were {dict(self.statuses)}")
        return self


Plan = Closed | Open | Alternating


def run(plan: Plan) -> dict[str, Outcome]:
    """Run the plan in a generator process. Outcomes by name; a ``Closed`` plan has the one name ``""``."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=pickle.dumps(plan), stdout=subprocess.PIPE, check=True
    )
    return pickle.loads(done.stdout)


class _Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection with one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, target: Target) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, target.host, target.port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop has classes of its own

    @property
    def open_still(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 when the connection ended without one."""
        if self._transport is None or self._transport.is_closing():
            return 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            # Chunked: the answers here are small, so the last chunk ends what was received.
            complete = self._received.endswith(b"0\r\n\r\n")
        else:
            length = int(head[at + 17 :].split(b"\r\n", 1)[0])
            complete = len(self._received) >= end + 4 + length
        if complete and self._answer is not None and not self._answer.done():
            self._received.clear()
            answer, self._answer = self._answer, None
            answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)
            self._answer = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _closed(plan: Closed) -> dict[str, Outcome]:
    requests = plan.requests()
    waiting = iter(requests)
    outcome = Outcome()
    started = 0.0
    finished = 0.0
    answers = 0

    async def client() -> None:
        nonlocal started, finished, answers
        connection = await _Connection.open(plan.target)
        for request in waiting:
            if not connection.open_still:  # between two requests a server may close, and a client connects again
                connection = await _Connection.open(plan.target)
                outcome.reconnects += 1
            before = time.perf_counter()
            status = await connection.ask(request)
            finished = time.perf_counter()
            answers += 1
            if answers <= plan.warm_up:
                started = finished
                continue
            outcome.latencies.append(finished - before)
            outcome.statuses[status] += 1
        connection.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(plan.clients)))
    outcome.seconds = finished - started
    return {"": outcome}


async def _open(plan: Open) -> dict[str, Outcome]:
    outcomes = {stream.name: Outcome(seconds=plan.seconds) for stream in plan.streams}
    idle: list[_Connection] = []
    under_way: set[asyncio.Task[None]] = set()
    prepared = [(stream, stream.requests()) for stream in plan.streams]
    started = time.perf_counter() + 0.05

    async def one(outcome: Outcome, request: bytes, planned: float) -> None:
        connection = idle.pop() if idle else await _Connection.open(plan.target)
        while not connection.open_still:
            connection = idle.pop() if idle else await _Connection.open(plan.target)
        status = await connection.ask(request)
        outcome.latencies.append(time.perf_counter() - planned)
        outcome.statuses[status] += 1
        if status:
            idle.append(connection)

    async def stream_out(stream: Stream, requests: Sequence[bytes]) -> None:
        for number in range(int(plan.seconds * stream.per_second)):
            planned = started + number / stream.per_second
            if (delay := planned - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            task = asyncio.create_task(one(outcomes[stream.name], requests[number % len(requests)], planned))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    await asyncio.gather(*(stream_out(stream, requests) for stream, requests in prepared))
    await asyncio.gather(*under_way)
    for connection in idle:
        connection.close()
    return outcomes


async def _alternating(plan: Alternating) -> dict[str, Outcome]:
    outcomes = {name: Outcome() for name, _ in plan.kinds}
    prepared = [(outcomes[name], requests()) for name, requests in plan.kinds]
    connection = await _Connection.open(plan.target)
    for number in range(plan.rounds):
        for outcome, requests in prepared:
            before = time.perf_counter()
            status = await connection.ask(requests[number % len(requests)])
            outcome.latencies.append(time.perf_counter() - before)
            outcome.statuses[status] += 1
    connection.close()
    return outcomes


async def _run(plan: Plan) -> dict[str, Outcome]:
    match plan:
        case Closed():
            return await _closed(plan)
        case Open():
            return await _open(plan)
        case Alternating():
            return await _alternating(plan)


if __name__ == "__main__":
    # Pickled classes are those of the importable module, not those of __main__.
    from benchmarks import load

    received = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(uvloop.run(load._run(received))))
