"""The model process of a live server is killed: the next text is embedded by its successor."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx2

from tests.conftest import Server

MINILM = "all_minilm_l6_v2_v1"


def model_process(server: Server) -> int:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    (found,) = [pid for pid in children if "headwater.models.server" in Path(f"/proc/{pid}/cmdline").read_text()]
    return int(found)


def embedding(client: httpx2.Client) -> list[float]:
    """As clients ask for it: once more after a 503, which comes when the successor takes its time."""
    deadline = time.monotonic() + 60
    while (
        answer := client.post("/v1/inference", json={"inference_name": MINILM, "inputs": {"text": "river"}})
    ).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["embedding"])


def test_text_is_embedded_by_the_successor(server: Server) -> None:
    with server.client() as client:
        before = embedding(client)
        killed = model_process(server)
        os.kill(killed, signal.SIGKILL)
        assert embedding(client) == before
        assert model_process(server) != killed
        assert client.get("/v1/health").json()["data"]["inference"] is True
