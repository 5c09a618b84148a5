"""Searching by vectors: how much of the truth is found, how fast, beside Edge alone and Chroma, idle or not."""

from __future__ import annotations

import http.client
import itertools
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import orjson

from benchmarks import chroma, chroma_searches, documents, edge
from benchmarks import search_requests as requests
from benchmarks.chroma_searches import Peer
from benchmarks.clustered import clustered, nearest, shares
from benchmarks.documents import document_id
from benchmarks.headwater_server import NAMESPACE, HeadwaterServer
from benchmarks.load import Closed, Open, Outcome, Stream, Target, run
from benchmarks.report import Row, at_least, at_most
from benchmarks.search_requests import CLIENTS, LIMIT, QUERIES

_SHARES = (0.5, 0.1, 0.01, 0.001)
_LEAST_RECALL = 0.98
_WRITES_PER_SECOND = 500
_SEARCHES_PER_SECOND = 20
_LONGEST_BUILD_SECONDS = 900.0


@dataclass(frozen=True)
class Sizes:
    """Documents that are searched, searches of a throughput, seconds beside writes."""

    documents: int = 200_000
    searches: int = 5_000
    load_seconds: float = 60.0


def measure(directory: Path, sizes: Sizes) -> Iterator[Row]:
    peer = chroma_searches.measure(directory, sizes.documents, sizes.searches)
    with HeadwaterServer(directory / "searches") as server:
        server.declare(NAMESPACE, {"share": "float"})
        collection = server.make_collection("searches")
        sent = partial(requests.upserts, server.target, collection, sizes.documents)
        run(Closed(server.target, sent, 2))[""].only(200)
        seconds = _build(server, collection)
        yield Row(f"build of a generation of {sizes.documents:,}, clustered", f"{seconds:.0f} s")
        yield from _recall(server, collection, sizes.documents)
        yield _beside_edge(server, collection, sizes)
        yield from _throughput(server, collection, peer, sizes)
        idle = _probe(server, collection, min(15.0, sizes.load_seconds), writes=0)["search"].only(200).quantile(0.99)
        yield from _under_writes(server, collection, sizes, idle, "under 500 creates/s")
        server.request_build(collection)
        yield from _under_writes(server, collection, sizes, idle, "under 500 creates/s and a build")


# -- recall ---------------------------------------------------------------------------------------------------


def _recall(server: HeadwaterServer, collection: str, count: int) -> Iterator[Row]:
    vectors, queries, share = clustered(count, 1), clustered(QUERIES, 2), shares(count)
    for part in (1.0, *_SHARES):
        rows = np.flatnonzero(share < part)
        expected = rows[nearest(vectors[rows], queries, LIMIT)]
        filters = None if part == 1.0 else {"share": {"lt": part}}
        found, seconds = requests.found_by(server.target, collection, queries, filters)
        hits = sum(len(set(map(document_id, row.tolist())) & ids) for row, ids in zip(expected, found, strict=True))
        recall = hits / expected.size
        what = f"recall@{LIMIT} at {count:,} documents" + ("" if part == 1.0 else f", {part:.1%} match the filter")
        measured = f"{recall:.4f}, p50 {seconds * 1e3:.1f} ms"
        yield Row(what, measured, "exact search", None, f"≥ {_LEAST_RECALL}", recall >= _LEAST_RECALL)


# -- speed ----------------------------------------------------------------------------------------------------


def _beside_edge(server: HeadwaterServer, collection: str, sizes: Sizes) -> Row:
    copy = server.directory.parent / "edge-copy"
    shutil.copytree(server.index_directory(collection), copy)
    raw = edge.search_seconds(copy, clustered(QUERIES, 2), LIMIT)
    sent = partial(requests.searches, server.target, collection, 1000)
    found = run(Closed(server.target, sent, 1, 100))[""].only(200).quantile(0.5)
    goal = 0.002 + 1.5 * raw
    what = f"search at {sizes.documents:,} documents, one client, p50"
    beside = f"2 ms + 1.5 times Edge alone ({raw * 1e3:.2f} ms): {goal * 1e3:.2f} ms"
    return at_most(what, f"{found * 1e3:.2f} ms", beside, found / goal, 1)


def _throughput(server: HeadwaterServer, collection: str, peer: Peer, sizes: Sizes) -> Iterator[Row]:
    sent = partial(requests.searches, server.target, collection, sizes.searches)
    found = run(Closed(server.target, sent, CLIENTS, 500))[""].only(200)
    what = f"searches at {sizes.documents:,} documents, {CLIENTS} clients"
    beside = f"Chroma {chroma.version()}: {peer.per_second:,.0f}/s at recall {peer.recall:.4f}"
    yield at_least(what, f"{found.per_second:,.0f}/s", beside, found.per_second / peer.per_second, 3)
    middle, slow = found.quantile(0.5), found.quantile(0.99)
    yield at_most(f"{what}, p99", f"{slow * 1e3:.1f} ms", f"p50: {middle * 1e3:.1f} ms", slow / middle, 5)


def _under_writes(server: HeadwaterServer, collection: str, sizes: Sizes, idle: float, when: str) -> Iterator[Row]:
    lost: list[str] = []
    stop = threading.Event()
    finder = threading.Thread(target=_create_and_find, args=(server.target, collection, stop, lost))
    finder.start()
    busy = _probe(server, collection, sizes.load_seconds, writes=_WRITES_PER_SECOND)
    stop.set()
    finder.join()
    busy["create"].only(200)
    during = busy["search"].only(200).quantile(0.99)
    what = f"search p99 for {sizes.load_seconds:.0f} s {when}"
    yield at_most(what, f"{during * 1e3:.1f} ms", f"idle: {idle * 1e3:.1f} ms", during / idle, 3)
    seen = f"{len(lost) - lost.count('')} of {len(lost)}"
    yield Row(f"created and not found by its own vector at once, {when}", seen, "", None, "0", not any(lost))


def _probe(server: HeadwaterServer, collection: str, seconds: float, writes: int) -> dict[str, Outcome]:
    streams = [Stream("search", partial(requests.searches, server.target, collection, 1000), _SEARCHES_PER_SECOND)]
    if writes:
        creates = partial(documents.creates, server.target, collection, int(seconds * writes), 99)
        streams.append(Stream("create", creates, writes))
    return run(Open(server.target, tuple(streams), seconds))


def _create_and_find(target: Target, collection: str, stop: threading.Event, lost: list[str]) -> None:
    """Create documents and look for each as soon as that was answered. Adds its id when it is not found, else ""."""
    connection = http.client.HTTPConnection(target.host, target.port)
    path = f"/v1/collections/{collection}/documents"
    for seed in itertools.count(int(time.time())):
        if stop.is_set():
            break
        vector = np.random.default_rng(seed).standard_normal(documents.DIMENSIONS).round(6).tolist()
        feature = {"feature_extractor_id": "own_v1", "vectors": {"embedding": vector}}
        create = target.encode("POST", path, orjson.dumps({"features": [feature]}))
        made = str(requests.answer_of(connection, target, create)["document_id"])
        found = requests.answer_of(connection, target, requests.search(target, collection, vector))["documents"]
        lost.append("" if made in {document["document_id"] for document in found} else made)
        time.sleep(0.05)
    connection.close()


def _build(server: HeadwaterServer, collection: str) -> float:
    started = time.monotonic()
    server.request_build(collection)
    while server.building(collection):
        if time.monotonic() - started > _LONGEST_BUILD_SECONDS:
            raise RuntimeError(f"the index was not built within {_LONGEST_BUILD_SECONDS:.0f} s")
        time.sleep(0.5)
    return time.monotonic() - started
