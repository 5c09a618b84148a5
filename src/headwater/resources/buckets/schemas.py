"""Bodies and answers of the bucket routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, model_validator

from headwater.http.models import ClosedModel, refused_keys
from headwater.http.pagination import PageBody
from headwater.store.buckets.unique_key import Policy

BucketName = Annotated[StrictStr, Field(min_length=1, max_length=100)]
FieldName = Annotated[StrictStr, Field(min_length=1, max_length=100)]
StorageClass = Literal["standard", "nearline", "coldline", "archive"]
_ALIASES = {"schema": "bucket_schema", "name": "bucket_name"}


class UniqueKey(ClosedModel):
    """Fields of the schema whose values, taken together, at most one object of the bucket has."""

    fields: Annotated[list[FieldName], Field(min_length=1, max_length=16)]
    default_policy: Policy | None = Field(
        None, description="What a create does when the key is taken, unless the request says otherwise by `policy`."
    )


class _Settings(ClosedModel):
    description: StrictStr | None = Field(None, max_length=10_000)
    metadata: dict[str, Any] | None = None
    unique_key: UniqueKey | None = None
    storage_class: StorageClass | None = None
    destination: dict[str, Any] | None = None
    ingest_filter: dict[str, Any] | None = None
    source_adapter: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        twice = [alias for alias, name in _ALIASES.items() if alias in data and name in data]
        if twice:
            raise refused_keys(cls, data, twice, "repeated", f"the same as {_ALIASES[twice[0]]}; send one of them")
        return _renamed(data, _ALIASES)


def _renamed(data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in data.items()}


class CreateBucketRequest(_Settings):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "bucket_name": "films",
                    "bucket_schema": {
                        "properties": {
                            "title": {"type": "string", "required": True},
                            "trailer": {"type": "video"},
                        }
                    },
                }
            ]
        }
    )

    bucket_name: BucketName = Field(description="Unique in its namespace. `name` means the same.")
    bucket_schema: dict[str, Any] = Field(
        description='`{"properties": {name: {"type": …, "required": …}}}`. `schema` means the same.'
    )


class UpdateBucketRequest(_Settings):
    model_config = ConfigDict(json_schema_extra={"examples": [{"description": "Trailers", "metadata": {"team": "x"}}]})

    bucket_name: BucketName | None = None
    bucket_schema: dict[str, Any] | None = None


class ListBucketsRequest(PageBody):
    """What to list. All of it is optional."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"search": "films", "sort": {"field": "bucket_name"}}]})

    search: StrictStr | None = Field(
        None, max_length=1000, description="A text that occurs in id, name or description."
    )
    filters: dict[str, Any] | None = None
    sort: dict[str, Any] | None = Field(None, description='`{"field": "created_at", "direction": "desc"}`')
    sorts: list[dict[str, Any]] | None = Field(None, description="The first one counts, before `sort`.")
    case_sensitive: bool = False


_EXAMPLE: dict[str, Any] = {
    "bucket_id": "bkt_a1b2c3d4",
    "bucket_name": "films",
    "description": None,
    "bucket_schema": {"properties": {"title": {"type": "string", "required": True}, "trailer": {"type": "video"}}},
    "unique_key": None,
    "metadata": {},
    "storage_class": "standard",
    "object_count": 2,
    "failed_object_count": 0,
    "total_size_bytes": 7_340_032,
    "storage_stats": {"total_size_bytes": 7_340_032, "avg_size_bytes": 3_670_016},
    "status": "ACTIVE",
    "is_locked": False,
    "created_at": "2026-01-05T10:00:00.000Z",
    "updated_at": "2026-01-05T10:00:00.000Z",
    "last_upload_at": "2026-01-05T10:02:00.000Z",
}


class StorageStats(BaseModel):
    total_size_bytes: int
    avg_size_bytes: int


class BucketResponse(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    bucket_id: str
    bucket_name: str
    description: str | None
    bucket_schema: dict[str, Any]
    unique_key: dict[str, Any] | None
    metadata: dict[str, Any]
    storage_class: StorageClass
    object_count: int = Field(description="Soft-deleted objects count too.")
    failed_object_count: int
    total_size_bytes: int = Field(description="Of all blobs that are kept here.")
    storage_stats: StorageStats
    status: Literal["ACTIVE"]
    is_locked: bool
    created_at: str
    updated_at: str
    last_upload_at: str | None


class BucketListStats(BaseModel):
    """About all buckets that match."""

    total_objects: int
    total_size_bytes: int
    avg_objects_per_bucket: float
    avg_size_per_bucket: float


class BucketList(BaseModel):
    results: list[BucketResponse]
    total_count: int
    pagination: dict[str, Any]
    stats: BucketListStats
    warnings: list[dict[str, Any]]


class BucketDeleted(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task_id": "task_1f0c9a7d3b2e54aa",
                    "status": "PENDING",
                    "bucket_id": "bkt_a1b2c3d4",
                    "bucket_name": "films",
                    "object_count": 2,
                }
            ]
        }
    )

    task_id: str = Field(description="The task that removes the objects.")
    status: Literal["PENDING"]
    bucket_id: str
    bucket_name: str
    object_count: int
