"""Guessing keys is slowed down, by source."""

from __future__ import annotations

import pytest

from headwater.errors import TooManyRequestsError
from headwater.tenancy import attempts
from headwater.tenancy.attempts import FailedAttempts


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_failures_beyond_the_limit_are_refused_until_the_minute_is_over() -> None:
    clock = Clock()
    failed = FailedAttempts(3, clock=clock)
    for _ in range(3):
        failed.failed("10.0.0.1")
    clock.now += 20.5
    with pytest.raises(TooManyRequestsError) as caught:
        failed.failed("10.0.0.1")
    assert caught.value.retry_after_seconds == 40
    assert caught.value.details is not None
    assert caught.value.details["retry_after_seconds"] == 40
    clock.now += 39.5
    failed.failed("10.0.0.1")


def test_another_source_is_not_affected() -> None:
    failed = FailedAttempts(1, clock=Clock())
    failed.failed("10.0.0.1")
    with pytest.raises(TooManyRequestsError):
        failed.failed("10.0.0.1")
    failed.failed("10.0.0.2")


def test_sources_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_MAX_SOURCES", 2)
    failed = FailedAttempts(1, clock=Clock())
    for source in ("a", "b", "c"):
        failed.failed(source)
    assert set(failed._windows) == {"b", "c"}
