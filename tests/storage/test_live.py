"""Uploads and downloads on real sockets: clients that go away, processes that die, and more than one at a time."""

from __future__ import annotations

import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from headwater.blobs.interface import CHUNK_BYTES, Signer
from headwater.blobs.keys import References, new_key
from headwater.blobs.links import LocalSigner, signing_key
from headwater.blobs.tree import BLOBS, PARTIAL
from headwater.catalog.database import open_reader
from headwater.kit.secrets import Secret
from headwater.scope import NamespaceScope
from tests.conftest import Server, start_server
from tests.faults.live_server import children_of, command_line
from tests.http.wire import Wire

TYPE = "application/octet-stream"


@dataclass(frozen=True)
class World:
    server: Server
    signer: Signer
    scope: NamespaceScope

    def links(self, size_bytes: int | None = None) -> tuple[str, str]:
        """Where to put a new file, and where to get it."""
        key = new_key(self.scope)
        return self.signer.upload(key, content_type=TYPE, size_bytes=size_bytes), self.signer.download(key)

    def begin(self, url: str, announced: int, sent: int) -> Wire:
        """A connection that has sent so many bytes of a larger file."""
        wire = Wire(int(self.server.url.rpartition(":")[2]))
        path = re.sub("^http://[^/]+", "", url)
        wire.send(f"PUT {path} HTTP/1.1\r\nHost: t\r\nContent-Type: {TYPE}\r\n".encode())
        wire.send(f"Content-Length: {announced}\r\n\r\n".encode() + b"x" * sent)
        return wire

    def partial(self) -> list[Path]:
        return list((self.server.data / BLOBS / PARTIAL).iterdir())

    def whole(self) -> list[Path]:
        return [path for path in (self.server.data / BLOBS).glob("*/*/*") if path.is_file()]


def world_of(server: Server) -> World:
    with server.client() as client:
        assert client.post("/v1/namespaces", json={"namespace_name": "test"}).status_code in (200, 409)
    connection = open_reader(server.data)
    (key_id,) = connection.execute("SELECT key_id FROM api_keys").fetchone() or ("",)
    organization_id, row, namespace_id = connection.execute(
        "SELECT organization_id, namespace_row, namespace_id FROM namespaces WHERE state = 'active'"
    ).fetchone() or ("", 0, "")
    connection.close()
    signer = LocalSigner(signing_key(Secret.load(server.data)), server.url, key_id, References("local/"))
    return World(server, signer, NamespaceScope(organization_id, row, namespace_id))


@pytest.fixture(scope="module")
def world(shared_server: Server) -> World:
    return world_of(shared_server)


@pytest.fixture
def browser() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60) as client:
        yield client


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within 60 seconds"
        time.sleep(0.02)


def test_file_larger_than_any_body_of_json(world: World, browser: httpx2.Client) -> None:
    put, get = world.links()
    content = secrets.token_bytes(40 * 1024 * 1024)
    assert browser.put(put, content=content, headers={"Content-Type": TYPE}).status_code == 200
    assert browser.get(get).content == content
    assert browser.get(get, headers={"Range": "bytes=-9"}).content == content[-9:]


def memory(server: Server, name: str) -> int:
    """The sum over the workers of ``VmRSS``, or of ``VmHWM``, which is the most that it ever was; in bytes."""
    workers = [child for child in children_of(server.process.pid) if "headwater.worker" in command_line(child)]
    statuses = [Path(f"/proc/{worker}/status").read_text() for worker in workers]
    return sum(int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024 for status in statuses)  # type: ignore[index]


def test_memory_does_not_grow_with_the_file(world: World, browser: httpx2.Client) -> None:
    put, get = world.links()
    block, count = secrets.token_bytes(CHUNK_BYTES), 200
    before = memory(world.server, "VmRSS")
    answer = browser.put(put, content=(block for _ in range(count)), headers={"Content-Type": TYPE})
    assert answer.status_code == 200
    with browser.stream("GET", get) as downloading:
        assert sum(len(chunk) for chunk in downloading.iter_raw()) == count * CHUNK_BYTES
    assert memory(world.server, "VmHWM") - before < 64 * CHUNK_BYTES


def test_cut_upload_leaves_nothing(world: World, browser: httpx2.Client) -> None:
    put, get = world.links()
    with world.begin(put, 8 * CHUNK_BYTES, 3 * CHUNK_BYTES):
        eventually(lambda: len(world.partial()) == 1)
        assert browser.get(get).status_code == 404
    eventually(lambda: world.partial() == [])
    assert browser.get(get).status_code == 404


def test_more_than_was_announced_is_another_request(world: World, browser: httpx2.Client) -> None:
    put, get = world.links(size_bytes=5)
    with world.begin(put, 5, 9) as wire:
        assert wire.statuses()[0] == 200
    assert browser.get(get).content == b"xxxxx"


def test_of_racing_uploads_one_wins_whole(world: World, browser: httpx2.Client) -> None:
    put, get = world.links()
    contents = [bytes([number]) * (2 * CHUNK_BYTES + number) for number in range(4)]

    def send(content: bytes) -> int:
        with httpx2.Client(timeout=60) as client:
            return client.put(put, content=content, headers={"Content-Type": TYPE}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(send, contents)) == {200}
    assert browser.get(get).content in contents


@pytest.mark.parametrize("failpoint", ["blob.written", "blob.stored"])
def test_worker_dies_in_an_upload(tmp_path: Path, browser: httpx2.Client, failpoint: str) -> None:
    server = start_server(tmp_path / "data", "--workers", "1", HEADWATER_FAILPOINTS=f"{failpoint}=exit@1")
    try:
        world = world_of(server)
        put, get = world.links()
        with pytest.raises(httpx2.TransportError):
            browser.put(put, content=b"x" * 100_000, headers={"Content-Type": TYPE})
        eventually(lambda: world.partial() == [])
        answer = browser.get(get)
        # It may be there, but then it is whole.
        assert (answer.status_code, len(answer.content)) == (200, 100_000) or (
            failpoint == "blob.written" and answer.status_code == 404
        )
    finally:
        server.stop()


def test_worker_is_killed_in_an_upload(tmp_path: Path, browser: httpx2.Client) -> None:
    server = start_server(tmp_path / "data", "--workers", "1")
    try:
        world = world_of(server)
        put, get = world.links()
        with world.begin(put, 8 * CHUNK_BYTES, 3 * CHUNK_BYTES):
            eventually(lambda: len(world.partial()) == 1)
            for child in children_of(server.process.pid):
                if "headwater.worker" in command_line(child):
                    os.kill(child, signal.SIGKILL)
            eventually(lambda: world.partial() == [])
        assert world.whole() == []
        assert browser.get(get).status_code == 404
        assert browser.put(put, content=b"again", headers={"Content-Type": TYPE}).status_code == 200
        assert browser.get(get).content == b"again"
    finally:
        server.stop()
