"""Tasks on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from headwater.http.pagination import PageBody
from headwater.resources.documents.schemas_read import Pagination

_TASK: dict[str, Any] = {
    "task_id": "task_5t0q8w2e6r1y3u7i",
    "task_type": "api_collections_documents_bulk_update",
    "status": "COMPLETED",
    "inputs": ["col_7k2m9q4x1z"],
    "outputs": [],
    "additional_data": {
        "created_at": "2026-01-05T09:30:00.000Z",
        "updated_at": "2026-01-05T09:30:04.000Z",
        "namespace_id": "ns_4t8w2e6r1y",
        "collection_id": "col_7k2m9q4x1z",
        "updated_count": 20480,
        "failed_count": 0,
    },
    "error": None,
    "error_message": None,
}


class TaskResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_TASK]})

    task_id: str
    task_type: str
    status: str = Field(
        description="`PENDING`, `IN_PROGRESS`, and in the end `COMPLETED`, `COMPLETED_WITH_ERRORS`, `FAILED` or"
        " `CANCELED`."
    )
    inputs: list[Any] = Field(description="What the task is about: the id of the collection.")
    outputs: list[Any]
    additional_data: dict[str, Any] = Field(description="Times, and the counts so far.")
    error: str | None = Field(description="Why the task failed; null unless it did.")
    error_message: str | None = Field(description="The same as `error`.")


class TaskList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [_TASK],
                    "pagination": {
                        "total": None,
                        "page": 1,
                        "page_size": 10,
                        "total_pages": None,
                        "next_page": None,
                        "previous_page": None,
                        "next_cursor": None,
                    },
                }
            ]
        }
    )

    results: list[TaskResponse]
    pagination: Pagination


class ListTasksRequest(PageBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "IN_PROGRESS", "limit": 20}]})

    status: StrictStr | None = Field(None, description="Only tasks with this status, in either case.")
    task_type: StrictStr | None = Field(None, description="Only tasks of this type, in either case.")
    filters: dict[str, Any] | None = Field(None, description="A filter over the task, such as `additional_data.…`.")
    sort: dict[str, Any] | None = Field(None, description='`{"field", "direction"}`; the newest first when absent.')
    search: StrictStr | None = Field(None, description="Part of the id, type or status.")

    def wants(self, task: dict[str, Any]) -> bool:
        return _same(self.status, task["status"]) and _same(self.task_type, task["task_type"])


def _same(wanted: str | None, value: str) -> bool:
    return wanted is None or wanted.lower() == value.lower()


class TaskStopped(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Stopped", "success": True}]})

    message: str
    success: bool
