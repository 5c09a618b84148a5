"""Bodies and answers of lists of objects."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from headwater.http.pagination import PageBody
from headwater.resources.documents.list_request import MAX_PATHS, MAX_SEARCH_LENGTH, Path, Sort, sort_of
from headwater.resources.objects.schemas import OBJECT_EXAMPLE


class ListObjectsRequest(PageBody):
    """What to list. All of it is optional."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "filters": {"metadata.category": "footwear"},
                    "sort": {"field": "price", "direction": "desc"},
                    "select": ["title", "blobs.details"],
                    "limit": 20,
                }
            ]
        }
    )

    filters: dict[str, Any] | None = Field(None, description="A filter; see the guide on querying.")
    search: str | None = Field(
        None,
        max_length=MAX_SEARCH_LENGTH,
        description="A text that occurs in the id, the `key_prefix` or a string of the object's own fields.",
    )
    sort: Annotated[Sort | None, BeforeValidator(sort_of)] = Field(
        None, description='`{"field": "price", "direction": "desc"}` or `price:desc`. What has no value comes last.'
    )
    sorts: list[Sort] | None = Field(None, max_length=16, description="The first one counts, before `sort`.")
    select: list[Path] | None = Field(None, max_length=MAX_PATHS, description="The fields to show; ids always are.")
    return_presigned_urls: StrictBool = Field(False, description="Add links to the files, good for an hour.")
    explain: StrictBool = Field(False, description="Say in `explain` how the answer was found.")

    @property
    def chosen_sort(self) -> Sort | None:
        return self.sorts[0] if self.sorts else self.sort

    @property
    def narrows(self) -> bool:
        """Whether it asks for anything but a page of all objects."""
        return any((self.filters, self.search, self.chosen_sort, self.select, self.return_presigned_urls))


class ObjectListStats(BaseModel):
    """About the objects of this page."""

    total_objects: int
    total_blobs: int
    avg_blobs_per_object: float
    objects_by_status: dict[str, int]


class ListedObject(BaseModel):
    """An object, or what `select` keeps of it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [OBJECT_EXAMPLE]})

    object_id: str
    bucket_id: str
    key_prefix: str | None = None
    status: str | None = None
    lifecycle_state: str | None = None
    blobs: list[dict[str, Any]] | None = Field(None, description="As in an object, or what `select` keeps of them.")
    source_details: list[dict[str, Any]] | None = None
    edges: list[dict[str, Any]] | None = None
    created_at: str | None = None
    updated_at: str | None = None


class ObjectList(BaseModel):
    results: list[ListedObject]
    pagination: dict[str, Any]
    stats: ObjectListStats
    warnings: list[str] | None
    explain: dict[str, Any] | None = None
