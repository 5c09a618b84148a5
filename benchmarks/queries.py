"""Queries over fields: pages, walks, lineage and what an index costs, beside a get by id of the same run and Chroma."""

from __future__ import annotations

import http.client
import json
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks import aggregates, chroma, documents, records
from benchmarks.headwater_server import NAMESPACE, QUIET, HeadwaterServer
from benchmarks.load import Alternating, Closed, Outcome, Requests, Target, run
from benchmarks.report import Row, at_least, at_most

#: No path is to become indexed because it is measured.
_ENVIRONMENT = QUIET | {"HEADWATER_LEARN_ROWS": "1000000000"}
_BARE = "bare"
_ROUNDS = 1000
_CREATES = 2_000
_CREATE_ROUNDS = 5
_CREATE_CLIENTS = 16
_BRAND = "brand 7"


@dataclass(frozen=True)
class Sizes:
    """Documents in the collection that grows, before and after; seconds that queries run beside gets and creates."""

    small: int = 10_000
    large: int = 200_000
    load_seconds: float = 20.0


def measure(directory: Path, sizes: Sizes) -> Iterator[Row]:
    peer = _chroma(directory, sizes.large)
    with HeadwaterServer(directory / "queries", _ENVIRONMENT) as server:
        server.declare(NAMESPACE, records.INDEXES)
        small = server.make_collection("small")
        _fill(server, small, sizes.small, 10**9)
        large = server.make_collection("large")
        _fill(server, large, sizes.large, 0)
        yield from _pages(server, large, peer, sizes)
        yield _growth(server, small, large, sizes)
        yield _walk(server, large, sizes)
        yield from aggregates.measure(server, large, sizes.large, sizes.load_seconds)
        yield _indexed_creates(server)


def _fill(server: HeadwaterServer, collection: str, count: int, first: int) -> None:
    requests = partial(records.upserts, server.target, NAMESPACE, collection, first, count)
    run(Closed(server.target, requests, 2))[""].only(200)


def _list(target: Target, collection: str, body: object) -> list[bytes]:
    return [target.encode("POST", f"/v1/collections/{collection}/documents/list", json.dumps(body).encode())]


