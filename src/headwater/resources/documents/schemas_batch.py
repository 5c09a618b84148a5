"""Bodies and answers of the routes that change many documents at once. All bodies are closed: a typo such as
``filter`` must not turn a change of some documents into a change of all."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.http.models import ClosedModel

MAX_DOCUMENTS = 1000
_MAX_REASON = 500

_Filters = Annotated[
    dict[str, Any] | None, Field(description="Which documents: the filters of the list routes. Not enabled yet.")
]
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
    filters: _Filters = None
    update_data: dict[str, Any] | None = Field(None, description=_UPDATE_DATA)


class BatchDeleteBody(ClosedModel):
    """Either `document_ids` or `filters`."""

    document_ids: list[str] | None = Field(None, min_length=1, max_length=MAX_DOCUMENTS)
    filters: _Filters = None
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
                }
            ]
        }
    )

    updated_count: int
    failed_count: int
    results: list[DocumentResult] = Field(description="In the order of the request; empty with `filters`.")
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

    task_id: str | None
    status: str | None
    deleted_count: int | None
    failed_count: int
    results: list[DocumentResult] = Field(description="In the order of the request, each id once; empty with filters.")
    limits: dict[str, int] | None
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
