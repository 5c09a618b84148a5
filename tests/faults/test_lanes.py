"""Lanes that die and queries that take too long: others do not notice, and the next query is answered."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import Server, start_server

DOCUMENTS = 4000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker whose lane has everything to do that is not indexed."""
    data = tmp_path_factory.mktemp("lanes") / "data"
    # Long enough for a lane to start on a busy machine, short enough to wait for.
    server = start_server(data, HEADWATER_QUERY_THREAD_ROWS="1", HEADWATER_QUERY_TIMEOUT_SECONDS="8")
    try:
        with client_of(server) as client:
            client.post("/v1/namespaces", json={"namespace_name": "lanes"})
            client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
            for start in range(0, DOCUMENTS, 500):
                documents = [
                    {"document_id": f"d{number}", "vectors": {}, "payload": {"n": number, "text": "x" * 2000}}
                    for number in range(start, start + 500)
                ]
                body = {"collection_id": "things", "documents": documents}
                answer = client.post("/v1/namespaces/lanes/documents/upsert", json=body)
                assert answer.status_code == 200, answer.text
        yield server
    finally:
        server.stop()


def client_of(server: Server) -> httpx2.Client:
    return server.client(**{"X-Namespace": "lanes"})


def scan(client: httpx2.Client, pattern: str = "never") -> httpx2.Response:
    filters: Any = {"field": "text", "operator": "regex", "value": pattern}
    return client.post("/v1/collections/things/documents/list", json={"filters": filters, "limit": 1})


def lanes_of(server: Server) -> list[int]:
    """The lane processes: children of the workers that were spawned to run a pool."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if b"spawn_main" in command and f"headwater serve --data {server.data}".encode() in _ancestors(entry.name):
            found.append(int(entry.name))
    return found


def _ancestors(process_id: str) -> bytes:
    """The command lines of a process's ancestors, one a line."""
    lines = []
    while process_id not in ("0", "1"):
        try:
            lines.append(Path(f"/proc/{process_id}/cmdline").read_bytes().replace(b"\0", b" "))
            process_id = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            break
    return b"\n".join(lines)


def test_an_idle_lane_that_dies_costs_nobody_an_answer(filled: Server) -> None:
    with client_of(filled) as client:
        assert scan(client).status_code == 200
        for process_id in lanes_of(filled):
            os.kill(process_id, signal.SIGKILL)
        assert scan(client).status_code == 200


def test_a_lane_that_dies_in_a_query_answers_that_query_or_says_to_repeat_it(filled: Server) -> None:
    answers: list[httpx2.Response] = []
    with client_of(filled) as client, client_of(filled) as other:
        assert scan(client).status_code == 200
        asking = threading.Thread(target=lambda: answers.extend(scan(client, f"n{n}") for n in range(6)))
        asking.start()
        killed = 0
        while asking.is_alive():
            for process_id in lanes_of(filled):
                os.kill(process_id, signal.SIGKILL)
                killed += 1
            assert other.get("/v1/collections/things/documents/d1").status_code == 200
            time.sleep(0.05)
        asking.join()
        assert killed
        assert len(answers) == 6
        for answer in answers:
            assert answer.status_code in (200, 503, 504), answer.text
            if answer.status_code == 503:
                assert answer.json()["error"]["details"]["retryable"] is True
                assert answer.headers["Retry-After"]
        assert scan(client).status_code == 200


def test_a_query_over_its_time_is_stopped_and_others_go_on(filled: Server) -> None:
    with client_of(filled) as client:
        hostile = [{"field": "text", "operator": "regex", "value": f"(x+x+)+y{number}"} for number in range(900)]
        filters = {"OR": hostile}
        answer = client.post("/v1/collections/things/documents/list", json={"filters": filters, "limit": 1})
        assert (answer.status_code, answer.json()["error"]["type"]) == (504, "QueryTimeoutError")
        assert "payload_indexes" in answer.json()["error"]["message"]
        assert client.get("/v1/collections/things/documents/d1").status_code == 200
        # The lane itself may be at it until its own time is over.
        assert scan(client).status_code in (200, 504)
