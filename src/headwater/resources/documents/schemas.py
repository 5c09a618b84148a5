"""The document routes as the OpenAPI description shows them. The hot routes themselves read and write bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())


class LineageStep(_Open):
    """One step from the root object to a document."""

    collection_id: str
    feature_extractor_id: str
    document_id: str | None = None
    timestamp: str | None = Field(None, description="RFC 3339; the time of creation when absent.")


class Feature(_Open):
    """What an extractor made: fields, and vectors of any form."""

    feature_extractor_id: str = Field(description="Name and version, such as `text_extractor_v1`.")
    payload: dict[str, Any] | None = Field(
        None, description="Shown at the document's root where nothing else has the name."
    )
    vectors: dict[str, Any] | None = Field(
        None,
        description="`{name: [numbers]}`, `{name: [[numbers], …]}`, `{name: {indices, values}}`, any mixture, or one "
        "nameless `{indices, values}`.",
    )


class BlobURLRef(_Open):
    """A file that belongs to a document."""

    field: str = Field(min_length=1)
    role: Literal["source", "processed", "thumbnail", "artifact", "aux"] = "source"
    type: Literal["video", "image", "audio", "text", "pdf", "other"] = "other"
    url: str = Field(min_length=1)
    presigned_url: str | None = Field(None, description="Only in answers, and only when asked for.")


class _Sent(_Open):
    """Any other key is a user field of the document."""

    collection_id: str | None = Field(None, description="Id or name of the path's collection; another is refused.")
    document_id: str | None = Field(None, description="Made by the server when absent.")
    root_object_id: str | None = None
    root_bucket_id: str | None = None
    source_type: Literal["bucket", "collection", "direct_upsert", "signal"] | None = None
    source_collection_id: str | None = None
    source_document_id: str | None = Field(None, description="The parent; lineage that is not sent is taken from it.")
    source_object_id: str | None = None
    lineage_path: str | None = None
    lineage_chain: list[LineageStep] | None = None
    document_schema_version: str | None = None
    metadata: dict[str, Any] | None = Field(None, description="Kept as one object, its keys also shown at the root.")
    features: list[Feature] | None = None
    vectors: dict[str, Any] | None = Field(None, description="Vectors under names that the collection knows.")
    content_hash: str | None = None
    source_blobs: list[dict[str, Any]] | None = None
    document_blobs: list[BlobURLRef] | None = None
    internal_metadata: dict[str, Any] | None = Field(None, description="Merged into `_internal.metadata`.")


class DocumentCreate(_Sent):
    """A document to be stored. Every key that is not listed is a user field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "root_object_id": "obj_b2",
                    "root_bucket_id": "bkt_a1",
                    "source_type": "bucket",
                    "metadata": {"status": "draft"},
                    "brand": "Acme",
                    "features": [
                        {
                            "feature_extractor_id": "text_extractor_v1",
                            "payload": {"text": "hi"},
                            "vectors": {"embedding": [0.4, -0.1, 0.9]},
                        }
                    ],
                }
            ]
        }
    )


class DocumentUpdate(_Sent):
    """What to change. Omitted keys stay, `null` removes a user field, `a.b` sets one nested field."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"metadata": {"status": "published", "note": None}, "brand": "Acme"}]}
    )


class DocumentResponse(_Open):
    """A document: user fields at the root, system fields in `_internal`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "document_id": "doc_5b1e0c7a9d2f4e6b8a0c1d2e",
                    "collection_id": "col_7k2m9q4x1z",
                    "brand": "Acme",
                    "metadata": {"status": "draft"},
                    "status": "draft",
                    "text": "hi",
                    "document_blobs": [],
                    "searchable_at": "2026-01-05T09:30:00.000Z",
                    "_internal": {
                        "internal_id": "org_9f3k2l8m1q7",
                        "namespace_id": "ns_4t8w2e6r1y",
                        "document_id": "doc_5b1e0c7a9d2f4e6b8a0c1d2e",
                        "collection_id": "col_7k2m9q4x1z",
                        "created_at": "2026-01-05T09:30:00.000Z",
                        "updated_at": "2026-01-05T09:30:00.000Z",
                        "document_schema_version": "v2",
                        "metadata": {"ingestion_status": "COMPLETED"},
                        "lineage": {
                            "source_type": "bucket",
                            "source_object_id": "obj_b2",
                            "root_object_id": "obj_b2",
                            "root_bucket_id": "bkt_a1",
                            "path": "bkt_a1/col_7k2m9q4x1z",
                        },
                    },
                }
            ]
        }
    )

    document_id: str
    collection_id: str
    document_blobs: Sequence[BlobURLRef]
    searchable_at: str | None = Field(description="When the last write could be searched; null while it cannot.")
    internal: dict[str, Any] = Field(alias="_internal")


class DocumentDeleted(BaseModel):
    """The document is gone."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "Successfully deleted", "success": True}]})

    message: str
    success: bool


class DocumentsDeleted(BaseModel):
    """What was deleted, or would be: a document with all that was made from it, or all that was made of an object."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": "Successfully deleted",
                    "success": True,
                    "dry_run": False,
                    "deleted_count": 4,
                    "collections": {"col_films": 1, "col_scenes": 3},
                }
            ]
        }
    )

    message: str
    success: bool
    dry_run: bool = Field(description="True when nothing was deleted: the counts are what would be.")
    deleted_count: int
    collections: dict[str, int] = Field(description="Documents of each collection.")


def request_body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """For ``openapi_extra``: the body of a route that decodes it by itself."""
    schema = model.model_json_schema()
    return {
        "requestBody": {
            "required": required,
            "content": {"application/json": {"schema": _inlined(schema, schema.pop("$defs", {}))}},
        }
    }


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references replaced by what they name: OpenAPI resolves none inside an extra."""
    if isinstance(value, list):
        return [_inlined(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
    return {name: _inlined(member, definitions) for name, member in value.items()}
