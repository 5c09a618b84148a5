"""``limit``: the first rows, or those after an offset."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from headwater.retrieval.hits import Hit
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Integer, StageParameters


class LimitParameters(StageParameters):
    model_config = ConfigDict(json_schema_extra={"examples": [{"limit": 20}]})

    limit: Annotated[Integer, Field(ge=1, le=10_000)] = Field(10, description="How many rows to keep.")
    offset: Annotated[Integer, Field(ge=0, le=10_000)] = Field(0, description="How many rows to skip before them.")


class Limit:
    stage_id: ClassVar[str] = "limit"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Keep the first rows, or those after an offset."
    icon: ClassVar[str] = "scissors"
    parameters: type[LimitParameters] = LimitParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[LimitParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        return StageResult(hits[asked.offset : asked.offset + asked.limit])
