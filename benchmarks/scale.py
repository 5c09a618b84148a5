"""A collection as it grows: reads, a crash, an index build under load, and writes at full size."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import documents, processes
from benchmarks.headwater_server import HeadwaterServer
from benchmarks.load import Alternating, Open, Outcome, Stream, run
from benchmarks.report import Row, at_least, at_most

_CREATES = 6_000
_SMALL = 1_000
_CLIENTS = 64
_PROBE_SECONDS = 15.0
_LONGEST_BUILD_SECONDS = 240.0


@dataclass(frozen=True)
class Sizes:
    """Documents in the collection when the index is built, and at the end."""

    build: int = 100_000
    large: int = 200_000


def measure(directory: Path, sizes: Sizes) -> Iterator[Row]:
    with HeadwaterServer(directory / "scale") as server:
        empty = processes.memory(server.pid)
        collection = server.make_collection("scale")
        server.fill(collection, _SMALL)
        small = _creates(server, collection)
        yield _get_beside_liveness(server, collection)
        server.fill(collection, sizes.build)
        yield from _memory_and_disk(server, sizes.build, empty)
        yield _ready_after_a_kill(server, sizes.build)
        yield from _build(server, collection, sizes.build)
        server.fill(collection, sizes.large)
        large = _creates(server, collection)
        yield at_least(
            f"creates, {_CLIENTS} clients, at {sizes.large:,} documents",
            f"{large:,.0f}/s",
            f"at {_SMALL:,}: {small:,.0f}/s",
            large / small,
            0.8,
        )


def _creates(server: HeadwaterServer, collection: str) -> float:
    return statistics.median(server.create(collection, _CREATES, _CLIENTS).per_second for _ in range(3))


def _get_beside_liveness(server: HeadwaterServer, collection: str) -> Row:
    ids = server.some_ids(collection, 1000)
    kinds = (
        ("get", partial(documents.gets, server.target, collection, ids)),
        ("liveness", partial(documents.same, server.target, "GET", "/v1/health/liveness")),
    )
    outcomes = run(Alternating(server.target, kinds, 5000))
    get, liveness = outcomes["get"].only(200).quantile(0.5), outcomes["liveness"].only(200).quantile(0.5)
    return at_most("get by id, p50", f"{get * 1e6:,.0f} µs", f"liveness: {liveness * 1e6:,.0f} µs", get / liveness, 1.6)


def _memory_and_disk(server: HeadwaterServer, count: int, empty: processes.Memory) -> Iterator[Row]:
    full = processes.memory(server.pid)
    disk = processes.disk_bytes(server.directory)
    raw = documents.DIMENSIONS * 4
    yield Row(
        f"memory at {count:,} documents, all processes",
        f"{full.proportional / 1e6:,.0f} MB (PSS), {full.resident / 1e6:,.0f} MB (RSS)",
        f"empty: {empty.proportional / 1e6:,.0f} MB (PSS)",
    )
    each = (full.proportional - empty.proportional) / count
    yield Row("memory a document", f"{each:,.0f} B", f"its vector: {raw:,} B", each / raw)
    yield Row("disk a document", f"{disk / count:,.0f} B", f"its vector: {raw:,} B", disk / count / raw)


def _ready_after_a_kill(server: HeadwaterServer, count: int) -> Row:
    seconds = []
    for _ in range(3):
        server.kill()
        seconds.append(server.start())
    median = statistics.median(seconds)
    what = f"ready after kill -9 with {count:,} documents"
    return Row(what, f"{median:.2f} s", "", None, "≤ 3 s", median <= 3)


def _build(server: HeadwaterServer, collection: str, count: int) -> Iterator[Row]:
    idle = _probe(server, collection, _PROBE_SECONDS)
    server.request_build(collection)
    started = time.monotonic()
    busy: dict[str, Outcome] = {name: Outcome() for name in idle}
    while server.building(collection) and time.monotonic() - started < _LONGEST_BUILD_SECONDS:
        for name, outcome in _probe(server, collection, 3.0).items():
            busy[name].latencies += outcome.latencies
            busy[name].statuses += outcome.statuses
    seconds = time.monotonic() - started
    complete = "" if not server.building(collection) else ", not done"
    yield Row(f"build of a generation of {count:,}", f"{seconds:.0f} s{complete}")
    for name in ("create", "get"):
        before, during = idle[name].only(200).quantile(0.99), busy[name].only(200).quantile(0.99)
        yield at_most(
            f"{name} p99 during the build",
            f"{during * 1000:.1f} ms",
            f"idle: {before * 1000:.1f} ms",
            during / before,
            3,
        )
    slowest = max(busy["liveness"].only(200).latencies)
    yield Row("slowest liveness during the build", f"{slowest * 1000:.0f} ms", "", None, "≤ 100 ms", slowest <= 0.1)


def _probe(server: HeadwaterServer, collection: str, seconds: float) -> dict[str, Outcome]:
    ids = server.some_ids(collection, 1000)
    creates = partial(documents.creates, server.target, collection, int(seconds * 50), 99)
    streams = (
        Stream("create", creates, 50),
        Stream("get", partial(documents.gets, server.target, collection, ids), 100),
        Stream("liveness", partial(documents.same, server.target, "GET", "/v1/health/liveness"), 50),
    )
    return run(Open(server.target, streams, seconds))
