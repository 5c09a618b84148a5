"""Groups and functions over all documents of a collection, and what everybody else feels of them meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from itertools import cycle

from benchmarks import documents, records
from benchmarks.headwater_server import HeadwaterServer
from benchmarks.load import Closed, Open, Outcome, Stream, Target, run
from benchmarks.report import Row, at_most

_COUNT = [{"function": "count", "alias": "n"}]
_GROUP_COUNT = {"group_by": [{"field": "brand"}], "aggregations": _COUNT}
_SUM = {"group_by": [{"field": "brand"}], "aggregations": [{"function": "sum", "field": "price", "alias": "sum"}]}
_UNINDEXED = {"group_by": [{"field": "plain"}], "aggregations": [{"function": "sum", "field": "amount", "alias": "s"}]}
_KINDS = (
    ("count by an indexed field", _GROUP_COUNT, 0.05),
    ("sum by group, both fields indexed", _SUM, 0.5),
    ("sum by group, no field indexed", _UNINDEXED, 2.0),
)
_TIMES = 10


def measure(server: HeadwaterServer, collection: str, count: int, seconds: float) -> Iterator[Row]:
    for what, body, limit in _KINDS:
        requests = partial(_requests, server.target, collection, body)
        middle = run(Closed(server.target, requests, 1))[""].only(200).quantile(0.5)
        limited = f"≤ {limit * 1000:g} ms"
        yield Row(f"{what}, {count:,} documents, p50", f"{middle * 1000:,.1f} ms", "", None, limited, middle <= limit)
    idle = _probe(server, collection, count, seconds)
    busy = _while_aggregating(server, collection, count, seconds)
    for name in ("create", "get"):
        before, during = idle[name].only(200).quantile(0.99), busy[name].only(200).quantile(0.99)
        yield at_most(
            f"{name} p99 during {seconds:g} s of groups without pause",
            f"{during * 1000:.1f} ms",
            f"idle: {before * 1000:.1f} ms",
            during / before,
            3,
        )


def _requests(target: Target, collection: str, body: object) -> list[bytes]:
    path = f"/v1/collections/{collection}/documents/aggregate"
    return [target.encode("POST", path, json.dumps(body).encode())] * _TIMES


def _while_aggregating(server: HeadwaterServer, collection: str, count: int, seconds: float) -> dict[str, Outcome]:
    """The probe, with a client that asks for one aggregation after the other."""
    over = threading.Event()
    failed: list[OSError] = []

    def aggregate() -> None:
        for _, body, _ in cycle(_KINDS):
            if over.is_set():
                return
            try:
                server.aggregate(collection, body)
            except OSError as error:
                failed.append(error)
                return

    client = threading.Thread(target=aggregate)
    client.start()
    try:
        found = _probe(server, collection, count, seconds)
    finally:
        over.set()
        client.join()
    if failed:
        raise failed[0]
    return found


def _probe(server: HeadwaterServer, collection: str, count: int, seconds: float) -> dict[str, Outcome]:
    ids = [documents.document_id(number) for number in range(0, count, max(1, count // 1000))]
    streams = (
        Stream("create", partial(records.creates, server.target, collection, int(seconds * 50), 99), 50),
        Stream("get", partial(documents.gets, server.target, collection, ids), 100),
    )
    return run(Open(server.target, streams, seconds))
