"""Retrievers on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from headwater.http.models import ClosedModel, LenientModel, refused_keys
from headwater.http.pagination import PageBody

Objects = list[dict[str, Any]]
Visibility = Literal["private", "public", "marketplace"]
MAX_NAME_LENGTH = 200
MAX_COLLECTIONS = 1000

_STAGES: Any = [
    {
        "stage_name": "find",
        "stage_type": "filter",
        "config": {
            "stage_id": "feature_search",
            "parameters": {
                "searches": [
                    {"feature_uri": "embedding", "query": {"input_mode": "vector", "value": "{{INPUT.vector}}"}}
                ],
                "final_top_k": 20,
            },
        },
    }
]
_INPUTS: Any = {"vector": {"type": "array", "required": True}}


class BudgetLimits(LenientModel):
    """What an execution may spend. Credits are always 0 here."""

    max_credits: float | None = Field(None, ge=0, allow_inf_nan=False)
    max_time_ms: int | None = Field(
        None, ge=0, description="Milliseconds after which the remaining stages are skipped."
    )


class _Sent(LenientModel):
    """What can be said about a retriever when it is made. Unknown keys are named in `warnings`."""

    collection_identifiers: list[StrictStr] | None = Field(
        None, max_length=MAX_COLLECTIONS, description="Ids or names; without any, all collections that the key reaches."
    )
    collection_ids: list[StrictStr] | None = Field(
        None, max_length=MAX_COLLECTIONS, description="The same as `collection_identifiers`."
    )
    input_schema: dict[str, Any] | None = Field(
        None, description="`{name: {type, required, default, …}}`: the inputs that executions take."
    )
    description: StrictStr | None = Field(None, max_length=10_000)
    tags: list[StrictStr] | None = Field(None, max_length=100)
    metadata: dict[str, Any] | None = None
    budget_limits: BudgetLimits | None = None
    display_config: dict[str, Any] | None = None
    visibility: Visibility | None = None
    marketplace_listing_id: StrictStr | None = None
    requires_subscription: StrictBool | None = None
    cache_config: dict[str, Any] | None = Field(None, description="Kept; this deployment caches no executions.")

    @property
    def collections(self) -> list[str] | None:
        return self.collection_ids if self.collection_identifiers is None else self.collection_identifiers


class CreateRetrieverRequest(_Sent):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"retriever_name": "related", "stages": _STAGES, "input_schema": _INPUTS, "tags": ["search"]}]
        }
    )

    retriever_name: StrictStr = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    stages: Objects = Field(description="The stages, one after the other; see `GET /v1/retrievers/stages`.")


class CloneRetrieverRequest(_Sent):
    model_config = ConfigDict(json_schema_extra={"examples": [{"retriever_name": "related-v2"}]})

    retriever_name: StrictStr = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    stages: Objects | None = None


class UpdateRetrieverRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"description": "Related films", "tags": ["films"]}]})

    retriever_name: StrictStr | None = Field(None, min_length=1, max_length=MAX_NAME_LENGTH)
    collection_identifiers: list[StrictStr] | None = Field(None, max_length=MAX_COLLECTIONS)
    collection_ids: list[StrictStr] | None = Field(None, max_length=MAX_COLLECTIONS)
    stages: Objects | None = Field(None, description="In place of all stages that there are.")
    input_schema: dict[str, Any] | None = Field(
        None, description="Optional inputs may be added; none may go, change its type or become required."
    )
    description: StrictStr | None = Field(None, max_length=10_000)
    tags: list[StrictStr] | None = Field(None, max_length=100)
    metadata: dict[str, Any] | None = None
    display_config: dict[str, Any] | None = None
    visibility: Visibility | None = None
    marketplace_listing_id: StrictStr | None = None
    requires_subscription: StrictBool | None = None
    cache_config: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_immutable(cls, data: Any) -> Any:
        if isinstance(data, dict) and "budget_limits" in data:
            message = "cannot be changed; clone the retriever with other budget_limits"
            raise refused_keys(cls, data, ["budget_limits"], "immutable", message)
        return data


class ListRetrieversRequest(PageBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"search": "films", "limit": 20}]})

    search: StrictStr | None = Field(None, description="Part of the id, the name or the description.")
    filters: dict[str, Any] | None = Field(None, description="Over the retriever as it is shown; `$in` takes a list.")
    sort: dict[str, Any] | None = None
    sorts: Objects | None = None
    case_sensitive: StrictBool = False


_EXAMPLE: dict[str, Any] = {
    "retriever_id": "ret_8d2k5m1q9x4z",
    "retriever_name": "related",
    "description": "Documents like a vector",
    "collection_ids": ["col_7k2m9q4x1z"],
    "collection_identifiers": ["col_7k2m9q4x1z"],
    "stages": [_STAGES[0] | {"parameters": _STAGES[0]["config"]["parameters"]}],
    "input_schema": _INPUTS,
    "budget_limits": {"max_time_ms": 500},
    "feature_dependencies": [],
    "tags": ["search"],
    "metadata": {},
    "version": 1,
    "created_at": "2026-01-05T09:30:00.000Z",
    "updated_at": "2026-01-05T09:30:00.000Z",
    "created_by": "usr_3f9a1c5e7b2d4f",
    "updated_by": "usr_3f9a1c5e7b2d4f",
    "fusion": "rrf",
    "visibility": "private",
    "is_published": False,
    "warnings": [],
}


class RetrieverResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    retriever_id: str
    retriever_name: str
    description: str | None = None
    collection_ids: list[str]
    collection_identifiers: list[str]
    stages: Objects
    input_schema: dict[str, Any]
    budget_limits: dict[str, Any] | None = None
    feature_dependencies: Objects
    tags: list[str]
    metadata: dict[str, Any]
    display_config: dict[str, Any] | None = None
    cache_config: dict[str, Any] | None = None
    version: int
    created_at: str
    updated_at: str
    created_by: str | None = None
    updated_by: str | None = None
    #: How its feature search makes one ranking of several; null without such a stage.
    fusion: str | None
    visibility: str
    requires_subscription: bool = False
    is_published: bool = False
    marketplace_listing_id: str | None = None
    warnings: list[str] = []


class RetrieverCreated(RetrieverResponse):
    """The retriever, and once more under `retriever`, where some clients look for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE | {"retriever": _EXAMPLE}]})

    retriever: RetrieverResponse


