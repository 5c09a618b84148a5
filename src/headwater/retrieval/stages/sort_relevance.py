"""``sort_relevance``: by score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from headwater.retrieval.hits import Hit
from headwater.retrieval.loading import with_scores
from headwater.retrieval.rows import SCORE, with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Direction, Path, StageParameters
from headwater.retrieval.stages.scaling import min_max

_WITHOUT_EFFECT = "feature_address has no effect; put a feature_search with that feature_uri before sort_relevance"

Missing = Literal["bottom", "top", "preserve"]


class SortRelevanceParameters(StageParameters):
    model_config = ConfigDict(json_schema_extra={"examples": [{"direction": "desc"}]})
    other_names = {"order": "direction"}

    score_field: Path = Field(SCORE, description="Path of the score.")
    direction: Direction = Field("desc", description="The best first, or the worst.")
    missing_score: Missing = Field(
        "bottom", description="Where rows without a score go: to the end, to the front, or nowhere."
    )

    normalize: bool = Field(False, description="Write the scores back, scaled so that they reach from 0 to 1.")
    feature_address: str | None = Field(
        None, description="Without effect: a `feature_search` scores documents by a feature."
    )


class SortRelevance:
    stage_id: ClassVar[str] = "sort_relevance"
    category: ClassVar[Category] = "sort"
    description: ClassVar[str] = "Put rows in the order of their scores."
    icon: ClassVar[str] = "arrow-down-wide-narrow"
    parameters: type[SortRelevanceParameters] = SortRelevanceParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[SortRelevanceParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        hits, scores = await with_scores(run, hits, asked.score_field)
        ordered = order(scores, descending=asked.direction == "desc", missing=asked.missing_score)
        if asked.normalize:
            hits = _normalized(hits, scores, asked.score_field)
        warnings = [] if asked.feature_address is None else [_WITHOUT_EFFECT]
        return StageResult([hits[index] for index in ordered], warnings=warnings)


def order(scores: Sequence[float | None], *, descending: bool, missing: Missing) -> list[int]:
    """The indexes of the scores in order; equal ones as they stood."""
    scored = [(score, index) for index, score in enumerate(scores) if score is not None]
    scored.sort(key=lambda pair: pair[0], reverse=descending)
    placed = [index for _, index in scored]
    unscored = [index for index, score in enumerate(scores) if score is None]
    if missing == "bottom":
        return placed + unscored
    if missing == "top":
        return unscored + placed
    following = iter(placed)
    return [index if score is None else next(following) for index, score in enumerate(scores)]


def _normalized(hits: list[Hit], scores: Sequence[float | None], path: str) -> list[Hit]:
    """Rows without a score stay without."""
    scaled = iter(min_max([score for score in scores if score is not None]))
    return [
        hit if score is None else with_value(hit, path, next(scaled)) for hit, score in zip(hits, scores, strict=True)
    ]
