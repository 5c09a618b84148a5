"""Bodies and answers of the routes that change many documents at once. All bodies are closed: a typo such as
``filter`` must not turn a change of some documents into a change of all."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.http.models import ClosedModel

MAX_DOCUMENTS = 1000
_MAX_REASON = 500

_FILTERS = "Which documents: the filters of the list routes."
_TASK_ID = "The task of a change by filter, for `GET /v1/tasks/{task_id}`; null where documents were named."
_STATUS = (
    "Of the task: `COMPLETED`, `COMPLETED_WITH_ERRORS` when some documents could not be changed, or `PENDING` when so"
    " many match that it goes on after the answer."
)
_UPDATE_DATA = (
    "What to write. `a.b` writes one leaf and leaves its neighbours alone; a key without dots overwrites its whole"
    " value, `metadata` too; `null` is stored. Vectors and ids cannot be changed."
)


class DocumentUpdateItem(ClosedModel):
    document_id: str
    update_data: dict[str, Any] = Field(description=_UPDATE_DATA)


class BatchUpdateBody(ClosedModel):
    """Either `updates`, or `filters` and `update_data`."""

    updates: list[DocumentUpdateItem] | None = Field(
        None, min_length=1, max_length=MAX_DOCUMENTS, description="An update for each document, applied in this order."
    )
    filters: dict[str, Any] | None = Field(None, description=_FILTERS)
    update_data: dict[str, Any] | None = Field(None, description=_UPDATE_DATA)


class BulkUpdateBody(ClosedModel):
    filters: dict[str, Any] | None = Field(None, description=_FILTERS + " Without them, all of the collection.")
    update_data: dict[str, Any] = Field(description=_UPDATE_DATA)


class BatchDeleteBody(ClosedModel):
    """Either `document_ids` or `filters`."""

    document_ids: list[str] | None = Field(None, min_length=1, max_length=MAX_DOCUMENTS)
    filters: dict[str, Any] | None = Field(None, description=_FILTERS)
    reason: str | None = Field(None, max_length=_MAX_REASON, description="Kept with the task of a delete by filter.")


class DocumentResult(BaseModel):
    document_id: str
    success: bool
    error: str | None = Field(description="Why this document was left as it was.")


class BatchUpdateResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "updated_count": 1,
                    "failed_count": 1,
                    "results": [
                        {"document_id": "doc_a", "success": True, "error": None},
                        {"document_id": "doc_x", "success": False, "error": "Document not found"},
                    ],
                    "message": "Updated 1 document(s), 1 failed",
                    "task_id": None,
                    "status": None,
                }
            ]
        }
    )

    updated_count: int = Field(description="By the time of the answer.")
    failed_count: int
    results: list[DocumentResult] = Field(description="In the order of the request; empty with `filters`.")
    message: str
    task_id: str | None = Field(description=_TASK_ID)
    status: str | None = Field(description=_STATUS)


class BulkUpdateResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": "task_5t0q8w2e6r1y3u7i",
                    "status": "COMPLETED",
                    "updated_count": 42,
                    "failed_count": 0,
                    "message": "Updated 42 document(s), 0 failed",
                }
            ]
        }
    )

    task_id: str = Field(description=_TASK_ID)
    status: str = Field(description=_STATUS)
    updated_count: int | None = Field(description="Null while the task is pending.")
    failed_count: int
    message: str


class BatchDeleteResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": None,
                    "status": None,
                    "deleted_count": 1,
                    "failed_count": 0,
                    "results": [{"document_id": "doc_a", "success": True, "error": None}],
                    "limits": None,
                    "message": "Deleted 1 document(s), 0 failed",
                }
            ]
        }
    )

    task_id: str | None = Field(description=_TASK_ID)
    status: str | None = Field(description=_STATUS)
    deleted_count: int | None = Field(description="Null while the task is pending.")
    failed_count: int
    results: list[DocumentResult] = Field(description="In the order of the request, each id once; empty with filters.")
    limits: dict[str, int] | None = Field(
        description="With filters: `matched` documents, and up to how many (`max_rows_inline`) the request waits for."
    )
    message: str


class SchemaViolation(BaseModel):
    path: str = Field(description="Where in the document, such as `metadata.price`; empty for the document itself.")
    message: str
    validator: str = Field(description="The keyword of the schema that is violated.")


class ValidationReport(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "valid": False,
                    "violations": [
                        {"path": "metadata.price", "message": "'cheap' is not of type 'number'", "validator": "type"}
                    ],
                    "collection_id": "col_7k2m9q4x1z",
                    "schema_validation": "strict",
                }
            ]
        }
    )

    valid: bool
    violations: list[SchemaViolation]
    collection_id: str
    schema_validation: str = Field(description="What the collection does with violations: `off`, `warn` or `strict`.")
