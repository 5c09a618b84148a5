"""How fast documents become durable: one by one and in batches, beside Chroma, beside a no-op store, beside Edge."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import chroma, documents, edge
from benchmarks.headwater_server import HeadwaterServer
from benchmarks.load import Closed, Target, run
from benchmarks.report import Row, at_least

CLIENTS = (16, 64)
_CREATES = 6_000
_CHROMA_CREATES = 1_000
_UPSERTS = 30_000
_CHROMA_UPSERTS = 10_000
_CHROMA_BATCH = 500
_ROUNDS = 3


def measure(directory: Path) -> Iterator[Row]:
    """Chroma runs alone, then Headwater and the no-op store take turns, so that both see the same machine."""
    peer = _chroma(directory)
    ours = directory / "writes"
    with HeadwaterServer(ours) as server:
        server.upsert(server.make_collection("warm_up"), 5_000)
        singles = {clients: _creates(server, clients) for clients in CLIENTS}
        batches = statistics.median(
            server.upsert(server.make_collection(f"batches_{turn}"), _UPSERTS).per_second * 1000
            for turn in range(_ROUNDS)
        )
        limit = _noop(server, directory)
    raw = statistics.median(edge.upserts_per_second(directory / f"edge-{turn}", _UPSERTS) for turn in range(_ROUNDS))
    for clients in CLIENTS:
        single = singles[clients]
        beside = f"Chroma {chroma.version()}: {peer[clients]:,.0f}/s"
        yield at_least(f"durable creates, {clients} clients", f"{single:,.0f}/s", beside, single / peer[clients], 15)
    yield at_least(
        "durable creates, 64 clients",
        f"{limit[0]:,.0f}/s",
        f"no-op store: {limit[1]:,.0f}/s",
        limit[0] / limit[1],
        0.4,
    )
    yield at_least(
        "upsert in batches of 1000, 2 clients",
        f"{batches:,.0f} documents/s",
        f"Chroma, batches of {_CHROMA_BATCH}: {peer[0]:,.0f}/s",
        batches / peer[0],
        4,
    )
    yield at_least(
        "upsert in batches of 1000, 2 clients",
        f"{batches:,.0f} documents/s",
        f"Edge alone, in process: {raw:,.0f}/s",
        batches / raw,
        0.4,
    )


def _creates(server: HeadwaterServer, clients: int) -> float:
    collection = server.make_collection(f"singles_{clients}")
    return statistics.median(server.create(collection, _CREATES, clients).per_second for _ in range(_ROUNDS))


def _chroma(directory: Path) -> dict[int, float]:
    """Documents a second by the number of clients; under 0, in batches by two clients."""
    chroma.install()
    found = {}
    with chroma.ChromaServer(directory / "chroma") as server:
        for clients in CLIENTS:
            path = server.make_collection(f"singles_{clients}")
            requests = partial(
                documents.chroma_adds, server.target, path, _CHROMA_CREATES + 50, 1, clients, clients * 10**6
            )
            found[clients] = run(Closed(server.target, requests, clients, 50))[""].only(201).per_second
        path = server.make_collection("batches")
        requests = partial(documents.chroma_adds, server.target, path, _CHROMA_UPSERTS, _CHROMA_BATCH, 1, 0)
        found[0] = run(Closed(server.target, requests, 2))[""].only(201).per_second * _CHROMA_BATCH
    return found


def _noop(server: HeadwaterServer, directory: Path) -> tuple[float, float]:
    """Creates a second by 64 clients: Headwater's, and those of the same HTTP stack over a no-op store, in turn."""
    ours, limits = [], []
    collection = server.make_collection("beside_noop")
    with _noop_server(server) as target:
        for turn in range(_ROUNDS):
            ours.append(server.create(collection, _CREATES, 64).per_second)
            requests = partial(documents.creates, target, collection, _CREATES + 200, turn)
            limits.append(run(Closed(target, requests, 64, 200))[""].only(200).per_second)
    return statistics.median(ours), statistics.median(limits)


@contextmanager
def _noop_server(server: HeadwaterServer) -> Iterator[Target]:
    command = [sys.executable, "-m", "benchmarks.noop_server", "--data", str(server.directory)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = re.search(r":(\d+)$", process.stdout.readline().strip())
        assert port is not None, "the no-op server did not start"
        yield replace(server.target, port=int(port.group(1)))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
