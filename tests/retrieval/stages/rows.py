"""Rows for stages to work on, and a way to run one stage over them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from headwater.retrieval.hits import Hit
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import Run, StageCall, StageResult

numbers = st.one_of(
    st.integers(-5, 5),
    st.floats(-2, 2),
    st.sampled_from([0.1, 0.5, 1e308, -1e308, 5e-324, 2**63 - 1]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from(["", "a", "A", "b", "1", "2026-01-05"]))
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.just({"x": 1}))
documents = st.fixed_dictionaries(
    {}, optional={"a": values, "b": values, "metadata": st.fixed_dictionaries({}, optional={"m": values})}
)


def hit(number: int, document: dict[str, Any] | None = None, score: float | None = None) -> Hit:
    """The document ``d1``, ``d2``, … of the first collection."""
    shown = {"document_id": f"d{number}", "collection_id": "col_1", **(document or {}), "document_blobs": []}
    return Hit(1, number, "col_1", f"d{number}", score=score, document=shown)


def hits_of(bodies: Sequence[dict[str, Any]], scores: Sequence[float | None] | None = None) -> list[Hit]:
    """A hit for each body, with its score."""
    return [hit(number, body, scores[number - 1] if scores else None) for number, body in enumerate(bodies, 1)]


working_sets = st.lists(st.tuples(documents, st.none() | numbers.map(float)), max_size=12).map(
    lambda pairs: hits_of([body for body, _ in pairs], [score for _, score in pairs])
)


def run_of(context: Any = None, render: Callable[..., Any] = lambda value, document=None: value, **about: Any) -> Run:
    """One execution with a minute left."""
    about = {"collections": (), "inputs": {}, "deadline": time.monotonic() + 60, "wanted": 10, **about}
    return Run(context=context, execution_id="exec_1", render=render, **about)


def call_of(stage_id: str, parameters: dict[str, Any], **about: Any) -> StageCall[Any]:
    return StageCall(stage_id, STAGES[stage_id].parameters.model_validate(parameters), **about)


def outcome(stage_id: str, hits: list[Hit], **parameters: Any) -> StageResult:
    """What a stage that needs no database makes of the hits. It leaves them as they are."""
    before = [(hit.score, dict(hit.added), hit.document) for hit in hits]
    result = asyncio.run(STAGES[stage_id].run(run_of(), call_of(stage_id, parameters), list(hits)))
    assert [(hit.score, hit.added, hit.document) for hit in hits] == before
    return result


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.document_id for hit in hits]
