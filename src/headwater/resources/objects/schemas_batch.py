"""Bodies and answers about several objects at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, field_validator

from headwater.http.models import ClosedModel
from headwater.resources.objects.schemas import ObjectResponse

MAX_OBJECTS = 100
MAX_SOFT_DELETED = 5000


class CreateObjectsRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"objects": [{"title": "Trail runner"}, {"title": "Road runner"}]}]}
    )

    # Each is looked at by itself, so that one that is wrong does not refuse the others.
    objects: Annotated[list[Any], Field(min_length=1, max_length=MAX_OBJECTS)] = Field(
        description="Bodies of single creates."
    )


class BatchObject(ObjectResponse):
    """An object of the answer."""

    object_index: int = Field(description="Its place in the request.")
    replayed: bool = Field(description="It was there already and is unchanged.")
    replayed_by: Literal["idempotency_key", "skip_duplicates"] | None = Field(None, description="Why, if it was.")


class FailedObject(BaseModel):
    object_index: int
    error: str
    error_type: str


class ObjectsCreated(BaseModel):
    succeeded: list[BatchObject]
    failed: list[FailedObject]
    total_requested: int
    succeeded_count: int
    failed_count: int
    warnings: list[str] | None = None


class SoftDeleteRequest(ClosedModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object_ids": ["obj_9f2k1m7q0a4z"], "reason": "withdrawn by the author"}]}
    )

    object_ids: Annotated[list[StrictStr], Field(min_length=1, max_length=MAX_SOFT_DELETED)]
    reason: Annotated[StrictStr, Field(max_length=500)] = Field(description="Kept with each object.")
    lifecycle_state: Annotated[StrictStr, Field(min_length=1, max_length=100)] = Field(
        "disabled", description="What the objects are from now on; anything but `active`."
    )
    source: Annotated[StrictStr, Field(max_length=100)] = "bulk_purge"

    @field_validator("lifecycle_state")
    @classmethod
    def _not_active(cls, value: str) -> str:
        if value == "active":
            raise ValueError("a soft deletion cannot make objects active")
        return value


class SoftDeleted(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"soft_deleted": 1, "requested": 1, "collections": 2}]})

    soft_deleted: int = Field(description="Objects that were active before.")
    requested: int
    collections: int = Field(description="Collections that are sourced from the bucket.")
