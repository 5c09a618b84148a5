"""Answers of the list routes, as the OpenAPI description shows them. The routes join stored bytes instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from headwater.resources.documents.schemas import BlobURLRef, DocumentResponse


class Pagination(BaseModel):
    """Where the page stands in the list."""

    total: int | None = Field(description="Documents, or groups, in the list; null unless `include_total`.")
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


class ListedBlob(BlobURLRef):
    """A file, or what `select` keeps of it."""

    field: str = Field("", description="Absent when `select` leaves it out.")
    url: str = Field("", description="Absent when `select` leaves it out.")


class ListedDocument(DocumentResponse):
    """A document, or what `select` keeps of it."""

    document_blobs: Sequence[ListedBlob] = Field([], description="Absent when `select` leaves it out.")
    searchable_at: str | None = Field(
        None, description="When the last write could be searched. Absent when `select` leaves it out."
    )
    internal: dict[str, Any] = Field({}, alias="_internal", description="Absent when `select` leaves it out.")


class DocumentGroup(BaseModel):
    """The documents with one value of the field that groups."""

    group_key: Any = Field(description="The value; null for the documents without one.")
    count: int = Field(description="Documents in the group.")
    documents: list[ListedDocument] = Field(description="The first ten of them, oldest first.")


class DocumentList(BaseModel):
    """A page of documents, or of groups of them."""

    results: list[ListedDocument] | None = Field(description="Null with `group_by`.")
    groups: list[DocumentGroup] | None = Field(description="Null without `group_by`.")
    group_by_field: str | None
    pagination: Pagination
    total_documents: int | None = Field(description="Documents that match; null unless `include_total`.")
    stats: DocumentListStats
    warnings: list[str] | None = Field(description="What the answer leaves out, ignored, or took long for.")
    unknown_collection_ids: list[str] | None = Field(
        None, description="Collections that were named and are not there; absent when all are."
    )
    explain: dict[str, Any] | None = Field(
        None, description="How the answer was found; only with `explain`, and empty for end users."
    )


class BatchListResult(BaseModel):
    key: str
    response: DocumentList | None = Field(description="Null when the query failed.")
    error: str | None = Field(description="Why the query failed.")


class BatchListResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"results": [{"key": "newest", "response": None, "error": "Collection not found"}]}]
        }
    )

    results: list[BatchListResult] = Field(description="One for each query, in their order.")


class DocumentCount(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"collection_id": "col_7k2m9q4x1z", "count": 1024}]})

    collection_id: str
    count: int


class BatchGetResponse(BaseModel):
    documents: list[DocumentResponse] = Field(description="In the order of the ids, each once.")
    not_found: list[str]
