"""Worker processes as the supervisor starts them."""

from __future__ import annotations

import re
import socket
import threading
import time

from tests.conftest import Server
from tests.http.wire import Wire


def connect(server: Server) -> Wire:
    return Wire(int(server.url.rpartition(":")[2]), server.key)


def test_one_scrape_shows_all_workers(server: Server) -> None:
    wires = [connect(server) for _ in range(20)]
    try:
        for wire in wires:
            assert wire.request("GET", "/v1/me", keyed=True).status == 200
        # A request is counted when its answer is out, so the last one may come after a scrape of the other worker.
        deadline = time.monotonic() + 10
        while (counts := _counts(wires)) != {20} and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        for wire in wires:
            wire.socket.close()
    assert counts == {20}


def _counts(wires: list[Wire]) -> set[int]:
    """How many of these requests each worker says that there were."""
    texts = {wire.request("GET", "/metrics", keyed=True).body.decode() for wire in wires}
    return {
        int(float(count))
        for text in texts
        for count in re.findall(r'requests_total{method="GET",route="/v1/me",status="200"} (\S+)', text)
    }


def test_a_stop_answers_what_is_in_flight_and_exits_0(server: Server) -> None:
    # A body that is still on its way keeps its request in flight while the server is told to stop.
    with connect(server) as wire:
        body = b'{"namespace_name":"late"}'
        head = f"POST /v1/namespaces HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {wire.key}\r\n"
        wire.send(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:5])
        time.sleep(0.3)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        time.sleep(0.5)
        wire.send(body[5:])
        answer = wire.answer()
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
        stopping.join(20)
    assert server.process.returncode == 0


def test_workers_share_the_socket_and_survive_resets(server: Server) -> None:
    for _ in range(50):
        with connect(server) as wire:
            wire.send(b"GET /v1/me HTTP/1.1\r\nHost: a\r\n\r\n")
            # Close with a reset, without reading.
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    with connect(server) as wire:
        assert wire.request("GET", "/v1/health/liveness").status == 200
