"""Processes end in the middle of uploads, confirmations and deletes: nothing half is shown, no file is left over."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.reconcile import verify
from headwater.settings import Settings
from tests.conftest import start_server

from .live_server import LiveServer

_UPLOADS, _OBJECTS = "/v1/buckets/files/uploads", "/v1/buckets/files/objects"
_FILE = {"filename": "content.txt", "content_type": "text/plain", "skip_duplicates": False}
_INSIDE = {"X-Namespace": "test"}
_PATIENCE_SECONDS = 60


def _fill(client: httpx2.Client) -> None:
    client.post("/v1/namespaces", json={"namespace_name": "test"}).raise_for_status()
    schema = {"properties": {"content": {"type": "text"}, "n": {"type": "integer"}}}
    body = {"bucket_name": "files", "bucket_schema": schema}
    client.post("/v1/buckets", json=body, headers=_INSIDE).raise_for_status()


def _send(client: httpx2.Client, content: bytes) -> str:
    """PUT a new upload; its id."""
    upload = client.post(_UPLOADS, json=_FILE).raise_for_status().json()
    client.put(upload["presigned_url"], content=content, headers={"Content-Type": "text/plain"}).raise_for_status()
    return str(upload["upload_id"])


def _confirm(client: httpx2.Client, upload_id: str) -> str:
    return str(client.post(f"{_UPLOADS}/{upload_id}/confirm").raise_for_status().json()["object_id"])


def _contents(client: httpx2.Client) -> dict[str, bytes]:
    """What every object's file holds."""
    listed = client.post(f"{_OBJECTS}/list", json={"limit": 1000, "return_presigned_urls": True}).raise_for_status()
    return {
        item["object_id"]: client.get(item["blobs"][0]["presigned_url"]).raise_for_status().content
        for item in listed.json()["results"]
    }


def _left_over(data: Path) -> set[str]:
    """Files that neither a blob's row nor an open upload names."""
    with contextlib.closing(sqlite3.connect(data / "headwater.db")) as database:
        keys = database.execute(
            "SELECT blob_key FROM blobs UNION SELECT staged_key FROM uploads WHERE state IN ('PENDING', 'PROCESSING')"
        )
        named = {key.partition("/")[2] for (key,) in keys}
    return {path.name for path in (data / "blobs").rglob("*") if path.is_file()} - named


