"""Prometheus metrics of the HTTP workers.

With several workers, each writes its numbers into files of one directory (``PROMETHEUS_MULTIPROC_DIR``, set by the
worker before anything is imported), and whichever worker is asked adds them up: one scrape shows all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from headwater.errors import HeadwaterError
from headwater.store.commands.base import Command
from headwater.store.interface import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_STORE_GAUGES = {
    "sequence": "Number of the latest change.",
    "waiting": "Commands that wait for a commit.",
    "read_only": "1 when the disk refused to sync, so that writes are refused.",
    "enough_space": "0 when the disk is too full for writes.",
    "free_bytes": "Free space of the data directory's file system.",
    "damaged_indexes": "Indexes that are being rebuilt from the records.",
}
_MODEL_GAUGES = {
    "waiting": "Texts that wait for a model.",
    "lanes": "Batches that are computed at a time.",
    "loaded": "Models in memory.",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """One worker's numbers. The label children are kept, for looking one up costs more than counting."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "headwater_requests", "Answered requests.", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "headwater_request_seconds",
            "Time from the first byte of the request to the end of the answer.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "headwater_requests_in_flight",
            "Requests being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._commands = Histogram(
            "headwater_command_seconds",
            "Time from handing a command to the store to its durable outcome.",
            ["command", "outcome"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._count: dict[tuple[str, str, int], Callable[[], None]] = {}
        self._observe: dict[tuple[str, str], Callable[[float], None]] = {}

    def request_started(self) -> None:
        self._in_flight.inc()

    def request_finished(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request. ``route`` is the template, "" for none: values in a path would be unbounded."""
        self._in_flight.dec()
        if method not in _METHODS:
            method = "OTHER"
        count = self._count.get((method, route, status))
        if count is None:
            count = self._count[method, route, status] = self._requests.labels(method, route, str(status)).inc
        observe = self._observe.get((method, route))
        if observe is None:
            observe = self._observe[method, route] = self._seconds.labels(method, route).observe
        count()
        observe(seconds)

    def command_finished(self, command: str, outcome: str, seconds: float) -> None:
        """Count one command. ``outcome`` is ``stored`` or the type of the error."""
        self._commands.labels(command, outcome).observe(seconds)

    def render(self) -> bytes:
        """All numbers, of all workers, in the text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class MeteredStore:
    """A store whose commands are counted."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics

    async def query(self, kind: str, body: Any = None) -> Any:
        return await self._store.query(kind, body)

    async def close(self) -> None:
        await self._store.close()

    async def execute(self, command: Command) -> Any:
        started_at = time.perf_counter()
        outcome = "stored"
        try:
            return await self._store.execute(command)
        except HeadwaterError as error:
            outcome = error.type
            raise
        finally:
            self._metrics.command_finished(type(command).__name__, outcome, time.perf_counter() - started_at)


class _PartCollector(Collector):
    """Numbers that another process gave a moment ago; None when it could not be reached."""

    def __init__(self, part: str, up: str, gauges: Mapping[str, str], status: Mapping[str, Any] | None) -> None:
        self._part = part
        self._up = up
        self._gauges = gauges
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(f"headwater_{self._part}_up", self._up, int(bool(self._status)))
        for name, text in self._gauges.items():
            if self._status is not None:
                yield GaugeMetricFamily(f"headwater_{self._part}_{name}", text, _number(self._status[name]))


def _number(value: Any) -> float:
    if isinstance(value, list):
        return len(value)
    # A reason, or none, is a yes or a no.
    return float(value) if isinstance(value, int | float) else float(value is not None)


def render_parts(store: Mapping[str, Any] | None, models: Mapping[str, Any] | None) -> bytes:
    """The numbers of the storage and the model process in the text format."""
    registry = CollectorRegistry()
    registry.register(_PartCollector("store", "Whether the storage process answers.", _STORE_GAUGES, store))
    registry.register(_PartCollector("models", "Whether the model process answers.", _MODEL_GAUGES, models))
    return generate_latest(registry)
