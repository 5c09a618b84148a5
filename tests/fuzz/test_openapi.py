"""The description is kept: no defect, no status and no form of answer that it does not name, no route without a key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Server, start_server
from tests.fuzz.explorer import Findings, explore


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    # One request in twenty has no valid key, and made-up URLs lead nowhere.
    settings = {"HEADWATER_FAILED_KEYS_PER_MINUTE": "1000000", "HEADWATER_FETCH_TIMEOUT_SECONDS": "0.1"}
    running = start_server(tmp_path / "data", **settings)
    yield running
    running.stop()


def assert_kept(findings: Findings) -> None:
    assert findings.report() == ""
    assert findings.alive, "the requests took away what the run stands on"
    # A run in which everything is refused finds nothing. Which requests are made, moves with the description.
    assert len(findings.never_succeeded()) <= 3, findings.never_succeeded()
    assert len(findings.statuses) > 500
    assert {status for _, status in findings.statuses} >= {200, 400, 401, 404, 405, 409, 412, 422}


def test_the_description_is_kept(server: Server) -> None:
    assert_kept(explore(server, examples=2, chains=5, seed=1, reproducible=True, thinned=True))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 4))
def test_the_description_is_kept_for_long(server: Server, seed: int) -> None:
    assert_kept(explore(server, examples=200, chains=200, seed=seed, reproducible=False))
