"""Who is served next, and what happens when too much waits, a caller gives up, or a model fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import InternalServerError, ServiceUnavailableError
from headwater.models.manifest import Definition, Manifest
from headwater.models.scheduler import Scheduler

MODEL = Definition("echo", Manifest(task="embed", dimensions=1), Path("weights"))
OTHER = Definition("other", Manifest(task="embed", dimensions=1), Path("weights"))


class Gate:
    """A model that answers its texts in capitals once it may, and remembers in which company they came."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = threading.Semaphore(0)
        self.batches: list[list[str]] = []

    def __call__(self, definition: Definition) -> Gate:
        return self

    def run(self, batch: Sequence[str]) -> list[Any]:
        self.batches.append(list(batch))
        self.begun.release()
        assert self.open.wait(10)
        if "poison" in batch:
            raise ValueError("no such text")
        return [text.upper() for text in batch]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def one_lane(gate: Gate) -> Iterator[Scheduler]:
    """A scheduler whose only lane is busy until the gate is opened."""
    scheduler = Scheduler(lanes=1, waiting=20, load=gate)
    scheduler.submit(MODEL, ["first"])
    assert gate.begun.acquire(timeout=10)
    yield scheduler
    gate.open.set()
    scheduler.close()


def result(future: Future[list[Any]]) -> list[Any]:
    return future.result(timeout=10)


def test_results_come_in_the_order_of_the_texts(one_lane: Scheduler, gate: Gate) -> None:
    texts = ["a" * length for length in (9, 2, 7, 1, 8, 3)]
    future = one_lane.submit(MODEL, texts)
    gate.open.set()
    assert result(future) == [text.upper() for text in texts]


def test_one_text_does_not_wait_for_the_many_of_another_caller(one_lane: Scheduler, gate: Gate) -> None:
    many = one_lane.submit(MODEL, ["m" * 8] * 12)
    one = one_lane.submit(MODEL, ["query"])
    gate.open.set()
    result(many), result(one)
    assert [batch.count("query") for batch in gate.batches] == [0, 0, 1, 0, 0]


def test_short_texts_of_several_callers_share_a_batch(one_lane: Scheduler, gate: Gate) -> None:
    futures = [one_lane.submit(MODEL, [text]) for text in ("ab", "cd", "ef")]
    gate.open.set()
    assert [result(future) for future in futures] == [["AB"], ["CD"], ["EF"]]
    assert gate.batches[1:] == [["ab", "cd", "ef"]]


def test_a_long_text_and_another_model_do_not_join_a_batch(one_lane: Scheduler, gate: Gate) -> None:
    futures = [one_lane.submit(MODEL, ["ab"]), one_lane.submit(MODEL, ["long" * 9]), one_lane.submit(OTHER, ["cd"])]
    gate.open.set()
    for future in futures:
        result(future)
    assert gate.batches[1:] == [["ab"], ["long" * 9], ["cd"]]


def test_beyond_the_room_a_request_is_refused_and_later_ones_are_served(one_lane: Scheduler, gate: Gate) -> None:
    kept = one_lane.submit(MODEL, ["kept"] * 20)
    with pytest.raises(ServiceUnavailableError, match="20 texts wait for a model, and 20 may") as error:
        one_lane.submit(MODEL, ["too much"])
    assert error.value.retry_after_seconds
    gate.open.set()
    assert result(kept) == ["KEPT"] * 20
    assert result(one_lane.submit(MODEL, ["again"])) == ["AGAIN"]
    assert one_lane.status() == {"waiting": 0, "lanes": 1, "loaded": ["echo"]}


def test_what_a_caller_gave_up_is_not_computed(one_lane: Scheduler, gate: Gate) -> None:
    abandoned = one_lane.submit(MODEL, ["abandoned"] * 8)
    assert abandoned.cancel()
    kept = one_lane.submit(MODEL, ["kept"])
    gate.open.set()
    assert result(kept) == ["KEPT"]
    assert gate.batches[1:] == [["kept"]]
    assert one_lane.status()["waiting"] == 0


def test_a_text_that_fails_fails_its_request_and_the_lane_goes_on(one_lane: Scheduler, gate: Gate) -> None:
    bad = one_lane.submit(MODEL, ["poison", *["following text"] * 8])
    gate.open.set()
    with pytest.raises(InternalServerError, match="the model echo failed: no such text"):
        result(bad)
    assert result(one_lane.submit(MODEL, ["good"])) == ["GOOD"]
    assert one_lane.status()["waiting"] == 0


def test_what_waits_when_it_closes_is_told(gate: Gate) -> None:
    scheduler = Scheduler(lanes=1, load=gate)
    scheduler.submit(MODEL, ["first"])
    assert gate.begun.acquire(timeout=10)
    waiting = scheduler.submit(MODEL, ["second"])
    closing = threading.Thread(target=scheduler.close)
    closing.start()
    gate.open.set()
    closing.join(10)
    with pytest.raises(ServiceUnavailableError, match="being stopped"):
        result(waiting)
