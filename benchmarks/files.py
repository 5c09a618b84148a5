"""How fast large files go in and out: beside ``python -m http.server``, beside a loop that hashes and syncs."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import processes
from benchmarks.headwater_server import HeadwaterServer
from benchmarks.report import Row, at_least, at_most
from headwater.blobs.keys import References, new_key
from headwater.blobs.links import LocalSigner, signing_key
from headwater.catalog.database import open_reader
from headwater.kit.secrets import Secret
from headwater.scope import NamespaceScope

_BLOCK = os.urandom(1024 * 1024)
_MEBIBYTES = 1024
_ROUNDS = 3
_TYPE = "application/octet-stream"
_SAMPLE_SECONDS = 0.02


@dataclass
class _Times:
    """Seconds of each round."""

    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)


def measure(directory: Path, mebibytes: int = _MEBIBYTES) -> Iterator[Row]:
    """Headwater and its peers take turns, so that both see the same machine."""
    up, down = _Times(), _Times()
    with HeadwaterServer(directory / "files") as server, _plain_server(directory) as plain:
        signer, scope = _signer(server)
        # Once before it counts: the first transfer loads what serves it.
        _upload(signer.upload(new_key(scope), content_type=_TYPE), 8)
        idle = processes.memory(server.pid).proportional
        with _watched(server.pid) as peak:
            for _ in range(_ROUNDS):
                key = new_key(scope)
                up.ours.append(_upload(signer.upload(key, content_type=_TYPE), mebibytes))
                up.peer.append(_loop(directory / "plain", mebibytes))
                down.ours.append(_download(signer.download(key), mebibytes))
                down.peer.append(_download(f"{plain}/plain", mebibytes))
    yield _row(f"download of {mebibytes} MiB by signed link", "python -m http.server", down, mebibytes)
    yield _row(f"upload of {mebibytes} MiB by signed link", "a loop of hashes, write and fsync", up, mebibytes)
    above = (max(peak) - idle) / 2**20
    yield at_most("memory of all processes meanwhile, above idle", f"{above:.0f} MiB", "64 MiB", above / 64, 1)


def _row(what: str, peer: str, times: _Times, mebibytes: int) -> Row:
    ours, theirs = (mebibytes / statistics.median(seconds) for seconds in (times.ours, times.peer))
    return at_least(what, f"{ours:,.0f} MiB/s", f"{peer}: {theirs:,.0f} MiB/s", ours / theirs, 0.6)


def _signer(server: HeadwaterServer) -> tuple[LocalSigner, NamespaceScope]:
    reader = open_reader(server.directory)
    try:
        key_id = reader.execute("SELECT key_id FROM api_keys").get
        organization_id, row, namespace_id = next(
            reader.execute("SELECT organization_id, namespace_row, namespace_id FROM namespaces WHERE state = 'active'")
        )
    finally:
        reader.close()
    url = f"http://{server.target.host}:{server.target.port}"
    secret = signing_key(Secret.load(server.directory))
    return LocalSigner(secret, url, key_id, References("local/")), NamespaceScope(organization_id, row, namespace_id)


def _loop(path: Path, mebibytes: int) -> float:
    """What an upload has to do, without anybody who sends it."""
    started = time.perf_counter()
    hashes = [hashlib.sha256(), hashlib.md5(usedforsecurity=False)]
    with path.open("wb") as file:
        for _ in range(mebibytes):
            for one in hashes:
                one.update(_BLOCK)
            file.write(_BLOCK)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - started


def _upload(url: str, mebibytes: int) -> float:
    started = time.perf_counter()
    with _connected(url) as (connection, path):
        head = f"PUT {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {_TYPE}\r\nContent-Length: {mebibytes << 20}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
        for _ in range(mebibytes):
            connection.sendall(_BLOCK)
        answer = _all(connection)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
    return time.perf_counter() - started


def _download(url: str, mebibytes: int) -> float:
    started = time.perf_counter()
    buffer = bytearray(1 << 20)
    received = 0
    with _connected(url) as (connection, path):
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        while size := connection.recv_into(buffer):
            received += size
    assert received > mebibytes << 20, received
    return time.perf_counter() - started


@contextmanager
def _connected(url: str) -> Iterator[tuple[socket.socket, str]]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=300) as connection:
        yield connection, parts.path


def _all(connection: socket.socket) -> bytes:
    received = b""
    while block := connection.recv(1 << 16):
        received += block
    return received


@contextmanager
def _plain_server(directory: Path) -> Iterator[str]:
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Samples of the memory of all processes of the server while the block runs."""
    samples = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            samples.append(processes.memory(pid).proportional)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield samples
    finally:
        over.set()
        watching.join()
