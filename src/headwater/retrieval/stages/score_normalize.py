"""``score_normalize``: scores of different origin on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from headwater.retrieval.hits import Hit
from headwater.retrieval.loading import with_scores
from headwater.retrieval.rows import SCORE, with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages import scaling
from headwater.retrieval.stages.parameters import Number, Path, StageParameters

Method = Literal["min_max", "z_score", "softmax", "l2"]


class ScoreNormalizeParameters(StageParameters):
    model_config = ConfigDict(json_schema_extra={"examples": [{"method": "min_max"}]})
    method: Method = Field(
        "min_max", description="`min_max` 0 to 1; `z_score` deviations from the mean; `softmax` shares; `l2` length 1."
    )

    score_field: Path = Field(SCORE, description="Path of the score. A row without one counts as 0.")
    output_field: Path | None = Field(None, description="Where the result goes; in the place of the score by default.")
    min_value: Number | None = Field(None, description="`min_max`: what becomes 0, and all below it.")
    max_value: Number | None = Field(None, description="`min_max`: what becomes 1, and all above it.")

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.min_value is not None and self.max_value is not None and self.min_value >= self.max_value:
            raise ValueError("min_value must be smaller than max_value")
        return self


class ScoreNormalize:
    stage_id: ClassVar[str] = "score_normalize"
    category: ClassVar[Category] = "sort"
    description: ClassVar[str] = "Bring scores to a common scale; the order stays."
    icon: ClassVar[str] = "scale"
    parameters: type[ScoreNormalizeParameters] = ScoreNormalizeParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[ScoreNormalizeParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        hits, found = await with_scores(run, hits, asked.score_field)
        scores = normalized([score or 0.0 for score in found], asked)
        path = asked.output_field or asked.score_field
        return StageResult([with_value(hit, path, score) for hit, score in zip(hits, scores, strict=True)])


def normalized(scores: Sequence[float], asked: ScoreNormalizeParameters) -> list[float]:
    """The scores by the method that is asked for."""
    if asked.method == "min_max":
        return scaling.min_max(scores, asked.min_value, asked.max_value)
    if asked.method == "z_score":
        return scaling.z_score(scores)
    return scaling.softmax(scores) if asked.method == "softmax" else scaling.l2(scores)
