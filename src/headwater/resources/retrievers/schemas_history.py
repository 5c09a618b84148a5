"""The history of executions on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, field_validator

from headwater.http.models import LenientModel
from headwater.query import instant
from headwater.resources.retrievers.schemas import Objects
from headwater.resources.retrievers.schemas_execute import EXECUTION_EXAMPLE


class ListExecutionsRequest(LenientModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "failed"}]})

    filters: dict[str, Any] | None = Field(None, description="Over the rows as they are shown.")
    sorts: Objects | None = Field(None, description="`[{field, direction}]`; without it, the newest first.")
    status: StrictStr | None = None


class ListAdHocExecutionsRequest(LenientModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"start_time": "2026-01-05T00:00:00Z"}]})

    status: StrictStr | None = None
    start_time: StrictStr | None = Field(None, description="Executions since then.")
    end_time: StrictStr | None = Field(None, description="Executions until then.")
    count_only: StrictBool = Field(False, description="Answer `total` alone.")

    @field_validator("start_time", "end_time")
    @classmethod
    def _check_time(cls, value: str | None) -> str | None:
        if value is not None and instant(value) is None:
            raise ValueError(f"expected a time such as 2026-01-05T09:30:00Z, not {value[:40]!r}")
        return value

    def accepts(self, row: dict[str, Any]) -> bool:
        at = instant(row["timestamp"]) or 0
        since, until = instant(self.start_time or ""), instant(self.end_time or "")
        if (since is not None and at < since) or (until is not None and at > until):
            return False
        return self.status in (None, row["status"])


_SUMMARY: dict[str, Any] = {
    "execution_id": "exec_019b8e6d2c0k3j8h2l5p9",
    "status": "completed",
    "created_at": "2026-01-05T09:30:00.000Z",
    "completed_at": "2026-01-05T09:30:00.002Z",
    "duration_ms": 2.1,
    "credits_used": 0.0,
    "total_processed": 25,
    "total_returned": 10,
    "cache_hit_rate": 0.0,
    "inputs_hash": "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f",
    "query_summary": "a fern in the shade",
}
_AD_HOC: dict[str, Any] = {
    **{name: value for name, value in _SUMMARY.items() if name not in ("created_at", "completed_at", "inputs_hash")},
    "execution_mode": "adhoc",
    "timestamp": "2026-01-05T09:30:00.000Z",
    "stages_completed": 2,
    "total_stages": 2,
    "collection_ids": ["col_7k2m9q4x1z"],
}
_PAGE: dict[str, Any] = {"total": 1, "limit": 10, "offset": 0, "has_next": False}


class ExecutionList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"results": [_SUMMARY], "pagination": _PAGE}]})

    results: Objects
    pagination: dict[str, Any]


class AdHocExecutionList(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"results": [_AD_HOC], "total": 1, "pagination": _PAGE}]})

    results: Objects
    total: int
    pagination: dict[str, Any]


class AdHocExecutionDetail(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_AD_HOC | {"inputs": '{"query":"ferns"}', "inputs_hash": _SUMMARY["inputs_hash"]}]
        }
    )

    execution_id: str
    execution_mode: str
    status: str
    timestamp: str
    duration_ms: float
    credits_used: float
    total_processed: int
    total_returned: int
    cache_hit_rate: float | None = None
    query_summary: str | None = None
    stages_completed: int
    total_stages: int
    collection_ids: list[str]
    #: JSON, cut short when it is long.
    inputs: str
    inputs_hash: str


DETAIL_EXAMPLE: dict[str, Any] = {
    **{name: value for name, value in EXECUTION_EXAMPLE.items() if name not in ("results", "facets")},
    "documents": [],
    "created_at": "2026-01-05T09:30:00.000Z",
    "completed_at": "2026-01-05T09:30:00.002Z",
    "current_stage": None,
    "stages_completed": 1,
    "total_stages": 1,
    "documents_retained": False,
    "total_returned": 1,
}
STATUS_EXAMPLE = {
    name: DETAIL_EXAMPLE[name]
    for name in ("execution_id", "status", "current_stage", "stages_completed", "total_stages", "error", "budget")
} | {name: DETAIL_EXAMPLE[name] for name in ("created_at", "completed_at")}
PROFILE_EXAMPLE = {
    name: DETAIL_EXAMPLE[name]
    for name in (
        "execution_id",
        "retriever_id",
        "status",
        "stage_statistics",
        "budget",
        "optimization_summary",
        "limits",
    )
}
