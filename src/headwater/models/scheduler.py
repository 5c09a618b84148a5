"""Who is served next: texts of many callers, a few at a time, on one thread a core.

ONNX Runtime lets go of the interpreter while it computes, so threads are enough. Callers take turns, batch by batch, so
that one query does not wait for the thousand texts of another; what is left of a batch is filled up with short texts of
whoever waits for the same model. A batch is as slow as its longest member, so texts of about one length share one.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from headwater.errors import HeadwaterError, InternalServerError, ServiceUnavailableError
from headwater.models.interface import Input
from headwater.models.manifest import Definition

log = structlog.get_logger("headwater.models")

#: Larger batches leave the processor's caches: 4 at a time cost a third less per text than 32.
_BATCH = 4


class _Request:
    """What one caller asked for, shortest text first."""

    def __init__(self, definition: Definition, inputs: Sequence[Input]) -> None:
        self.definition = definition
        self.inputs = inputs
        self.future: Future[list[Any]] = Future()
        self._results: list[Any] = [None] * len(inputs)
        self._missing = len(inputs)
        self._order = sorted(range(len(inputs)), key=lambda position: _length(inputs[position]), reverse=True)

    @property
    def is_taken(self) -> bool:
        return not self._order

    def next_length(self) -> int:
        return _length(self.inputs[self._order[-1]])

    def take(self) -> int:
        return self._order.pop()

    def drop(self) -> int:
        """Forget what was not taken yet; how much that was."""
        dropped = len(self._order)
        self._order.clear()
        return dropped

    def finish(self, position: int, result: Any) -> None:
        self._results[position] = result
        self._missing -= 1
        if self._missing == 0:
            # The caller may have given up in the meantime.
            with contextlib.suppress(InvalidStateError):
                self.future.set_result(self._results)

    def fail(self, error: HeadwaterError) -> None:
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(error)


@dataclass(frozen=True)
class _Batch:
    definition: Definition
    members: list[tuple[_Request, int]]

    def inputs(self) -> list[Input]:
        return [request.inputs[position] for request, position in self.members]


class Loaded(Protocol):
    """A model in memory."""

    def run(self, batch: Sequence[Input]) -> list[Any]: ...


def load(definition: Definition) -> Loaded:
    # Imported here: NumPy and ONNX Runtime take most of a second, and many servers never run a model.
    from headwater.models.onnx import OnnxModel

    return OnnxModel(definition)


class Scheduler:
    """``lanes`` threads, started at the first request; 0 is one a core. At most ``waiting`` texts wait."""

    def __init__(self, *, lanes: int = 0, waiting: int = 1024, load: Callable[[Definition], Loaded] = load) -> None:
        self._load = load
        self.lanes = lanes or os.cpu_count() or 1
        self._room = waiting
        self._waiting = 0
        self._requests: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._finishing = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._models: dict[str, Loaded] = {}
        self._loading = threading.Lock()
        self._closed = False

    def submit(self, definition: Definition, inputs: Sequence[Input]) -> Future[list[Any]]:
        """The results in the order of the inputs. Raises ``ServiceUnavailableError`` when too much waits."""
        request = _Request(definition, inputs)
        if not inputs:
            request.future.set_result([])
            return request.future
        with self._changed:
            if self._waiting + len(inputs) > self._room:
                raise _too_much(self._waiting, self._room)
            self._start_threads()
            self._waiting += len(inputs)
            self._requests.append(request)
            self._changed.notify(len(inputs))
        return request.future

    def status(self) -> dict[str, Any]:
        return {"waiting": self._waiting, "lanes": self.lanes, "loaded": sorted(self._models)}

    def close(self) -> None:
        """What is being computed is finished first."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for request in self._requests:
            request.fail(ServiceUnavailableError("the models are being stopped", retry_after_seconds=1))

    def _start_threads(self) -> None:
        for number in range(len(self._threads), self.lanes):
            thread = threading.Thread(target=self._work, name=f"model-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (batch := self._next_batch()) is not None:
            self._compute(batch)

    def _compute(self, batch: _Batch) -> None:
        try:
            results = self._loaded(batch.definition).run(batch.inputs())
        except HeadwaterError as error:
            self._fail(batch, error)
        except Exception as error:
            log.exception("a model failed", model=batch.definition.name)
            self._fail(batch, InternalServerError(f"the model {batch.definition.name} failed: {error}"))
        else:
            with self._finishing:
                for (request, position), result in zip(batch.members, results, strict=True):
                    request.finish(position, result)

    def _fail(self, batch: _Batch, error: HeadwaterError) -> None:
        with self._changed:
            for request, _ in batch.members:
                self._waiting -= request.drop()
        for request, _ in batch.members:
            request.fail(error)

    def _loaded(self, definition: Definition) -> Loaded:
        if (model := self._models.get(definition.name)) is not None:
            return model
        with self._loading:
            if definition.name not in self._models:
                self._models[definition.name] = self._load(definition)
            return self._models[definition.name]

    def _next_batch(self) -> _Batch | None:
        """Wait for work. None when the scheduler is closed."""
        with self._changed:
            while not self._closed:
                self._forget_abandoned()
                if self._requests:
                    return self._take()
                self._changed.wait()
        return None

    def _forget_abandoned(self) -> None:
        """Whose caller gave up, and what failed, leaves the queue."""
        for request in [request for request in self._requests if request.is_taken or request.future.cancelled()]:
            self._waiting -= request.drop()
            self._requests.remove(request)

    def _take(self) -> _Batch:
        first = self._requests.popleft()
        batch = _Batch(first.definition, [])
        self._fill(batch, first, longest=None)
        for other in self._requests:
            if len(batch.members) == _BATCH:
                break
            if other.definition.name == first.definition.name:
                self._fill(batch, other, longest=2 * _length(batch.inputs()[-1]))
        if not first.is_taken:
            self._requests.append(first)
        return batch

    def _fill(self, batch: _Batch, request: _Request, longest: int | None) -> None:
        while len(batch.members) < _BATCH and not request.is_taken:
            if longest is not None and request.next_length() > longest:
                return
            batch.members.append((request, request.take()))
            self._waiting -= 1


def _length(given: Input) -> int:
    return len(given) if isinstance(given, str) else len(given[0]) + len(given[1])


def _too_much(waiting: int, room: int) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"{waiting} texts wait for a model, and {room} may; repeat this later, or raise HEADWATER_MODEL_WAITING",
        details={"retryable": True, "retry_after_seconds": 2},
        retry_after_seconds=2,
    )
