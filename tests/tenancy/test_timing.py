"""How long a refusal takes says nothing about how much of a key was right."""

from __future__ import annotations

import math
import random
import statistics
import time

import pytest

from headwater.errors import UnauthorizedError
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.tenancy.access import authenticate

pytestmark = [pytest.mark.anyio, pytest.mark.long]

CALLS = 20_000
#: The store has this key, so that only one character separates the guesses from it.
GOOD = "an-operators-key-of-another-form-0123456789"


def elapsed(runtime: Runtime, header: str) -> int:
    started = time.perf_counter_ns()
    try:
        authenticate(runtime, header, None)
    except UnauthorizedError:
        return time.perf_counter_ns() - started
    raise AssertionError("a wrong key was let in")


def welch(one: list[int], other: list[int]) -> float:
    """Welch's t, without the slowest twentieth of each, which are the machine's and not ours."""
    trimmed = [sorted(sample)[: len(sample) * 19 // 20] for sample in (one, other)]
    means = [statistics.fmean(sample) for sample in trimmed]
    errors = [statistics.variance(sample) / len(sample) for sample in trimmed]
    return (means[0] - means[1]) / math.sqrt(sum(errors))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"bootstrap_key": GOOD})


async def test_first_and_last_wrong_byte_take_equally_long(runtime: Runtime) -> None:
    assert authenticate(runtime, f"Bearer {GOOD}", None)
    headers = {"first": f"Bearer X{GOOD[1:]}", "last": f"Bearer {GOOD[:-1]}X"}
    samples: dict[str, list[int]] = {"first": [], "last": []}
    for _ in range(CALLS):
        # In random order, so that what the machine does meanwhile falls on both.
        for name in random.sample(list(headers), 2):
            samples[name].append(elapsed(runtime, headers[name]))
    assert abs(welch(samples["first"], samples["last"])) < 4.5
