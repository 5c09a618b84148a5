"""``aggregate``: figures about the rows, as the rows of the answer or beside them."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from headwater.query import sort_rank
from headwater.query.aggregate import MemoryBudget
from headwater.query.aggregate.keys import Key, rank, shown, value_keys
from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages import aggregations
from headwater.retrieval.stages.aggregations import Values
from headwater.retrieval.stages.parameters import Direction, Integer, Number, Path, StageParameters

MAX_GROUPS = 10_000
_MAX_BYTES = 64 << 20
_Function = Literal[
    "count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "collect", "collect_distinct",
    "percentile", "stddev", "variance", "frequency", "co_occurrence", "correlation", "histogram",
]  # fmt: skip
_OTHER_FUNCTIONS = {"cardinality": "count_distinct", "percentiles": "percentile"}


class Operation(StageParameters):
    other_names = {"type": "function", "name": "alias"}

    function: _Function = Field(description="What is computed.")
    alias: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="What the result is called.")
    field: Path | None = Field(None, description="Path of the values; not needed for `count`.")
    field_b: Path | None = Field(None, description="`correlation` and `co_occurrence`: path of the other values.")
    percentile_value: Annotated[Number, Field(ge=0, le=100)] = Field(50.0, description="`percentile`: which one.")
    percentiles: Annotated[list[Number], Field(max_length=100)] | None = Field(
        None, description="`percentile`: several, as an object."
    )
    top_k: Annotated[Integer, Field(ge=1, le=100)] = Field(
        10, description="`frequency` and `co_occurrence`: the most frequent ones only."
    )
    interval: Annotated[Number, Field(gt=0)] = Field(1.0, description="`histogram`: the width of a bar.")

    @model_validator(mode="before")
    @classmethod
    def _rename_function(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("function"), str):
            return data | {"function": _OTHER_FUNCTIONS.get(data["function"], data["function"])}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.field is None and self.function != "count":
            raise ValueError(f"the function {self.function!r} needs a field")
        if self.field_b is None and self.function == "correlation":
            raise ValueError("correlation needs field_b, the other field")
        if any(not 0 <= percent <= 100 for percent in self.percentiles or ()):
            raise ValueError("percentiles are numbers from 0 to 100")
        return self


class GroupField(StageParameters):
    field: Path = Field(description="Path of the values that groups share.")
    alias: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="What the value is called; the last step of the path by default."
    )

    @property
    def name(self) -> str:
        return self.alias or self.field.rpartition(".")[2]


class AggregateParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "group_by": [{"field": "brand"}],
                    "aggregations": [
                        {"function": "count", "alias": "n"},
                        {"function": "avg", "field": "price", "alias": "mean"},
                    ],
                    "sort_by": "n",
                }
            ]
        }
    )

    aggregations: Annotated[list[Operation], Field(min_length=1, max_length=50)] = Field(description="The figures.")
    group_by: Annotated[list[GroupField], Field(max_length=10)] = Field(
        default_factory=list, description="Fields, or paths. Without any, all rows are one group."
    )
    sort_by: str | None = Field(
        None, description="The alias of a figure or group field; by the groups' values without."
    )
    sort_order: Direction = Field("desc", description="Of `sort_by`; null comes last either way.")
    limit: Annotated[Integer, Field(ge=1, le=1000)] | None = Field(None, description="The first groups only.")
    include_documents: bool = Field(
        False, description="Leave the rows as they are; the figures stand in the stage's metadata only."
    )

    @model_validator(mode="before")
    @classmethod
    def _read_groups(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("group_by") in (None, "null"):
            return data
        sent = data["group_by"] if isinstance(data["group_by"], list) else [data["group_by"]]
        return data | {"group_by": [{"field": item} if isinstance(item, str) else item for item in sent]}

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [group.name for group in self.group_by] + [operation.alias for operation in self.aggregations]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise ValueError(f"two results are called {repeated!r}; give them different aliases")
        if self.sort_by is not None and self.sort_by not in names:
            raise ValueError(f"sort_by {self.sort_by!r} is none of {', '.join(names)}")
        return self


class Aggregate:
    stage_id: ClassVar[str] = "aggregate"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Compute figures about the rows, by groups or about all of them."
    icon: ClassVar[str] = "sigma"
    parameters: type[AggregateParameters] = AggregateParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[AggregateParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        answer = await asyncio.to_thread(aggregated, hits, asked)
        metadata = {"aggregations": answer if asked.group_by else answer[0]}
        if asked.include_documents:
            return StageResult(hits, metadata)
        return StageResult([Hit(0, 0, "", "", document=row) for row in answer], metadata)


def aggregated(hits: Sequence[Hit], asked: AggregateParameters) -> list[dict[str, Any]]:
    """A row for each group, of which there is one where none are asked for. A hit with several values is in several."""
    budget = MemoryBudget(MAX_GROUPS, _MAX_BYTES)
    groups: dict[tuple[Key, ...], list[Row]] = {} if asked.group_by else {(): []}
    for row in map(Row, hits):
        for key in product(*(value_keys(row.find(group.field)) for group in asked.group_by)):
            if key not in groups:
                budget.open_group(0)
                groups[key] = []
            groups[key].append(row)
    answer = []
    for key in sorted(groups, key=lambda key: [rank(shown(part)) for part in key]):
        named = {group.name: shown(part) for group, part in zip(asked.group_by, key, strict=True)}
        answer.append(named | {one.alias: computed(one, groups[key], budget) for one in asked.aggregations})
    return _in_order(answer, asked)[: asked.limit]


def computed(one: Operation, rows: Sequence[Row], budget: MemoryBudget) -> Any:
    values: list[Values] = [[] if one.field is None else row.find(one.field) for row in rows]
    others = None if one.field_b is None else [row.find(one.field_b) for row in rows]
    if one.function == "percentile":
        return _percentiles(one, values)
    if one.function in ("stddev", "variance"):
        return aggregations.spread(statistics.stdev if one.function == "stddev" else statistics.variance, values)
    if one.function == "frequency":
        return aggregations.frequency(values, one.top_k)
    if one.function == "co_occurrence":
        return aggregations.co_occurrence(values, others, one.top_k)
    if one.function == "correlation":
        return aggregations.correlation(values, others or [])
    if one.function == "histogram":
        return aggregations.histogram(values, one.interval)
    return aggregations.shared(one.function, values, budget)


def _percentiles(one: Operation, values: Sequence[Values]) -> Any:
    if one.percentiles is None:
        return aggregations.percentile(values, one.percentile_value)
    return {f"{percent:g}": aggregations.percentile(values, percent) for percent in one.percentiles}


def _in_order(answer: list[dict[str, Any]], asked: AggregateParameters) -> list[dict[str, Any]]:
    if asked.sort_by is None:
        return answer
    descending = asked.sort_order == "desc"
    ranks: Mapping[int, Any] = {id(row): sort_rank([row[asked.sort_by]], descending) for row in answer}
    placed = sorted(
        (row for row in answer if ranks[id(row)] is not None), key=lambda row: ranks[id(row)], reverse=descending
    )
    return placed + [row for row in answer if ranks[id(row)] is None]
