"""Bodies and answers of the collection routes."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from headwater.http.models import ClosedModel, refused_keys
from headwater.http.pagination import PageBody

FieldType = Literal[
    "string", "number", "integer", "float", "boolean", "object", "array", "date", "datetime",
    "text", "image", "audio", "video", "pdf", "excel",
]  # fmt: skip
CollectionName = Annotated[StrictStr, Field(min_length=3, max_length=100)]
Identifier = Annotated[StrictStr, Field(min_length=1)]
Objects = list[dict[str, Any]]
SchemaValidation = Literal["off", "warn", "strict"]

_IMMUTABLE = ("source", "feature_extractor", "features", "field_passthrough", "retriever_transform", "input_schema")
_DERIVED = ("collection_id", "created_at", "updated_at", "output_schema", "document_count", "lifecycle_state")


class FieldPassthrough(ClosedModel):
    """A source field that goes into the document as it is; without ``target_path`` under its last component."""

    source_path: Identifier
    target_path: Identifier | None = None
    default: Any = None
    required: StrictBool = False

    @property
    def target(self) -> str:
        return self.target_path or self.source_path.rpartition(".")[2]


class SchemaField(BaseModel):
    """The type of a field; further keys describe it and are kept."""

    model_config = ConfigDict(extra="allow")

    type: FieldType


class FieldSchema(BaseModel):
    model_config = ConfigDict(extra="allow")

    properties: dict[str, SchemaField]


class Source(ClosedModel):
    """Where the documents come from. `direct_upsert` and `none` declare a collection that is filled by hand."""

    type: Literal["bucket", "collection", "direct_upsert", "none", "taxonomy", "cluster", "signals"]
    bucket_id: Identifier | None = None
    bucket_ids: Annotated[list[Identifier], Field(min_length=1)] | None = None
    source_namespace_id: StrictStr | None = None
    collection_id: Identifier | None = None
    collection_ids: Annotated[list[Identifier], Field(min_length=1)] | None = None
    inherited_bucket_ids: list[StrictStr] | None = None
    source_filters: dict[str, Any] | None = None
    field_map: dict[str, list[FieldPassthrough]] | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        buckets = self.bucket_id is not None or self.bucket_ids is not None
        collections = [name for name in ("collection_id", "collection_ids") if getattr(self, name) is not None]
        if self.type == "bucket" and not buckets:
            raise ValueError("a bucket source needs bucket_ids")
        if self.type == "collection" and len(collections) != 1:
            raise ValueError("a collection source needs either collection_id or collection_ids")
        if self.type != "bucket" and buckets:
            raise ValueError(f"bucket_ids do not belong to a {self.type} source")
        if self.type != "collection" and collections:
            raise ValueError(f"{collections[0]} does not belong to a {self.type} source")
        return self

    @model_validator(mode="after")
    def _targets_once(self) -> Self:
        sources: dict[str, list[str]] = defaultdict(list)
        for source_id, entries in (self.field_map or {}).items():
            for entry in entries:
                sources[entry.target].append(source_id)
        for target, found in sources.items():
            if len(found) > 1:
                raise ValueError(
                    f"field_map: {', '.join(found)} map fields to the same target_path {target!r}; rename one"
                )
        return self

    def stored(self) -> dict[str, Any]:
        """Without nulls (generated clients cannot read a null ``field_map``), the single bucket as a list of one."""
        plain = {name: value for name, value in self.model_dump().items() if value is not None}
        bucket_id = plain.pop("bucket_id", None)
        return plain if bucket_id is None else {"bucket_ids": [bucket_id]} | plain


class FeatureExtractor(BaseModel):
    """The one extractor of a collection. Further keys are its configuration and are kept."""

    model_config = ConfigDict(extra="allow")

    feature_extractor_name: Identifier
    version: Identifier
    params: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None
    input_mappings: dict[str, Any] | Objects | None = None
    field_passthrough: list[FieldPassthrough] | None = None
    include_all_source_fields: StrictBool = False

    def stored(self) -> dict[str, Any]:
        plain = {name: value for name, value in self.model_dump().items() if value is not None}
        return plain | {"feature_extractor_id": f"{self.feature_extractor_name}_{self.version}"}


class _Applications(ClosedModel):
    """What later stages attach to a collection: kept and shown."""

    schedule: dict[str, Any] | None = None
    taxonomy_applications: Objects | None = None
    cluster_applications: Objects | None = None
    alert_applications: Objects | None = None
    retriever_enrichments: Objects | None = None
    embedding_task: StrictStr | None = None
    document_schema: dict[str, Any] | None = None
    schema_validation: SchemaValidation | None = None
    schema_sync_enabled: StrictBool | None = None
    tiering: dict[str, Any] | None = None


class CreateCollectionRequest(_Applications):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"collection_name": "articles", "source": {"type": "none"}},
                {
                    "collection_name": "scenes",
                    "description": "One document for each scene of a video",
                    "source": {"type": "bucket", "bucket_ids": ["bkt_a1b2c3d4"]},
                    "feature_extractor": {"feature_extractor_name": "passthrough_extractor", "version": "v1"},
                    "document_schema": {"type": "object", "required": ["title"]},
                    "schema_validation": "warn",
                },
            ]
        }
    )

    collection_name: CollectionName
    source: Source
    description: StrictStr | None = None
    feature_extractor: FeatureExtractor | None = None
    features: list[StrictStr] | None = None
    retriever_transform: dict[str, Any] | None = None
    input_schema: FieldSchema | None = None
    enabled: StrictBool = True
    metadata: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_way_to_build(self) -> Self:
        ways = ("feature_extractor", "features", "retriever_transform")
        sent = [name for name in ways if getattr(self, name)]
        if len(sent) > 1:
            raise ValueError(f"{' and '.join(sent)} exclude each other; send one of them")
        return self


class UpdateCollectionRequest(_Applications):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"description": "Spring catalogue", "metadata": {"team": "search"}}]}
    )

    collection_name: CollectionName | None = None
    description: StrictStr | None = None
    enabled: StrictBool | None = None
    metadata: dict[str, Any] | None = None
    index_map: dict[str, StrictStr] | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_immutable(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key in _IMMUTABLE:
                message = f"cannot be changed; clone the collection with another {key}"
                raise refused_keys(cls, data, [key], "immutable", message)
            if key in _DERIVED:
                raise refused_keys(cls, data, [key], "immutable", "is kept by the server; leave it out")
            if key == "tiering_rules":
                raise refused_keys(cls, data, [key], "retired", "is retired; set tiering")
        return data


class CloneCollectionRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"collection_name": "articles-v2"}]})

    collection_name: CollectionName
    description: StrictStr | None = None
    source: Source | None = None
    feature_extractor: FeatureExtractor | None = None
    enabled: StrictBool | None = None
    metadata: dict[str, Any] | None = None
    taxonomy_applications: Objects | None = None


class ListCollectionsRequest(PageBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"filters": {"enabled": True}, "sort": {"field": "collection_name"}, "limit": 20}]
        }
    )

    filters: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    sorts: Objects | None = None
    search: StrictStr | None = None
    include_system: StrictBool = False
    case_sensitive: StrictBool = False


class TransitionLifecycleRequest(ClosedModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"lifecycle_state": "frozen"}]})

    lifecycle_state: Literal["active", "cold", "archived", "frozen"]
    async_transition: StrictBool = True


_EXTRACTOR: dict[str, Any] = {
    "feature_extractor_name": "passthrough_extractor",
    "version": "v1",
    "feature_extractor_id": "passthrough_extractor_v1",
}
_INDEX: dict[str, Any] = {
    "name": "embedding",
    "type": "dense",
    "dimensions": 384,
    "distance": "cosine",
    "datatype": "float32",
    "description": "Vectors stored as embedding",
}
_EXAMPLE: dict[str, Any] = {
    "collection_id": "col_7k2m9q4x1z",
    "collection_name": "articles",
    "description": "News",
    "input_schema": {"properties": {"title": {"type": "string"}}},
    "output_schema": {"properties": {"title": {"type": "string"}}},
    "feature_extractor": _EXTRACTOR,
    "source": {"type": "none"},
    "source_lineage": [],
    "vector_indexes": [
        {
            "name": "embedding",
            "feature_uri": "embedding",
            "type": "single",
            "description": "Vectors named embedding",
            "index": _INDEX,
            "source": "namespace_vector_config",
        }
    ],
    "payload_indexes": [],
    "enabled": True,
    "metadata": {"team": "search"},
    "created_at": "2026-01-05T09:30:00.000Z",
    "updated_at": "2026-01-05T09:30:00.000Z",
    "lifecycle_state": "active",
    "document_count": 120,
    "vector_count": 120,
    "schema_validation": "off",
    "indexing_status": "quiesced",
}
_PAGINATION: dict[str, Any] = {
    "total": None,
    "page": 1,
    "page_size": 10,
    "total_pages": None,
    "next_page": None,
    "previous_page": None,
    "next_cursor": None,
}


class CollectionResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    collection_id: str
    collection_name: str
    description: str | None = None
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    feature_extractor: dict[str, Any]
    source: dict[str, Any]
    source_bucket_schemas: dict[str, Any] | None = None
    source_lineage: Objects
    index_map: dict[str, str] | None = None
    vector_indexes: Objects
    payload_indexes: Objects
    embedding_task: str | None = None
    enabled: bool = True
    disabled_reason: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    schedule: dict[str, Any] | None = None
    trigger_id: str | None = None
    created_at: str
    updated_at: str
    lifecycle_state: str = "active"
    s3_vector_index: str | None = None
    last_lifecycle_transition: str | None = None
    tiering_rules: Objects | None = None
    tiering: dict[str, Any] | None = None
    document_count: int = 0
    vector_count: int = 0
    schema_version: int = 1
    last_schema_sync: str | None = None
    schema_sync_enabled: bool = True
    document_schema: dict[str, Any] | None = None
    schema_validation: SchemaValidation = "off"
    taxonomy_applications: Objects | None = None
    cluster_applications: Objects | None = None
    alert_applications: Objects | None = None
    retriever_enrichments: Objects | None = None
    retriever_transform: dict[str, Any] | None = None
    taxonomy_count: int = 0
    retriever_count: int = 0
    indexing_status: Literal["quiesced", "indexing", "blocked", "unknown"] = "quiesced"
    indexing_status_scoped: bool = True
    warnings: list[str] | None = None


class CollectionList(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [_EXAMPLE],
                    "pagination": _PAGINATION,
                    "total_count": 1,
                    "stats": {
                        "total_documents": 120,
                        "avg_documents_per_collection": 120.0,
                        "collections_with_taxonomies": 0,
                    },
                    "warnings": [],
                }
            ]
        }
    )

    results: list[CollectionResponse]
    pagination: dict[str, Any]
    total_count: int
    stats: dict[str, Any]
    warnings: Objects


class CollectionCloned(BaseModel):
    collection: CollectionResponse
    source_collection_id: str


class CollectionDeleted(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": "Successfully deleted",
                    "success": True,
                    "collection_id": "col_7k2m9q4x1z",
                    "deleted_documents": 120,
                    "task_id": "task_5t0q8w2e6r1y3u7i",
                }
            ]
        }
    )

    message: str = "Successfully deleted"
    success: bool = True
    collection_id: str
    deleted_documents: int
    #: The job that removes the rows and gives the space back.
    task_id: str


class CollectionFeatures(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "features": [
                        {
                            "feature_address": "mixpeek://text_extractor@v1/embedding",
                            "feature_uri": "mixpeek://text_extractor@v1/embedding",
                            "feature_extractor_name": "text_extractor",
                            "version": "v1",
                            "vector_index": {**_INDEX, "name": "text_extractor_v1_embedding"},
                            "primary": True,
                        }
                    ]
                }
            ]
        }
    )

    features: Objects


class LifecycleStatus(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "collection_id": "col_7k2m9q4x1z",
                    "lifecycle_state": "frozen",
                    "vector_document_count": 120,
                    "last_transitioned_at": "2026-01-05T09:30:00.000Z",
                }
            ]
        }
    )

    collection_id: str
    lifecycle_state: str
    s3_vector_index: str | None = None
    vector_document_count: int | None = None
    s3_vector_count: int | None = None
    last_transitioned_at: str | None = None
    task_id: str | None = None
    warning: str | None = None