def _wait_until(reached: Callable[[], Any]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _check(data: Path) -> None:
    """The stopped directory is whole."""
    report = asyncio.run(verify(data, Settings(data=data), deep=True))
    assert report.differences == []


@pytest.mark.parametrize("failpoint", ["upload.sealed", "upload.completed"])
def test_worker_dies_while_it_confirms(tmp_path: Path, failpoint: str) -> None:
    data = tmp_path / "data"
    server = start_server(data, "--workers", "1", HEADWATER_FAILPOINTS=f"{failpoint}=exit")
    try:
        with server.client(**_INSIDE) as client:
            _fill(client)
            upload_id = _send(client, b"whole")
            with pytest.raises(httpx2.TransportError):
                _confirm(client, upload_id)
    finally:
        server.stop()
    server = start_server(data, "--workers", "1")
    try:
        with server.client(**_INSIDE) as client:
            object_id = _confirm(client, upload_id)
            assert _contents(client) == {object_id: b"whole"}
        _wait_until(lambda: not _left_over(data))
    finally:
        server.stop()
    _check(data)


@pytest.mark.parametrize("failpoint", ["blobs.marked", "blobs.removed"])
def test_lane_dies_while_it_removes(tmp_path: Path, failpoint: str) -> None:
    live = LiveServer(tmp_path / "data", log=tmp_path / "log")
    live.start(environment={"HEADWATER_FAILPOINTS": f"{failpoint}=exit"})
    lanes = live.pids("lane")
    with _client(live) as client:
        _fill(client)
        kept, deleted = (_confirm(client, _send(client, content)) for content in (b"kept", b"deleted"))
        client.delete(f"{_OBJECTS}/{deleted}").raise_for_status()
        _wait_until(lambda: not set(lanes) & set(live.pids("lane")))
    live.kill()
    live.start()
    with _client(live) as client:
        assert _contents(client) == {kept: b"kept"}
    _wait_until(lambda: len(list((live.data / "blobs").rglob("blob_*"))) == 1)
    assert live.stop() == 0
    assert _left_over(live.data) == set()
    _check(live.data)


def _client(live: LiveServer) -> httpx2.Client:
    key = (live.data / "admin-key").read_text().strip()
    return httpx2.Client(base_url=live.url, headers={**_INSIDE, "Authorization": f"Bearer {key}"}, timeout=30)


@dataclass
class _Load:
    """What clients were told, and what they have asked for and do not know the end of."""

    live: LiveServer
    seed: int
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, number: int) -> None:
        choose = random.Random(f"{self.seed}-{number}")
        while not self.stopping.is_set():
            with contextlib.suppress(httpx2.TransportError, httpx2.HTTPStatusError), _client(self.live) as client:
                while not self.stopping.is_set():
                    self._step(client, choose, number)

    def _step(self, client: httpx2.Client, choose: random.Random, number: int) -> None:
        mine = [object_id for object_id in self.acknowledged if object_id not in self.unsure]
        if mine and choose.random() < 0.4:
            object_id = choose.choice(mine)
            self.unsure.add(object_id)
            client.delete(f"{_OBJECTS}/{object_id}").raise_for_status()
            self.acknowledged.pop(object_id, None)
            return
        content = choose.randbytes(8) * choose.choice([1, 100, 40_000])
        self.acknowledged[_confirm(client, _send(client, content))] = content


def _round(live: LiveServer, load: _Load) -> None:
    threads = [threading.Thread(target=load.run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    before = len(load.acknowledged)
    _wait_until(lambda: len(load.acknowledged) >= before + 3)
    time.sleep(random.Random(load.seed).random() / 2)
    live.kill()
    load.stopping.set()
    for thread in threads:
        thread.join()
    load.stopping.clear()
    live.start()
    with _client(live) as client:
        found = _contents(client)
    sure = {object_id: content for object_id, content in load.acknowledged.items() if object_id not in load.unsure}
    assert {object_id: found.get(object_id) for object_id in sure} == sure
    for object_id in load.unsure:
        assert object_id not in found or found[object_id] == load.acknowledged.get(object_id, b"")
    load.unsure.clear()
    # What a client was not told of is there as well, whole: its file was read.
    load.acknowledged = found
    _wait_until(lambda: not _left_over(live.data))


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.long)])
def test_everything_dies_under_uploads_and_deletes(tmp_path: Path, rounds: int) -> None:
    live = LiveServer(tmp_path / "data", log=tmp_path / "log", workers=2)
    live.start()
    with _client(live) as client:
        _fill(client)
    for number in range(rounds):
        _round(live, _Load(live, seed=number))
    assert live.stop() == 0
    _check(live.data)


def test_a_full_disk_leaves_nothing_of_an_upload(tmp_path: Path) -> None:
    data = tmp_path / "data"
    server = start_server(data, "--workers", "1")
    try:
        with server.client(**_INSIDE) as client:
            _fill(client)
            kept = _confirm(client, _send(client, b"kept"))
    finally:
        server.stop()
    # No disk has this much room.
    server = start_server(data, "--workers", "1", HEADWATER_FREE_SPACE_BYTES=str(1 << 60))
    try:
        with server.client(**_INSIDE) as client:
            refused = client.post(_UPLOADS, json=_FILE)
            assert (refused.status_code, refused.json()["error"]["type"]) == (507, "InsufficientStorageError")
            assert _contents(client) == {kept: b"kept"}
            client.delete(f"{_OBJECTS}/{kept}").raise_for_status()
        _wait_until(lambda: not list((data / "blobs").rglob("blob_*")))
    finally:
        server.stop()
    _check(data)
