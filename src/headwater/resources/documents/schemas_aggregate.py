"""Bodies and answers of aggregations: what clients of the Mixpeek API send and expect."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from headwater.http.models import LenientModel
from headwater.query.aggregate import MAX_GROUPS
from headwater.query.aggregate.plan import Comparison, Function, PartUnit, TruncUnit

MAX_PATH_LENGTH = 1000
MAX_GROUP_FIELDS = 20
MAX_METRICS = 100
MAX_BOUNDARIES = 1000
MAX_DISTINCT = 10_000

Path = Annotated[str, Field(min_length=1, max_length=MAX_PATH_LENGTH)]
Alias = Annotated[str, Field(min_length=1, max_length=MAX_PATH_LENGTH)]
_Filters = Annotated[
    dict[str, Any] | None, Field(description="Only documents that match: the filters of the list routes.")
]


class GroupByField(LenientModel):
    """A field whose distinct values make groups; an array makes one of each of its elements."""

    field: Path = Field(description="Path of the field, such as `metadata.category`.")
    alias: Alias | None = Field(None, description="Name of the value in the answer; the path when it is left out.")
    date_trunc: TruncUnit | None = Field(None, description="Group dates by the start of their period, in UTC.")
    date_part: PartUnit | None = Field(None, description="Group dates by a part of them; `dayOfWeek` 1 is Sunday.")


class AggregationOperation(LenientModel):
    """A function over the documents of each group."""

    function: Function
    field: Path | None = Field(
        None, description="Path that the function looks at. Every function but `count` needs it."
    )
    alias: Alias = Field(description="Name of the result, for `having` and `sort_by`, too.")
    distinct_field: Path | None = Field(None, description="For `count_distinct`: outranks `field`.")


class HavingCondition(LenientModel):
    """Keeps the groups whose result compares so."""

    field: Alias = Field(description="The alias of an aggregation.")
    operator: Comparison
    value: StrictBool | StrictInt | StrictFloat | StrictStr | None


class RangeBucket(LenientModel):
    """Groups numbers by ranges, under the name of the field."""

    field: Path
    boundaries: list[StrictInt | StrictFloat] = Field(
        min_length=1,
        max_length=MAX_BOUNDARIES,
        description="Ascending; `[0, 60, 300]` makes `0-60` and `60-300`. A boundary belongs to the lower range.",
    )
    default_bucket: Annotated[str, Field(max_length=MAX_PATH_LENGTH)] | None = Field(
        None, description="Name of the group of all other numbers (default `other`)."
    )


class AggregateBody(LenientModel):
    group_by: list[GroupByField] = Field(
        default_factory=list,
        max_length=MAX_GROUP_FIELDS,
        description="May be left out when every function is `count`: the answer is then one row.",
    )
    aggregations: list[AggregationOperation] = Field(min_length=1, max_length=MAX_METRICS)
    filters: _Filters = None
    having: list[HavingCondition] = Field(default_factory=list, max_length=MAX_METRICS)
    unwind: Path | None = Field(
        None, description="Path of an array: look at each element by itself; paths below it are the element's."
    )
    range_buckets: list[RangeBucket] = Field(default_factory=list, max_length=MAX_GROUP_FIELDS)
    sort_by: Alias | None = Field(
        None, description="An aggregation's alias or a group's name. Without it, rows are in the order of their groups."
    )
    sort_direction: Literal["asc", "desc"] = "desc"
    limit: int | None = Field(None, ge=1, le=MAX_GROUPS, description="The first rows only, after sorting.")


class AggregationResult(BaseModel):
    group: dict[str, Any] = Field(description="The group's values, in their JSON types; null where there is none.")
    metrics: dict[str, Any] = Field(description="The functions' results by their aliases.")


class QueryInfo(BaseModel):
    """How the answer was found. What would tell an end user of documents that are not theirs is null."""

    collection_id: str
    execution_time_ms: int
    pipeline_stages: int = Field(description="Steps of the computation: filter, unwind, group, having, sort, limit.")
    indexed_paths: list[str] | None = Field(description="Paths that the field index was used for.")
    unindexed_paths: list[str] | None = Field(description="Paths that would be answered faster if they were indexed.")
    documents_read: int | None = Field(description="Documents that had to be read; 0 when the index knew it all.")
    warnings: list[str] | None = Field(description="What of the request was ignored.")


class AggregateResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {
                            "group": {"category": "audio", "day": "2026-01-05T00:00:00Z"},
                            "metrics": {"n": 4, "avg_price": 12.5, "objects": 2},
                        }
                    ],
                    "total_groups": 1,
                    "query_info": {
                        "collection_id": "col_7k2m9q4x1z",
                        "execution_time_ms": 3,
                        "pipeline_stages": 5,
                        "indexed_paths": [],
                        "unindexed_paths": ["metadata.category", "created_at", "metadata.price", "root_object_id"],
                        "documents_read": 4,
                        "warnings": None,
                    },
                }
            ]
        }
    )

    results: list[AggregationResult]
    total_groups: int = Field(description="Rows in `results`.")
    query_info: QueryInfo


class DistinctBody(LenientModel):
    field: Path = Field(description="Path of the field, such as `metadata.brand`.")
    filters: _Filters = None
    limit: int | None = Field(None, ge=1, le=MAX_DISTINCT, description="The most frequent values only.")


class DistinctValue(BaseModel):
    value: Any = Field(description="In its JSON type.")
    count: int = Field(description="Documents that have the value.")


class DistinctResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "field": "metadata.brand",
                    "values": [{"value": "Acme", "count": 12}, {"value": "Bolt", "count": 3}],
                    "total_distinct": 2,
                    "query_info": {
                        "collection_id": "col_7k2m9q4x1z",
                        "execution_time_ms": 2,
                        "pipeline_stages": 3,
                        "indexed_paths": ["metadata.brand"],
                        "unindexed_paths": [],
                        "documents_read": 0,
                        "warnings": None,
                    },
                }
            ]
        }
    )

    field: str
    values: list[DistinctValue] = Field(description="The most frequent first, then in their order.")
    total_distinct: int = Field(description="Rows in `values`.")
    query_info: QueryInfo
