"""Executions on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr

from headwater.http.models import LenientModel
from headwater.resources.retrievers.schemas import BudgetLimits, Objects
from headwater.retrieval.paging import MAX_LIMIT

MAX_QUERIES = 16
_PAGINATION = (
    "`{method: cursor, limit, cursor}`, `{method: offset, page_size, page_number}`,"
    " `{method: scroll, limit, scroll_id, scroll_ttl}` or `{method: keyset, limit, after}`."
)


class ShownBody(LenientModel):
    """What an answer shows of its documents."""

    return_presigned_urls: StrictBool = Field(False, description="Give each of `document_blobs` a `presigned_url`.")
    return_urls: StrictBool = Field(False, description="The same as `return_presigned_urls`.")
    return_vectors: StrictBool = Field(False, description="Show every vector of each document.")
    stream: StrictBool = Field(False, description="Not part of this deployment: answers come as a whole.")


class ExecutionBody(ShownBody):
    inputs: dict[str, Any] | None = Field(None, description="What templates in the stages see as `INPUT`.")
    input: dict[str, Any] | None = Field(None, description="The same as `inputs`.")
    filters: dict[str, Any] | None = Field(None, description="Whatever finds documents keeps to it.")
    pre_filters: dict[str, Any] | None = Field(None, description="The same as `filters`.")
    pagination: dict[str, Any] | None = Field(None, description=_PAGINATION)
    limit: int | None = Field(None, ge=1, le=MAX_LIMIT, strict=True, description="Rows on a page.")
    page_size: int | None = Field(None, ge=1, le=MAX_LIMIT, strict=True, description="The same as `limit`.")
    settings: dict[str, Any] | None = Field(None, description="`{limit}`: the same as `limit`.")
    explain: StrictBool = Field(False, description="Say how the answer was found, and why each row stands there.")
    skip_cache: StrictBool = Field(False, description="Nothing is cached, so this changes nothing.")
    expand: list[StrictStr] | None = Field(
        None, description="Names of what to show inside each document, under `_expanded`, as in lists of documents."
    )


class ExecuteRequest(ExecutionBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"inputs": {"query": "a fern in the shade"}, "filters": {"price": {"lte": 20}}, "limit": 5},
                {"inputs": {"query": "a fern"}, "pagination": {"method": "offset", "page_size": 20, "page_number": 2}},
            ]
        }
    )

    target_collection_id: StrictStr | None = Field(None, description="Not part of this deployment.")
    write_token: StrictStr | None = Field(None, description="Every read sees every acknowledged write.")
    consistency: dict[str, Any] | None = Field(None, description="Reads are always strong.")


class AdHocExecuteRequest(ExecutionBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "collection_identifiers": ["plants"],
                    "stages": [
                        {
                            "stage_name": "dear",
                            "stage_id": "attribute_filter",
                            "parameters": {"conditions": {"price": 9}},
                        },
                        {"stage_name": "few", "stage_id": "limit", "parameters": {"limit": 3}},
                    ],
                }
            ]
        }
    )

    stages: Objects
    collection_identifiers: list[StrictStr] | None = None
    collection_ids: list[StrictStr] | None = Field(None, description="The same as `collection_identifiers`.")
    input_schema: dict[str, Any] | None = None
    budget_limits: BudgetLimits | None = None


class BatchQuery(LenientModel):
    inputs: dict[str, Any]
    filters: dict[str, Any] | None = None


class BatchSettings(LenientModel):
    limit: int = Field(10, ge=1, le=MAX_LIMIT, strict=True, description="Rows for each query.")
    max_chunks: int | None = Field(None, description="Read and ignored: no query is split.")


class ExecuteBatchRequest(ShownBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"queries": [{"inputs": {"query": "ferns"}}, {"inputs": {"query": "moss"}}]}]}
    )

    queries: list[BatchQuery] = Field(min_length=1, description=f"Up to {MAX_QUERIES} queries.")
    settings: BatchSettings = BatchSettings()
    concurrency: int = Field(5, ge=1, le=20, strict=True, description="Queries that run side by side.")


class ExplainRequest(LenientModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"inputs": {"query": "ferns"}}]})

    inputs: dict[str, Any] | None = None


_STATISTICS: dict[str, Any] = {
    "input_count": 0,
    "output_count": 1,
    "duration_ms": 1.8,
    "efficiency": 0,
    "cache_hit": False,
    "stage_cache_hit": False,
    "cached_at": None,
    "error": None,
    "llm_calls": None,
    "tokens_used": None,
    "metadata": {},
}
_DOCUMENT: dict[str, Any] = {
    "document_id": "doc_5b1e0c7a9d2f4e6b8a0c1d2e",
    "collection_id": "col_7k2m9q4x1z",
    "score": 0.83,
    "title": "Fern care",
    "price": 12,
    "_internal": {"created_at": "2026-01-05T09:30:00.000Z"},
}
EXECUTION_EXAMPLE: dict[str, Any] = {
    "retriever_id": "ret_8d2k5m1q9x4z",
    "execution_id": "exec_019b8e6d2c0k3j8h2l5p9",
    "status": "completed",
    "documents": [_DOCUMENT],
    "results": [_DOCUMENT],
    "pagination": {"method": "cursor", "limit": 10, "returned": 1, "total": 1, "cursor": None, "has_next": False},
    "stage_statistics": {
        "stages": {"find": _STATISTICS},
        "total_time_ms": 2.1,
        "credits_used": 0.0,
        "server_service_ms": 2.1,
    },
    "facets": None,
    "budget": {
        "credits_used": 0.0,
        "credits_remaining": None,
        "credits_limit": None,
        "time_used_ms": 2.1,
        "time_elapsed_ms": 2.1,
    },
    "warnings": [],
    "degraded": [],
    "limits": None,
    "cache_hit": False,
    "cached_at": None,
    "optimization_applied": False,
    "optimization_summary": None,
    "interpretation": {
        "provided_input_keys": ["query"],
        "inferred_inputs": {},
        "ignored_input_keys": [],
        "relaxations": [],
    },
    "completeness": {"embeddings": "complete", "page": "complete", "overall": "complete"},
    "consistency_mode": "strong",
    "error": None,
}


class ExecutionResponse(BaseModel):
    """What came out of a pipeline, and how."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXECUTION_EXAMPLE]})

    #: Empty for what is not stored.
    retriever_id: str
    execution_id: str
    #: `completed`, `degraded` (see `degraded`) or `failed` (see `error`).
    status: str
    documents: Objects
    results: Objects
    pagination: dict[str, Any]
    stage_statistics: dict[str, Any]
    facets: Objects | None = None
    budget: dict[str, Any]
    warnings: list[str]
    degraded: Objects
    limits: Objects | None = None
    cache_hit: bool = False
    cached_at: float | None = None
    optimization_applied: bool
    optimization_summary: dict[str, Any] | None = None
    #: How the inputs were understood, and which conditions were dropped because their inputs were not given.
    interpretation: dict[str, Any]
    completeness: dict[str, str]
    consistency_mode: str
    error: str | None = None
    #: Why nothing was found, when nothing was.
    diagnostics: dict[str, Any] | None = None
    #: With `explain`.
    explain_plan: dict[str, Any] | None = None


