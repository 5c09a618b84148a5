"""Objects with a file each, beside a loop that makes as many files durable; a page of them, beside a get by id."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import orjson

from benchmarks.headwater_server import HeadwaterServer
from benchmarks.load import Alternating, Closed, Outcome, Target, run
from benchmarks.report import Row, at_least, at_most
from headwater.catalog.database import open_reader

_FILES = 10_000
_FILE_BYTES = 20_000
_CLIENTS = 16
_LISTED = 100_000
_BATCH = 100
_ROUNDS = 1000
_SCHEMA = {"properties": {"content": {"type": "text"}}}
_FILTERED = {"filters": {"category": "category 7"}, "limit": 10}
_LEARNED_WITHIN_SECONDS = 120


def measure(directory: Path, files: int = _FILES, listed: int = _LISTED) -> Iterator[Row]:
    with HeadwaterServer(directory / "objects") as server:
        for name in ("files", "listed"):
            server.make_bucket(name, _SCHEMA)
        yield _writes(directory, server, files)
        yield _page(server, listed)


def _writes(directory: Path, server: HeadwaterServer, files: int) -> Row:
    creates = partial(_creates, server.target, files)
    ours = run(Closed(server.target, creates, _CLIENTS))[""].only(200).per_second
    bare = files / _loop(directory, files)
    what = f"{files:,} objects with a file of 20 KB, {_CLIENTS} clients"
    peer = f"a loop of write, fsync, rename and fsync of the directory: {bare:,.0f}/s"
    return at_least(what, f"{ours:,.0f}/s", peer, ours / bare, 0.5)


def _creates(target: Target, files: int) -> list[bytes]:
    return [
        target.encode("POST", "/v1/buckets/files/objects", orjson.dumps(_object(number))) for number in range(files)
    ]


def _object(number: int) -> dict[str, object]:
    text = random.Random(number).randbytes(_FILE_BYTES // 2).hex()
    return {"n": number, "blobs": [{"property": "content", "type": "text", "data": text}]}


def _loop(directory: Path, files: int) -> float:
    """What storing files durably costs without anything else."""
    folder = directory / "bare"
    folder.mkdir()
    contents = [random.randbytes(_FILE_BYTES) for _ in range(16)]
    started = time.perf_counter()
    descriptor = os.open(folder, os.O_RDONLY)
    for number in range(files):
        with (folder / "partial").open("wb") as file:
            file.write(contents[number % len(contents)])
            file.flush()
            os.fsync(file.fileno())
        (folder / "partial").rename(folder / str(number))
        os.fsync(descriptor)
    os.close(descriptor)
    return time.perf_counter() - started


def _page(server: HeadwaterServer, listed: int) -> Row:
    run(Closed(server.target, partial(_batches, server.target, listed), 2))[""].only(200)
    _learn(server)
    kinds = (
        ("get", partial(_gets, server.target, server.some_objects("listed", 1000))),
        ("filtered", partial(_lists, server.target)),
    )
    found = {name: _middle(outcome) for name, outcome in run(Alternating(server.target, kinds, _ROUNDS)).items()}
    what = f"10 of 1 % by a learned field at {listed:,} objects, p50"
    get = f"get by id: {found['get'] * 1e6:,.0f} µs"
    return at_most(what, f"{found['filtered'] * 1e6:,.0f} µs", get, found["filtered"] / found["get"], 2)


def _batches(target: Target, listed: int) -> list[bytes]:
    path = "/v1/buckets/listed/objects/batch"
    objects = [{"n": number, "category": f"category {number % 100}"} for number in range(listed)]
    parts = [objects[start : start + _BATCH] for start in range(0, listed, _BATCH)]
    return [target.encode("POST", path, orjson.dumps({"objects": part})) for part in parts]


def _learn(server: HeadwaterServer) -> None:
    """Ask for what has to be looked for until it has an index."""
    # To count them it looks at every object.
    body = _FILTERED | {"include_total": True}
    deadline = time.monotonic() + _LEARNED_WITHIN_SECONDS
    while not _learned(server):
        assert time.monotonic() < deadline, "the path was never indexed"
        server.list_objects("listed", body)
        time.sleep(0.2)


def _learned(server: HeadwaterServer) -> bool:
    reader = open_reader(server.directory)
    try:
        return bool(reader.execute("SELECT EXISTS (SELECT 1 FROM field_paths WHERE state = 'live')").get)
    finally:
        reader.close()


def _gets(target: Target, ids: list[str]) -> list[bytes]:
    return [target.encode("GET", f"/v1/buckets/listed/objects/{found}") for found in ids]


def _lists(target: Target) -> list[bytes]:
    return [target.encode("POST", "/v1/buckets/listed/objects/list", orjson.dumps(_FILTERED))]


def _middle(outcome: Outcome) -> float:
    return statistics.median(outcome.only(200).latencies)
