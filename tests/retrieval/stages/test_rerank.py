"""``rerank`` with a tiny model that counts the words that two texts share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from headwater.context import Context
from headwater.errors import NotEnabledError
from headwater.models.local import LocalModels
from headwater.retrieval.hits import Hit
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import StageResult
from headwater.settings import Settings
from tests.models.tiny import WORDS, write_model

from .rows import call_of, hits_of, ids, run_of

pytestmark = pytest.mark.anyio

MODEL = "Tiny__pairs_v1"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    write_model(tmp_path / "models" / MODEL, task="rerank")
    return settings.model_copy(update={"models_dir": tmp_path / "models"})


async def rerank(context: Context, hits: list[Hit], **parameters: Any) -> StageResult:
    call = call_of("rerank", {"inference_name": MODEL, "query": "river boat lake", **parameters})
    return await STAGES["rerank"].run(run_of(context), call, hits)


def shared(text: str) -> float:
    """What the model says of the query and the text."""
    count = sum(text.split().count(word) for word in ("river", "boat", "lake"))
    return 1 / (1 + math.exp(-count))


texts = st.lists(st.sampled_from([*WORDS, "other"]), min_size=1, max_size=4).map(" ".join)


@given(
    contents=st.lists(texts, max_size=8),
    most=st.none() | st.integers(1, 8),
    top_k=st.none() | st.integers(1, 8),
    batch=st.integers(1, 3),
)
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_first_rows_are_put_in_order_and_the_others_follow(
    context: Context, contents: list[str], most: int | None, top_k: int | None, batch: int
) -> None:
    hits = hits_of([{"content": text} for text in contents], [1.0 - place / 10 for place in range(len(contents))])

    result = await rerank(context, hits, max_candidates=most, top_k=top_k, batch_size=batch)

    scored = contents[:most]
    order = (
        sorted(range(len(scored)), key=lambda place: -shared(scored[place])) + list(range(len(contents)))[len(scored) :]
    )
    assert ids(result.hits) == [f"d{place + 1}" for place in order][:top_k]
    for row in result.hits:
        place = int(row.document_id[1:]) - 1
        shown = row.shown()
        if place < len(scored):
            assert shown["score"] == shown["scores"]["rerank"] == pytest.approx(shared(contents[place]))
            assert shown["original_score"] == hits[place].score
        else:
            assert row is hits[place]


async def test_only_ten_are_scored_unless_asked(context: Context) -> None:
    hits = hits_of([{"content": "other"}] * 11 + [{"content": "river boat lake"}])

    assert ids((await rerank(context, hits)).hits)[-1] == "d12"
    assert ids((await rerank(context, hits, max_candidates=None)).hits)[0] == "d12"
    assert "original_score" not in (await rerank(context, hits)).hits[0].shown()


async def test_where_the_text_stands(context: Context) -> None:
    bodies: list[dict[str, Any]] = [
        {"content": "mill", "text": "river boat lake"},
        {"transcription": "river", "title": "boat lake"},
        {"title": "river", "parts": [{"note": "boat"}, 5]},
        {"summary": "river boat lake", "text": "mill"},
    ]

    result = await rerank(context, hits_of(bodies))
    named = await rerank(context, hits_of(bodies), document_field="summary")

    assert ids(result.hits) == ["d3", "d2", "d1", "d4"]
    assert ids(named.hits) == ["d1", "d4", "d3", "d2"]


async def test_only_the_beginning_of_a_text_is_read(context: Context) -> None:
    hits = hits_of([{"content": "mill " * 30 + "river boat lake"}, {"content": "river"}])

    assert ids((await rerank(context, hits, max_document_chars=100)).hits) == ["d2", "d1"]
    assert ids((await rerank(context, hits)).hits) == ["d1", "d2"]


async def test_the_model_by_another_spelling_or_by_a_feature(context: Context) -> None:
    hits = hits_of([{"content": "mill"}, {"content": "river"}])

    assert ids((await rerank(context, hits, model="x", inference_name="tiny/pairs-v1")).hits) == ["d2", "d1"]
    uri = f"mixpeek://my_plugin@v1/{MODEL}"
    assert ids((await rerank(context, hits, inference_name="x", feature_uri=uri)).hits) == ["d2", "d1"]


async def test_a_model_that_is_not_installed_has_no_substitute(context: Context) -> None:
    hits = hits_of([{"content": "river"}])

    with pytest.raises(NotEnabledError, match=f"'BAAI__bge_reranker_v2_m3' is not installed here; name one of {MODEL}"):
        await rerank(context, hits, inference_name=None)
    with pytest.raises(NotEnabledError, match="all_minilm"):
        # A model, but one that embeds.
        await rerank(context, hits, inference_name="all_minilm_l6_v2_v1")


class Slow:
    """A model that never answers."""

    def __init__(self, models: LocalModels) -> None:
        self.find, self.list = models.find, models.list

    async def rerank(self, name: str, query: str, texts: Sequence[str]) -> Sequence[float]:
        await asyncio.sleep(60)
        return []


async def test_a_model_that_takes_too_long_leaves_the_order(context: Context, models: LocalModels) -> None:
    slow: Any = Slow(models)
    late = replace(context, runtime=replace(context.runtime, models=slow))
    hits = hits_of([{"content": "mill"}, {"content": "river"}, {}], [0.9, 0.8, 0.7])

    result = await rerank(late, hits, hard_timeout_ms=1, top_k=2)

    assert [(row.document_id, row.score) for row in result.hits] == [("d1", 0.9), ("d2", 0.8)]
    assert [entry["id"] for entry in result.degraded] == ["rerank"]


async def test_no_rows(context: Context) -> None:
    assert (await rerank(context, [])).hits == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"top_k": 0},
        {"max_candidates": 1001},
        {"max_candidates": "ten"},
        {"batch_size": 101},
        {"max_document_chars": 99},
        {"query": 5},
        {"hard_timeout_ms": 0},
    ],
)
async def test_bad_parameters(parameters: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        call_of("rerank", parameters)