def _gets(target: Target, collection: str, count: int) -> list[bytes]:
    numbers = range(0, count, max(1, count // 1000))
    return documents.gets(target, collection, [documents.document_id(number) for number in numbers])


def _descendants(target: Target, collection: str, count: int) -> list[bytes]:
    numbers = [records.parent_of(number) for number in range(0, count, max(1, count // 500))]
    path = f"/v1/collections/{collection}/documents"
    return [target.encode("GET", f"{path}/{documents.document_id(number)}/descendants") for number in numbers]


def _of_objects(target: Target, count: int) -> list[bytes]:
    numbers = range(0, count, max(1, count // 500))
    return [target.encode("GET", f"/v1/objects/{records.object_of(number)}/documents") for number in numbers]


# -- pages ----------------------------------------------------------------------------------------------------


def _pages(server: HeadwaterServer, collection: str, peer: float, sizes: Sizes) -> Iterator[Row]:
    target = server.target
    sort = {"sort": {"field": "price", "direction": "asc"}, "limit": 10}
    deep = _deep_cursor(server, collection, sort, sizes.large * 3 // 4)
    kinds: tuple[tuple[str, Requests], ...] = (
        ("get", partial(_gets, target, collection, sizes.large)),
        ("filtered", partial(_list, target, collection, {"filters": {"brand": _BRAND}, "limit": 10})),
        ("sorted", partial(_list, target, collection, sort)),
        ("deep", partial(_list, target, collection, sort | {"cursor": deep})),
        ("descendants", partial(_descendants, target, collection, sizes.large)),
        ("object", partial(_of_objects, target, sizes.large)),
    )
    found = {name: _middle(outcome) for name, outcome in run(Alternating(target, kinds, _ROUNDS)).items()}
    what = f"at {sizes.large:,} documents, p50"
    yield _beside(f"10 of 1 % by an indexed field {what}", found["filtered"], "get by id", found["get"], 1.5)
    yield at_least(
        f"10 of 1 % by an indexed field {what}",
        _microseconds(found["filtered"]),
        f"Chroma {chroma.version()} get(where, limit=10): {_microseconds(peer)}",
        peer / found["filtered"],
        5,
    )
    yield _beside(f"page of 10 sorted by an indexed field {what}", found["sorted"], "get by id", found["get"], 2)
    yield _beside(f"the same page by a deep cursor {what}", found["deep"], "first page", found["sorted"], 1.2)
    yield _beside(f"descendants (3) {what}", found["descendants"], "get by id", found["get"], 2)
    yield _beside(f"documents of an object (4) {what}", found["object"], "get by id", found["get"], 2)


def _growth(server: HeadwaterServer, small: str, large: str, sizes: Sizes) -> Row:
    body = {"filters": {"brand": _BRAND}, "limit": 10}
    kinds = tuple((name, partial(_list, server.target, name, body)) for name in (small, large))
    found = {name: _middle(outcome) for name, outcome in run(Alternating(server.target, kinds, _ROUNDS)).items()}
    what = f"indexed page at {sizes.large:,} documents, p50"
    return _beside(what, found[large], f"at {sizes.small:,}", found[small], 1.3)


def _deep_cursor(server: HeadwaterServer, collection: str, body: dict[str, object], depth: int) -> str:
    *_, cursor = _walked(server.target, collection, body | {"limit": 1000}, max(1, depth // 1000))
    return cursor


def _walk(server: HeadwaterServer, collection: str, sizes: Sizes) -> Row:
    started = time.perf_counter()
    pages = sum(1 for _ in _walked(server.target, collection, {"limit": 1000}, sizes.large))
    rate = sizes.large / (time.perf_counter() - started)
    what = f"walk over {sizes.large:,} documents by cursor, {pages} pages of 1000"
    return Row(what, f"{rate:,.0f} documents/s", "", None, "≥ 30,000/s", rate >= 30_000)


_NEXT_CURSOR = re.compile(rb'"next_cursor":"([^"]+)"')


def _walked(target: Target, collection: str, body: dict[str, object], most: int) -> Iterator[str]:
    """The cursors behind up to that many pages. Pages are not decoded, for that would be measured too."""
    connection = http.client.HTTPConnection(target.host, target.port)
    headers = target.header_fields | {"Content-Type": "application/json"}
    cursor = ""
    for _ in range(most):
        sent = json.dumps(body | ({"cursor": cursor} if cursor else {}))
        connection.request("POST", f"/v1/collections/{collection}/documents/list", sent, headers)
        answer = connection.getresponse()
        page = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a page was answered with {answer.status}: {page[:500]!r}")
        found = _NEXT_CURSOR.search(page[-4096:]) or _NEXT_CURSOR.search(page)
        cursor = found.group(1).decode() if found else ""
        yield cursor
        if not cursor:
            break
    connection.close()


# -- what an index costs --------------------------------------------------------------------------------------


def _indexed_creates(server: HeadwaterServer) -> Row:
    """Creates into a collection with the indexes and into one without, in turn."""
    server.make_namespace(_BARE)
    bare = replace(server.target, headers=server.target.headers.replace(f": {NAMESPACE}\r\n", f": {_BARE}\r\n"))
    with_indexes = server.make_collection("with_indexes")
    without = server.make_collection("without_indexes", bare)
    rates: dict[str, list[float]] = {with_indexes: [], without: []}
    for turn in range(_CREATE_ROUNDS):
        for target, collection in ((server.target, with_indexes), (bare, without)):
            requests = partial(records.creates, target, collection, _CREATES, turn)
            rates[collection].append(run(Closed(target, requests, _CREATE_CLIENTS))[""].only(200).per_second)
    indexed, free = statistics.median(rates[with_indexes]), statistics.median(rates[without])
    each = 1 + (free / indexed - 1) / len(records.INDEXES)
    what = f"time of a create for each of {len(records.INDEXES)} indexed paths, {_CREATE_CLIENTS} clients"
    return at_most(what, f"{indexed:,.0f}/s", f"without indexes: {free:,.0f}/s", each, 1.1)


# -- Chroma ---------------------------------------------------------------------------------------------------


def _chroma(directory: Path, count: int) -> float:
    """The median of the same filtered page there."""
    chroma.install()
    with chroma.ChromaServer(directory / "chroma-queries") as server:
        path = server.make_collection("queries")
        run(Closed(server.target, partial(records.chroma_adds, server.target, path, count), 2))[""].only(201)
        body = {"where": {"brand": _BRAND}, "limit": 10, "include": ["documents", "metadatas"]}
        get = path.removesuffix("/add") + "/get"
        requests = partial(_once, server.target, get, body)
        return _middle(run(Alternating(server.target, (("get", requests),), 100))["get"])


def _once(target: Target, path: str, body: object) -> list[bytes]:
    return [target.encode("POST", path, json.dumps(body).encode())]


def _middle(outcome: Outcome) -> float:
    return outcome.only(200).quantile(0.5)


def _beside(what: str, seconds: float, name: str, other: float, goal: float) -> Row:
    return at_most(what, _microseconds(seconds), f"{name}: {_microseconds(other)}", seconds / other, goal)


def _microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"
