"""``sort_attribute``: by any field, in the order that lists are sorted in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from headwater.query import sort_rank
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Direction, Path, StageParameters


class SortAttributeParameters(StageParameters):
    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "published_at", "direction": "desc"}]})
    other_names = {"sort_field": "field", "order": "direction"}

    field: Path = Field("metadata.created_at", description="Path of the field.")
    direction: Direction = Field(
        "desc",
        description="Numbers stand before strings before booleans; an array counts by its smallest or largest value.",
    )

    nulls_last: bool = Field(
        True, description="Rows without a value come last. If false, first in ascending and last in descending order."
    )
    null_handling: Literal["first", "last"] | None = Field(
        None, description="The place of rows without a value, whatever the direction; outranks `nulls_last`."
    )

    @property
    def puts_nulls_first(self) -> bool:
        if self.null_handling is not None:
            return self.null_handling == "first"
        return not self.nulls_last and self.direction == "asc"


class SortAttribute:
    stage_id: ClassVar[str] = "sort_attribute"
    category: ClassVar[Category] = "sort"
    description: ClassVar[str] = "Put rows in the order of a field."
    icon: ClassVar[str] = "arrow-up-down"
    parameters: type[SortAttributeParameters] = SortAttributeParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[SortAttributeParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        values = [Row(hit).find(asked.field) for hit in hits]
        ordered = order(values, descending=asked.direction == "desc", nulls_first=asked.puts_nulls_first)
        return StageResult([hits[index] for index in ordered])


def order(values: Sequence[list[Any]], *, descending: bool, nulls_first: bool) -> list[int]:
    """The indexes of rows with these values in order; equal ones as they stood."""
    ranks = [sort_rank(found, descending) for found in values]
    ranked = [(rank, index) for index, rank in enumerate(ranks) if rank is not None]
    ranked.sort(key=lambda pair: pair[0], reverse=descending)
    placed = [index for _, index in ranked]
    unplaced = [index for index, rank in enumerate(ranks) if rank is None]
    return unplaced + placed if nulls_first else placed + unplaced
