"""Prometheus metrics of the HTTP workers.

With several workers, each writes its numbers into files of one directory (``PROMETHEUS_MULTIPROC_DIR``, set by the
worker before anything is imported), and whichever worker is asked adds them up: one scrape shows all.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
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

    def render(self) -> bytes:
        """All numbers, of all workers, in the text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