class RetrieverUpdated(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"retriever": _EXAMPLE}]})

    retriever: RetrieverResponse


class RetrieverCloned(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"retriever": _EXAMPLE, "source_retriever_id": "ret_1a2b3c4d5e6f"}]}
    )

    retriever: RetrieverResponse
    source_retriever_id: str


class RetrieverDeleted(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"message": "Successfully deleted", "success": True, "retriever_id": "ret_8d2k5m1q9x4z"}]
        }
    )

    message: str = "Successfully deleted"
    success: bool = True
    retriever_id: str


class RetrieverList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [_EXAMPLE],
                    "total": 1,
                    "pagination": {
                        "total": None,
                        "page": 1,
                        "page_size": 10,
                        "total_pages": None,
                        "next_page": None,
                        "previous_page": None,
                        "next_cursor": None,
                    },
                    "warnings": [],
                }
            ]
        }
    )

    results: list[RetrieverResponse]
    total: int
    pagination: dict[str, Any]
    warnings: Objects


class StageDefinition(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stage_id": "limit",
                    "description": "Keep the first rows, or those after an offset.",
                    "category": "reduce",
                    "icon": "scissors",
                    "available": True,
                    "parameter_schema": {"type": "object", "properties": {"limit": {"type": "integer"}}},
                }
            ]
        }
    )

    stage_id: str
    description: str
    category: str
    icon: str
    #: False: this deployment cannot run it, and refuses pipelines that have it.
    available: bool
    parameter_schema: dict[str, Any] | None = None


class StageAdvice(StageDefinition):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stage_id": "limit",
                    "description": "Keep the first rows, or those after an offset.",
                    "category": "reduce",
                    "icon": "scissors",
                    "available": True,
                    "parameter_schema": {"type": "object", "properties": {"limit": {"type": "integer"}}},
                    "example_config": {"stage_id": "limit", "parameters": {"limit": 5}},
                    "common_use_cases": ["Keep the first rows, or those after an offset."],
                    "cost_tier": "moderate",
                    "requires_collections": False,
                }
            ]
        }
    )

    example_config: dict[str, Any]
    common_use_cases: list[str]
    cost_tier: str
    requires_collections: bool