class AdHocExecutionResponse(ExecutionResponse):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXECUTION_EXAMPLE
                | {
                    "retriever_id": "",
                    "execution_metadata": {"retriever_persisted": False},
                    "cache_status": "disabled",
                }
            ]
        }
    )

    execution_metadata: dict[str, Any]
    cache_status: str


class BatchExecutionResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "retriever_id": "ret_8d2k5m1q9x4z",
                    "total": 1,
                    "succeeded": 1,
                    "failed": 0,
                    "results": [{"query_index": 0, **EXECUTION_EXAMPLE}],
                }
            ]
        }
    )

    retriever_id: str
    total: int
    succeeded: int
    failed: int
    #: The answer to each query, in their order. One that fails has `error` instead of documents.
    results: Objects


class StagePlan(BaseModel):
    stage_index: int
    stage_name: str
    stage_type: str
    estimated_input: int
    estimated_output: int
    estimated_efficiency: float
    estimated_cost_credits: float
    estimated_duration_ms: float
    cache_likely: bool
    optimization_notes: list[str]
    warnings: list[str]


class ExplainResponse(BaseModel):
    """What an execution would do. Nothing is run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "retriever_id": "ret_8d2k5m1q9x4z",
                    "retriever_name": "related",
                    "estimated_cost": {"total_credits": 0.0, "total_duration_ms": 5.0},
                    "execution_plan": [
                        {
                            "stage_index": 0,
                            "stage_name": "find",
                            "stage_type": "filter",
                            "estimated_input": 1200,
                            "estimated_output": 20,
                            "estimated_efficiency": 0.0167,
                            "estimated_cost_credits": 0.0,
                            "estimated_duration_ms": 5.0,
                            "cache_likely": False,
                            "optimization_notes": [],
                            "warnings": [],
                        }
                    ],
                    "optimization_suggestions": [],
                    "total_estimated_stages": 1,
                    "bottleneck_stages": ["find"],
                    "optimization_level": "mvp",
                    "optimization_applied": False,
                    "optimization_details": None,
                }
            ]
        }
    )

    retriever_id: str
    retriever_name: str
    estimated_cost: dict[str, float]
    execution_plan: list[StagePlan]
    optimization_suggestions: Objects
    total_estimated_stages: int
    bottleneck_stages: list[str]
    optimization_level: str
    optimization_applied: bool
    optimization_details: dict[str, Any] | None = None
