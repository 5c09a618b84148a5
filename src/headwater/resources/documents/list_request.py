"""What a list of documents can be asked for, in the query string or in a body: one set of rules for both.

``list_parameters`` reads the query string.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import orjson
import pydantic
from pydantic import BeforeValidator, Field, StringConstraints

from headwater.http.models import ClosedModel, LenientModel, refused_keys
from headwater.http.pagination import PageBody
from headwater.query import Filter, parse_filter
from headwater.resources.documents.expand import MAX_NAMES, parse_expand
from headwater.resources.documents.returned import Switches
from headwater.resources.documents.select import Selection

MAX_SEARCH_LENGTH = 1000
MAX_PARTITIONS = 256
MAX_PATHS = 200
MAX_PATH_LENGTH = 1000
MAX_COLLECTIONS = 1000


Path = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PATH_LENGTH)]


class Sort(ClosedModel):
    """One key of an order."""

    field: Path
    direction: Literal["asc", "desc"] = "asc"


class PartitionOf(ClosedModel):
    """One of ``count`` disjoint parts of a list."""

    index: int = Field(ge=0, lt=MAX_PARTITIONS, strict=True)
    count: int = Field(ge=1, le=MAX_PARTITIONS, strict=True)

    @pydantic.model_validator(mode="after")
    def _index_below_count(self) -> PartitionOf:
        if self.index >= self.count:
            raise ValueError(f"index must be less than count, which is {self.count}, not {self.index}")
        return self


class GroupBy(ClosedModel):
    """The field whose values make the groups."""

    field: Path


def sort_of(value: Any) -> Any:
    """``price:desc`` and ``price`` are short for the object."""
    if not isinstance(value, str) or not value:
        return value or None
    field, colon, direction = value.rpartition(":")
    return {"field": field, "direction": direction} if colon else {"field": value}


def _group_of(value: Any) -> Any:
    return {"field": value} if isinstance(value, str) and value else value or None


class ListFields(LenientModel):
    """What a list is asked for besides its page and what its documents show."""

    filters: dict[str, Any] | None = Field(None, description="A filter; see the guide on querying.")
    search: str | None = Field(
        None, max_length=MAX_SEARCH_LENGTH, description="A text that occurs in the id or in a string of the document."
    )
    sort: Annotated[Sort | None, BeforeValidator(sort_of)] = Field(
        None, description='`{"field": "price", "direction": "desc"}` or `price:desc`. What has no value comes last.'
    )
    group_by: Annotated[GroupBy | None, BeforeValidator(_group_of)] = Field(
        None, description="The field whose values make groups; pages are then pages of groups."
    )
    select: list[Path] | None = Field(
        None, max_length=MAX_PATHS, description="The fields to show; ids and returned vectors always are."
    )
    expand: list[Path] | None = Field(
        None, max_length=MAX_NAMES, description="Fields with document ids to resolve in `_expanded`."
    )
    partition: PartitionOf | None = Field(None, description="One of `count` disjoint parts of the list.")
    explain: bool | None = Field(None, description="Say in `explain` how the answer was found.")


class ListDocumentsBody(ListFields, PageBody, Switches):
    """The body of a list. All of it is optional; what it says outranks the query string."""


_COLLECTION_ALIASES = ("collection_id", "collections")


class NamespaceListBody(ListDocumentsBody):
    """The body of a list over collections. An unknown key is refused: it may be a misspelt ``collection_ids``."""

    collection_ids: list[str] | None = Field(
        None,
        max_length=MAX_COLLECTIONS,
        description="Ids or names of collections; without it, all of the namespace. `collection_id` and `collections`"
        " mean the same, and a single text is a list of one.",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_spelling(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        accepted = [*sorted(cls._known_keys), *_COLLECTION_ALIASES]
        unknown = [key for key in data if key not in accepted]
        if unknown:
            message = f"unknown key; accepted are {', '.join(accepted)}"
            raise refused_keys(cls, data, unknown, "extra_forbidden", message)
        spelled = [name for name in ("collection_ids", *_COLLECTION_ALIASES) if data.get(name) is not None]
        if len(spelled) > 1:
            raise refused_keys(cls, data, spelled[1:], "repeated", f"the same as {spelled[0]}; send one of them")
        rest = {key: value for key, value in data.items() if key not in _COLLECTION_ALIASES}
        if spelled:
            named = data[spelled[0]]
            rest["collection_ids"] = [named] if isinstance(named, str) else named
        return rest


class Asked(NamedTuple):
    """What a list is asked for, all in all: the body over the query string."""

    filter: Filter | None = None
    search: str | None = None
    sort: Sort | None = None
    group_by: str | None = None
    select: Selection | None = None
    expand: tuple[str, ...] = ()
    partition: PartitionOf | None = None
    explain: bool = False
    #: The query string that asks for the same.
    parameters: dict[str, Any] = {}


def asked_for(query: ListFields, body: ListFields | None = None) -> Asked:
    """Raises ``ValidationError`` for a filter that is none, and for too much to expand."""
    outranking = ListFields() if body is None else body
    sent = {name: value for name in ListFields.model_fields if (value := getattr(outranking, name)) is not None}
    fields = query.model_copy(update=sent)

    def at(name: str) -> list[str | int]:
        return ["body" if name in sent else "query", name]

    return Asked(
        filter=parse_filter(fields.filters, at("filters")),
        search=fields.search or None,
        sort=fields.sort,
        group_by=None if fields.group_by is None else fields.group_by.field,
        select=Selection.of(fields.select) if fields.select else None,
        expand=parse_expand(fields.expand or (), at("expand")),
        partition=fields.partition,
        explain=bool(fields.explain),
        parameters=_parameters(fields),
    )


def _parameters(fields: ListFields) -> dict[str, Any]:
    sent = fields.model_dump(exclude_none=True)
    plain = ("search", "explain", "select", "expand")
    return {
        name: value if name in plain else orjson.dumps(value).decode()
        for name, value in sent.items()
        if value not in ("", [], {}, False)
    }
