"""Executing pipelines whose stages fail, or take longer than they may."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from headwater.errors import InsufficientStorageError, ServiceUnavailableError
from headwater.http.models import LenientModel
from headwater.retrieval import registry
from headwater.retrieval.hits import Hit
from headwater.retrieval.stage import Category, Run, StageCall, StageResult

from .executing import ALL, Execute, ids, limit

pytestmark = pytest.mark.anyio


class MishapParameters(LenientModel):
    kind: str
    seconds: float = 0.0


class Mishap:
    """A stage that fails, or takes its time."""

    stage_id: ClassVar[str] = "sample"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Fail."
    icon: ClassVar[str] = "bomb"
    parameters: type[MishapParameters] = MishapParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[MishapParameters], hits: list[Hit]) -> StageResult:
        await asyncio.sleep(call.parameters.seconds)
        if call.parameters.kind == "full":
            raise InsufficientStorageError("no space left")
        if call.parameters.kind == "busy":
            raise ServiceUnavailableError("busy")
        return StageResult(hits, degraded=[{"resource": "stage", "reason": "half done", "next_step": "wait"}])


@pytest.fixture
def mishap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.STAGES, "sample", Mishap())


def failing(kind: str, seconds: float = 0.0, **stage: Any) -> dict[str, Any]:
    parameters = {"kind": kind, "seconds": seconds}
    return {"stage_name": "bad", "stage_id": "sample", "parameters": parameters, **stage}


@pytest.mark.usefixtures("mishap")
async def test_stage_that_fails_fails_the_run(run: Execute) -> None:
    answer = await run([ALL, failing("full"), limit(1)])

    assert (answer["status"], answer["error"]) == ("failed", "no space left")
    assert answer["documents"] == []
    assert list(answer["stage_statistics"]["stages"]) == ["all", "bad"]
    assert answer["stage_statistics"]["stages"]["bad"]["error"] == "no space left"


@pytest.mark.usefixtures("mishap")
async def test_stage_that_may_be_skipped_degrades_the_run(run: Execute) -> None:
    answer = await run([ALL, failing("full", on_error="skip"), limit(1)])

    assert (answer["status"], answer["error"]) == ("degraded", None)
    assert ids(answer) == ["d0"]
    [entry] = answer["degraded"]
    assert (entry["resource"], entry["stage"], entry["reason"]) == ("stage", "bad", "no space left")
    assert answer["completeness"]["overall"] == "partial"


@pytest.mark.usefixtures("mishap")
async def test_stage_that_says_so_itself_degrades_the_run(run: Execute) -> None:
    answer = await run([ALL, failing("none")])

    assert answer["status"] == "degraded"
    assert answer["degraded"][0]["stage"] == "bad"


@pytest.mark.usefixtures("mishap")
async def test_overload_is_for_the_client_to_repeat(run: Execute) -> None:
    assert (await run.raw([ALL, failing("busy")])).status_code == 503


@pytest.mark.usefixtures("mishap")
async def test_time_budget_skips_the_rest(run: Execute) -> None:
    stages = [ALL, failing("none", seconds=30), limit(1)]

    answer = await run(stages, budget_limits={"max_time_ms": 50})

    assert answer["status"] == "degraded"
    assert len(ids(answer)) == 6
    assert [entry["stage"] for entry in answer["degraded"]] == ["bad", "limit"]
    assert answer["stage_statistics"]["stages"]["limit"]["metadata"] == {"skipped": "budget"}


async def test_no_time_at_all_runs_nothing(run: Execute) -> None:
    answer = await run([ALL, limit(1)], budget_limits={"max_time_ms": 0})

    assert (answer["status"], answer["documents"]) == ("degraded", [])
    assert len(answer["degraded"]) == 2
