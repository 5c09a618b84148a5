"""Bodies and answers of the namespace routes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from headwater.http.models import ClosedModel
from headwater.http.pagination import PageBody
from headwater.store.fields.paths import MAX_DECLARED

#: Payload indexes that the server keeps by itself; nobody sets or changes them.
PROTECTED_FIELDS = frozenset(
    {
        "internal_id",
        "namespace_id",
        "collection_id",
        "document_id",
        "bucket_id",
        "object_id",
        "root_object_id",
        "root_bucket_id",
        "source_object_id",
        "created_at",
        "updated_at",
    }
)
#: Root keys of a document: a vector of that name could never be returned.
RESERVED_VECTOR_NAMES = frozenset(
    {
        "document_id",
        "collection_id",
        "document_blobs",
        "searchable_at",
        "vector_hydration_incomplete",
        "_vectors",
        "_expanded",
        "_schema_violations",
        "_internal",
        "metadata",
    }
)

NamespaceName = Annotated[StrictStr, Field(min_length=3, max_length=64)]
NamespaceId = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")]


class PayloadIndex(ClosedModel):
    """A declared type of a document field."""

    field_name: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    type: Literal["keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid"]
    field_schema: dict[str, Any] | None = None
    is_protected: StrictBool = False

    @model_validator(mode="after")
    def _not_protected(self) -> Self:
        if self.is_protected or self.field_name in PROTECTED_FIELDS:
            raise ValueError(f"the index on {self.field_name!r} is kept by the server; leave it out")
        return self


class FeatureExtractorReference(BaseModel):
    """An extractor by name and version. Further keys are its configuration and are kept."""

    model_config = ConfigDict(extra="allow")

    feature_extractor_name: Annotated[StrictStr, Field(min_length=1)]
    version: Annotated[StrictStr, Field(min_length=1)]
    params: dict[str, Any] | None = None


class VectorConfig(ClosedModel):
    """A vector index that every collection of the namespace starts with."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    dimension: Annotated[StrictInt, Field(ge=1)]
    metric: Literal["cosine", "euclidean", "dot_product"] = "cosine"

    @model_validator(mode="after")
    def _not_reserved(self) -> Self:
        if self.name in RESERVED_VECTOR_NAMES:
            raise ValueError(f"{self.name!r} is the name of a document's own field; choose another name")
        return self


def _unique(items: list[Any] | None, attribute: str) -> None:
    names = [getattr(item, attribute) for item in items or ()]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{attribute} {name!r} occurs twice; each may occur once")


class _WithIndexes(ClosedModel):
    payload_indexes: list[PayloadIndex] | None = Field(None, max_length=MAX_DECLARED)

    @model_validator(mode="after")
    def _fields_once(self) -> Self:
        _unique(self.payload_indexes, "field_name")
        return self


class CreateNamespaceRequest(_WithIndexes):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace_name": "products",
                    "description": "The shop's catalogue",
                    "vector_configs": [{"name": "embedding", "dimension": 384, "metric": "cosine"}],
                    "payload_indexes": [{"field_name": "price", "type": "float"}],
                }
            ]
        }
    )

    namespace_name: NamespaceName
    namespace_id: NamespaceId | None = None
    description: StrictStr | None = None
    mode: Literal["managed", "standalone"] | None = None
    namespace_type: Literal["standard", "marketplace"] = "standard"
    scope: Literal["org", "system"] = "org"
    feature_extractors: list[FeatureExtractorReference] | None = None
    features: list[StrictStr] | None = None
    vector_configs: list[VectorConfig] | None = None
    auto_create_indexes: StrictBool | None = None
    adaptive_indexing: StrictBool = False
    ttl_seconds: Annotated[StrictInt, Field(ge=60)] | None = None
    infrastructure: dict[str, Any] | None = None
    trusted_issuers: Annotated[list[dict[str, Any]], Field(max_length=5)] | None = None
    tiering: dict[str, Any] | None = None
    spend_budget: dict[str, Any] | None = None
    cost_cap_override: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _vectors_once(self) -> Self:
        _unique(self.vector_configs, "name")
        return self


class CreateStandaloneNamespaceRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace_id": "my-vectors",
                    "vector_configs": [{"name": "embedding", "dimension": 384, "metric": "cosine"}],
                }
            ]
        }
    )

    namespace_id: NamespaceId | None = None
    namespace_name: Annotated[StrictStr, Field(min_length=1, max_length=128)] | None = None
    description: StrictStr | None = None
    vector_configs: list[VectorConfig] | None = None
    storage: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    auto_create_indexes: StrictBool | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.namespace_id is None and self.namespace_name is None:
            raise ValueError("send namespace_id, namespace_name or both")
        _unique(self.vector_configs, "name")
        return self


class UpdateNamespaceRequest(_WithIndexes):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"payload_indexes": [{"field_name": "price", "type": "float"}]}]}
    )

    namespace_name: NamespaceName | None = None


class PatchNamespaceRequest(_WithIndexes):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"description": "Spring catalogue", "ttl_seconds": 86400}]}
    )

    namespace_name: NamespaceName | None = None
    description: StrictStr | None = None
    feature_extractors: list[FeatureExtractorReference] | None = None
    auto_create_indexes: StrictBool | None = None
    adaptive_indexing: StrictBool | None = None
    repair_vectors: StrictBool | None = None
    infrastructure: dict[str, Any] | None = None
    trusted_issuers: Annotated[list[dict[str, Any]], Field(max_length=5)] | None = None
    spend_budget: dict[str, Any] | None = None
    pinned: StrictBool | dict[str, Any] | None = None
    tiering: dict[str, Any] | None = None
    expires_at: datetime | None = None
    ttl_seconds: Annotated[StrictInt, Field(ge=60)] | None = None
    cost_cap_override: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_expiry(self) -> Self:
        if self.expires_at is not None and self.ttl_seconds is not None:
            raise ValueError("send expires_at or ttl_seconds, not both")
        return self


