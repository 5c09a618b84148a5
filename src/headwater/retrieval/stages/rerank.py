"""``rerank``: the order in which a model that reads query and text together puts the first rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from headwater.errors import NotEnabledError
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.rows import with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import CachedParameters, Integer, Path
from headwater.retrieval.stages.texts import document_text

MAX_CANDIDATES = 1000
_MAX_TIMEOUT_MS = 10_000
_PREVIOUS = "original_score"


class RerankParameters(CachedParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "inference_name": "my_reranker_v1",
                    "query": "{{INPUT.query}}",
                    "document_field": "text",
                    "max_candidates": 50,
                    "top_k": 10,
                }
            ]
        }
    )

    other_names = {"model": "inference_name", "top_n": "top_k"}

    inference_name: str = Field("BAAI__bge_reranker_v2_m3", description="Name of an installed re-ranking model.")
    feature_uri: str | None = Field(None, description="The model by the URI of its feature; outranks `inference_name`.")
    query: str = Field("{{INPUT.query}}", description="What the texts are compared with.")
    document_field: Path = Field(
        "content", description="Path of the text; where there is none, `text`, `transcription`, or all strings."
    )
    top_k: Annotated[Integer, Field(ge=1)] | None = Field(None, description="How many rows to keep in the end.")
    max_candidates: Annotated[Integer, Field(ge=1, le=MAX_CANDIDATES)] | None = Field(
        10, description="How many rows are scored, from the first on; the others follow in their order. Null is all."
    )
    score_field: Path = Field("scores.rerank", description="Where the model's score goes, besides `score`.")
    batch_size: Annotated[Integer, Field(ge=1, le=100)] = Field(32, description="Texts that are scored at once.")
    max_document_chars: Annotated[Integer, Field(ge=100, le=50_000)] = Field(
        2000, description="How much of each text the model gets."
    )
    max_concurrent_batches: Annotated[Integer, Field(ge=1, le=10)] = Field(
        3, description="Read and ignored: batches wait in the queue of the model."
    )
    hard_timeout_ms: Annotated[Integer, Field(ge=1)] | None = Field(
        None, description=f"After that time rows stay as they were. At most {_MAX_TIMEOUT_MS}, which is the default."
    )


class Rerank:
    stage_id: ClassVar[str] = "rerank"
    category: ClassVar[Category] = "sort"
    description: ClassVar[str] = "Score the first rows by a model that reads the query and the text together."
    icon: ClassVar[str] = "list-ordered"
    parameters: type[RerankParameters] = RerankParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[RerankParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        model = _model(run, asked)
        count = min(asked.max_candidates or MAX_CANDIDATES, len(hits))
        candidates, others = await hydrate(run.context, hits[:count]), hits[count:]
        texts = [document_text(hit, asked.document_field)[: asked.max_document_chars] for hit in candidates]
        try:
            async with asyncio.timeout(min(asked.hard_timeout_ms or _MAX_TIMEOUT_MS, _MAX_TIMEOUT_MS) / 1000):
                scores = await _scores(run, asked, model, texts)
        except TimeoutError:
            return StageResult((candidates + others)[: asked.top_k], degraded=[_too_late(call.name, model)])
        ranked = reranked(candidates, scores, asked.score_field)
        return StageResult((ranked + others)[: asked.top_k], {"model": model, "scored": len(candidates)})


def _model(run: Run, asked: RerankParameters) -> str:
    """The name of an installed model. There is no substitute for one that is not."""
    models = run.context.runtime.models
    name = asked.inference_name if asked.feature_uri is None else asked.feature_uri.rpartition("/")[2]
    found = models.find(name)
    if found is not None and found.task == "rerank" and found.available:
        return found.name
    installed = [model.name for model in models.list() if model.task == "rerank" and model.available]
    hint = (found.hint if found is not None else None) or (
        f"name one of {', '.join(installed)}" if installed else "put one into HEADWATER_MODELS_DIR"
    )
    raise NotEnabledError(
        f"The re-ranking model {name!r} is not installed here; {hint}", details={"feature": "rerank", "model": name}
    )


async def _scores(run: Run, asked: RerankParameters, model: str, texts: Sequence[str]) -> list[float]:
    scores: list[float] = []
    for start in range(0, len(texts), asked.batch_size):
        batch = texts[start : start + asked.batch_size]
        scores += await run.context.runtime.models.rerank(model, asked.query, batch)
    return scores


def reranked(hits: Sequence[Hit], scores: Sequence[float], path: str) -> list[Hit]:
    """The hits by the model's scores, the best first and equal ones as they stood. The score they had is kept."""
    scored = [_scored(hit, float(score), path) for hit, score in zip(hits, scores, strict=True)]
    return sorted(scored, key=lambda hit: -(hit.score or 0.0))


def _scored(hit: Hit, score: float, path: str) -> Hit:
    before = hit if hit.score is None else with_value(hit, _PREVIOUS, hit.score)
    return replace(with_value(before, path, score), score=score)


def _too_late(stage: str, model: str) -> dict[str, Any]:
    return {
        "resource": "stage",
        "id": "rerank",
        "reason": f"the model {model} took too long; the rows stand in the order that they had before",
        "next_step": "lower max_candidates or max_document_chars",
        "stage": stage,
    }
