"""Clients that hold connections without using them: every one ends in bounded time, others are not disturbed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import pytest

from headwater.http import protocol
from tests.http.conftest import BYTES_OF_LARGE_ANSWER, Live, Serve
from tests.http.wire import Wire


@pytest.fixture
def impatient(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Live:
    """A server whose clocks run out within the test."""
    monkeypatch.setattr(protocol, "_PROGRESS_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.3)
    return serve(header_timeout_seconds=0.6, body_grace_seconds=0.5, keep_alive_seconds=2)


def trickle(wire: Wire, data: bytes, seconds: float = 0.1) -> None:
    """Send byte by byte until done or until the server closes."""
    wire.socket.settimeout(seconds)
    for byte in data:
        try:
            wire.socket.sendall(bytes([byte]))
            wire.socket.recv(1, socket.MSG_PEEK)
            break
        except TimeoutError:
            continue
        except OSError:
            break
    wire.socket.settimeout(20)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 20 seconds"
        time.sleep(0.02)


def test_slow_headers_get_408(impatient: Live) -> None:
    with impatient.connect() as wire:
        trickle(wire, b"GET /v1/health/liveness HTTP/1.1\r\nHost: " + b"x" * 1000)
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (408, "RequestTimeoutError")
        assert wire.everything() == b""


def test_slow_headers_of_a_second_request_get_408(impatient: Live) -> None:
    with impatient.connect() as wire:
        assert wire.request("GET", "/v1/health/liveness").status == 200
        trickle(wire, b"GET /v1/health/liveness HTTP/1.1\r\nHost: " + b"x" * 1000)
        assert wire.statuses() == [408]


def test_a_connection_without_a_byte_is_closed(impatient: Live) -> None:
    with impatient.connect() as wire:
        assert wire.everything() == b""


def test_slow_body_gets_408_and_is_not_acted_on(impatient: Live) -> None:
    with impatient.connect() as wire:
        head = f"POST /v1/echo HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {wire.key}\r\nContent-Length: 1000\r\n\r\n"
        wire.send(head.encode())
        trickle(wire, b"{" + b" " * 990)
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (408, "RequestTimeoutError")
        assert wire.everything() == b""
    assert impatient.app is not None
    budget = impatient.app.state.body_budget
    eventually(lambda: budget.held_bytes == 0)


def test_a_steady_body_may_take_longer_than_the_grace(impatient: Live) -> None:
    with impatient.connect() as wire:
        body = b'{"text":"' + b"x" * 12_000 + b'"}'
        head = f"Authorization: Bearer {wire.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        wire.send(b"POST /v1/echo HTTP/1.1\r\nHost: a\r\n" + head.encode())
        for start in range(0, len(body), 1000):
            wire.send(body[start : start + 1000])
            time.sleep(0.1)
        assert wire.answer().status == 200


def test_slow_reader_is_cut_off(impatient: Live) -> None:
    with impatient.connect() as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.send(b"GET /v1/echo/large HTTP/1.1\r\nHost: test\r\n\r\n")
        # The kernel takes some megabytes by itself; the rest waits for us, and we do not come.
        assert impatient.server is not None
        connections = impatient.server.server_state.connections
        eventually(lambda: len(connections) == 1)
        eventually(lambda: not connections)


def test_a_quick_reader_gets_all_of_it(impatient: Live) -> None:
    with impatient.connect() as wire:
        answer = wire.request("GET", "/v1/echo/large")
        assert len(answer.json["text"]) == BYTES_OF_LARGE_ANSWER


def test_an_idle_connection_is_closed_after_keep_alive(serve: Serve) -> None:
    live = serve(keep_alive_seconds=1)
    with live.connect() as wire:
        assert wire.request("GET", "/v1/health/liveness").status == 200
        assert wire.everything() == b""


def test_a_hundred_slow_connections_leave_room_for_others(impatient: Live) -> None:
    wires: list[Wire] = []
    parts = [b"GET / HTTP/1.1\r\nHo", b"POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n{"]
    statuses: list[list[int]] = []

    def dawdle(number: int) -> None:
        with contextlib.suppress(OSError):
            # Not before: a connection without a byte is closed without an answer.
            wire = impatient.connect()
            wires.append(wire)
            wire.send(parts[number % 2])
            statuses.append(wire.statuses())

    threads = [threading.Thread(target=dawdle, args=(number,)) for number in range(100)]
    try:
        for thread in threads:
            thread.start()
        with impatient.connect() as wire:
            assert all(wire.request("GET", "/v1/health/liveness").status == 200 for _ in range(50))
        for thread in threads:
            thread.join(20)
    finally:
        for wire in wires:
            wire.socket.close()
    # Half of them never finished their headers, the others had no key: nobody was waited for.
    assert sorted(statuses) == [[401]] * 50 + [[408]] * 50


def test_drain_answers_what_is_in_flight_and_closes_the_idle(serve: Serve) -> None:
    live = serve()
    with live.connect() as idle, live.connect() as busy:
        assert idle.request("GET", "/v1/health/liveness").status == 200
        busy.send(b"GET /v1/echo/wait/0.5 HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.2)
        assert live.server is not None
        live.server.stop()
        answer = busy.answer()
        assert answer.json == {"waited": 0.5}
        assert answer.headers["connection"] == "close"
        assert idle.everything() == b""
        with pytest.raises(OSError):
            live.connect()


def test_what_does_not_finish_within_the_drain_is_told_so(serve: Serve) -> None:
    live = serve(drain_seconds=1)
    with live.connect() as wire:
        wire.send(b"GET /v1/echo/wait/30 HTTP/1.1\r\nHost: test\r\n\r\n")
        time.sleep(0.2)
        assert live.server is not None
        live.server.stop()
        answer = wire.answer()
        assert (answer.status, answer.error_type) == (500, "InternalServerError")
        assert answer.json["error"]["details"] == {"retryable": False}
        assert wire.everything() == b""
