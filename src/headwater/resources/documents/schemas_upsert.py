"""The upsert as the OpenAPI description shows it. The route itself decodes and encodes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headwater.resources.documents.schemas import LineageStep
from headwater.resources.documents.schemas_acl import UpsertAcl


class UpsertDocument(BaseModel):
    """A document with its vectors."""

    document_id: str = Field(min_length=1, max_length=512, description="Any string; unique in the namespace.")
    vectors: dict[str, Any] = Field(
        description="`{name: [numbers]}`, `{name: [[numbers], …]}` or `{name: {indices, values}}`, in any mixture."
    )
    payload: dict[str, Any] | None = Field(None, description="User fields, shown at the document's root.")
    metadata: dict[str, Any] | None = Field(None, description="Kept in `_internal.metadata`.")
    acl: UpsertAcl | None = None
    source_type: Literal["bucket", "collection", "direct_upsert", "signal"] = "direct_upsert"
    root_object_id: str | None = None
    root_bucket_id: str | None = None
    source_object_id: str | None = None
    source_document_id: str | None = Field(None, description="The parent; lineage that is not sent is taken from it.")
    source_collection_id: str | None = None
    lineage_path: str | None = None
    lineage_chain: list[LineageStep] | None = None
    content_hash: str | None = None


class UpsertOptions(BaseModel):
    write_token: bool = False
    idempotency_key: str | None = Field(None, max_length=255, description="The same as the header Idempotency-Key.")


class UpsertRequest(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "documents": [
                        {
                            "document_id": "product-17",
                            "vectors": {"embedding": [0.4, -0.1, 0.9]},
                            "payload": {"brand": "Acme", "price": 12.5},
                        }
                    ]
                }
            ]
        }
    )

    collection_id: str | None = Field(None, description="Id or name; the namespace's `_direct_upsert` when absent.")
    documents: list[UpsertDocument] = Field(max_length=1000)
    options: UpsertOptions | None = None


class WriteConsistency(BaseModel):
    retriever_visible: str
    recommended_header: str | None
    write_token_available: bool
    expected_visible_within_ms: int | None
    poll: dict[str, Any] | None
    next_actions: list[dict[str, Any]] | None


class UpsertResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "inserted": 1,
                    "document_ids": ["sku-17"],
                    "write_token": None,
                    "dropped_payload_fields": {},
                    "unsearchable_document_ids": [],
                    "consistency": {
                        "retriever_visible": "eventual",
                        "recommended_header": None,
                        "write_token_available": False,
                        "expected_visible_within_ms": 0,
                        "poll": None,
                        "next_actions": None,
                    },
                    "warnings": [],
                }
            ]
        }
    )

    inserted: int = Field(description="Documents that were inserted or replaced: all of the request.")
    document_ids: list[str]
    write_token: str | None
    dropped_payload_fields: dict[str, list[str]] = Field(
        description="Names that have a meaning of their own and were left out of payloads, by document id."
    )
    unsearchable_document_ids: list[str] = Field(description="Documents without a vector for a declared index.")
    consistency: WriteConsistency
    warnings: list[str]
