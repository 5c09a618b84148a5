"""Answers of the list routes, as the OpenAPI description shows them. The routes join stored bytes instead."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.resources.documents.schemas import DocumentResponse


class Pagination(BaseModel):
    """Where the page stands in the list."""

    total: int | None = Field(description="Documents in the list; null unless `include_total`.")
    page: int | None = Field(description="Page number from 1; null with a cursor.")
    page_size: int
    total_pages: int | None
    next_page: str | None
    previous_page: str | None
    next_cursor: str | None = Field(description="Send it as `cursor` for what follows; null at the end.")


class DocumentListStats(BaseModel):
    total_documents: int | None
    avg_blobs_per_document: float = Field(description="Mean number of source blobs of the documents on this page.")
    total_groups: int | None
    avg_documents_per_group: float | None


class DocumentList(BaseModel):
    """A page of documents."""

    results: list[DocumentResponse]
    groups: list[dict[str, Any]] | None
    group_by_field: str | None
    pagination: Pagination
    total_documents: int | None = Field(description="The same as `pagination.total`.")
    stats: DocumentListStats
    warnings: list[str] | None = Field(description="What the answer leaves out or ignored.")


class DocumentCount(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"collection_id": "col_7k2m9q4x1z", "count": 1024}]})

    collection_id: str
    count: int


class BatchGetResponse(BaseModel):
    documents: list[DocumentResponse] = Field(description="In the order of the ids, each once.")
    not_found: list[str]