class ListNamespacesRequest(PageBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"search": "prod", "sort": {"field": "namespace_name"}, "limit": 20}]}
    )

    filters: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    sorts: list[dict[str, Any]] | None = None
    search: StrictStr | None = None
    case_sensitive: StrictBool = False
    include_system: StrictBool = False
    view: Literal["full", "summary"] | None = None


class NamespaceStatsBatchRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"namespace_ids": ["ns_4t8w2e6r1y"]}]})

    namespace_ids: Annotated[list[StrictStr], Field(max_length=100)]


_STATS: dict[str, Any] = {
    "namespace_id": "ns_4t8w2e6r1y",
    "document_count": 120,
    "document_count_complete": True,
    "bucket_count": 0,
    "collection_count": 2,
    "object_count": 0,
}


class NamespaceStats(BaseModel):
    """How much is in a namespace."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STATS]})

    namespace_id: str
    document_count: int
    document_count_complete: bool = True
    bucket_count: int = 0
    collection_count: int
    object_count: int = 0


class NamespaceStatsBatch(BaseModel):
    #: By namespace id; those that the caller cannot see are left out.
    stats: dict[str, NamespaceStats]


_EXAMPLE: dict[str, Any] = {
    "object": "namespace",
    "namespace_id": "ns_4t8w2e6r1y",
    "namespace_name": "products",
    "namespace_type": "standard",
    "scope": "org",
    "description": "The shop's catalogue",
    "feature_extractors": [],
    "payload_indexes": [{"field_name": "price", "type": "float", "field_schema": None, "is_protected": False}],
    "payload_index_count": 1,
    "document_count": 120,
    "collection_count": 2,
    "mode": "standalone",
    "vector_configs": [{"name": "embedding", "dimension": 384, "metric": "cosine"}],
    "dynamic_vector_indexes": False,
    "namespace_ready": True,
    "created_at": "2026-01-05T09:30:00.000Z",
    "updated_at": "2026-01-05T09:30:00.000Z",
    "expires_at": None,
}


class NamespaceResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    object: str = "namespace"
    namespace_id: str
    namespace_name: str
    namespace_type: str = "standard"
    scope: str = "org"
    description: str | None = None
    feature_extractors: list[dict[str, Any]] | None = None
    payload_indexes: list[dict[str, Any]] | None = None
    payload_index_count: int = 0
    document_count: int = 0
    document_count_complete: bool = True
    bucket_count: int = 0
    collection_count: int = 0
    object_count: int = 0
    auto_create_indexes: bool = False
    adaptive_indexing: bool = False
    vector_inference_map: dict[str, str] | None = None
    dynamic_vector_indexes: bool | None = None
    mode: str = "managed"
    vector_configs: list[dict[str, Any]] | None = None
    clone_status: str | None = None
    clone_error: str | None = None
    source_namespace_id: str | None = None
    namespace_ready: bool = True
    infrastructure: dict[str, Any] | None = None
    cluster_id: str | None = None
    trusted_issuers: list[dict[str, Any]] | None = None
    tiering: dict[str, Any] | None = None
    spend_budget: dict[str, Any] | None = None
    cost_cap_override: dict[str, Any] | None = None
    pinned: dict[str, Any] | None = None
    created_at: str
    updated_at: str
    expires_at: str | None = None


class StandaloneNamespaceResponse(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "namespace_id": "my-shop",
                    "namespace_name": "my-shop",
                    "mode": "standalone",
                    "status": "active",
                    "vector_configs": [{"name": "own", "dimension": 384, "metric": "cosine"}],
                    "tiering": "auto",
                    "document_count": 0,
                }
            ]
        }
    )

    namespace_id: str
    namespace_name: str
    mode: str = "standalone"
    status: str = "active"
    vector_configs: list[dict[str, Any]] | None = None
    tiering: str = "auto"
    document_count: int = 0


class NamespaceList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [_EXAMPLE],
                    "pagination": {
                        "total": None,
                        "page": 1,
                        "page_size": 10,
                        "total_pages": None,
                        "next_page": None,
                        "previous_page": None,
                        "next_cursor": None,
                    },
                    "total_count": 1,
                    "stats": {"total_documents": 120, "total_collections": 2, "avg_documents_per_namespace": 120.0},
                    "warnings": [],
                }
            ]
        }
    )

    results: list[NamespaceResponse]
    pagination: dict[str, Any]
    total_count: int
    stats: dict[str, Any]
    warnings: list[str]


class NamespaceDeleted(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": "Successfully deleted",
                    "success": True,
                    "namespace_id": "ns_4t8w2e6r1y",
                    "deleted_documents": 120,
                    "task_id": "task_5t0q8w2e6r1y3u7i",
                }
            ]
        }
    )

    message: str = "Successfully deleted"
    success: bool = True
    namespace_id: str
    deleted_documents: int
    #: The job that removes the rows and gives the space back.
    task_id: str


class IndexesEnsured(BaseModel):
    """What `ensure-indexes` found and did, by the names of the payload indexes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ensured": ["price", "brand"], "created": ["price"], "rebuilt": [], "skipped": ["price"]}]
        }
    )

    ensured: list[str] = Field(description="Every index that the namespace declares.")
    created: list[str] = Field(description="Those that some collection lacked.")
    rebuilt: list[str] = Field(description="Those that are made again from the documents.")
    skipped: list[str] = Field(description="Those that were still being filled; until then queries scan.")
