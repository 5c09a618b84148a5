"""Lists of a collection's documents, in the order of their creation.

What this server cannot do yet (filters, search, other orders, groups) is refused by name: a list that ignored a
filter would show documents that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import apsw
import msgspec
import orjson
from fastapi import Depends, Query
from pydantic import Field

from headwater.catalog.tables.collections import Collection, document_count
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.http.models import unknown_key_warnings
from headwater.http.pagination import Page, PageBody, PageQuery, pagination_envelope, resolve_page
from headwater.resources.documents import repository
from headwater.resources.documents.cursor import Binding, Position, read_cursor, write_cursor
from headwater.resources.documents.repository import Found
from headwater.resources.documents.returned import Switches
from headwater.resources.documents.schemas_read import DocumentCount
from headwater.store.documents.render import (
    RenderOptions,
    render_document,
    shadow_warning,
    shadowed_names,
)
from headwater.tenancy.access import access_collection


class ListQuery(NamedTuple):
    """What a list may ask for besides its page."""

    filters: Any = None
    search: Any = None
    sort: Any = None
    group_by: Any = None
    select: Any = None
    expand: Any = None
    partition: Any = None


class ListDocumentsBody(PageBody, Switches):
    """The body of a list. All of it is optional; what it says outranks the query string."""

    filters: dict[str, Any] | None = Field(None, description="Not enabled yet.")
    search: str | None = Field(None, description="Not enabled yet.")
    sort: dict[str, Any] | str | None = Field(None, description="Not enabled yet.")
    group_by: dict[str, Any] | str | None = Field(None, description="Not enabled yet.")
    select: list[str] | None = Field(None, description="Not enabled yet.")
    expand: list[str] | None = Field(None, description="Not enabled yet.")
    partition: dict[str, Any] | None = Field(None, description="Not enabled yet.")

    @property
    def query(self) -> ListQuery:
        return ListQuery(*(getattr(self, name) for name in ListQuery._fields))


async def _list_query(
    filters: Annotated[str | None, Query(description="Not enabled yet: a filter as JSON.")] = None,
    search: Annotated[str | None, Query(description="Not enabled yet.")] = None,
    sort: Annotated[str | None, Query(description="Not enabled yet.")] = None,
    group_by: Annotated[str | None, Query(description="Not enabled yet.")] = None,
    select: Annotated[list[str] | None, Query(description="Not enabled yet.")] = None,
    expand: Annotated[list[str] | None, Query(description="Not enabled yet.")] = None,
) -> ListQuery:
    return ListQuery(_parsed_filters(filters), search, sort, group_by, select, expand)


def _parsed_filters(text: str | None) -> Any:
    if not text:
        return None
    try:
        filters = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValidationError.at(["query", "filters"], f"filters is not JSON: {error}", "json_invalid") from None
    if filters is not None and not isinstance(filters, dict):
        raise ValidationError.at(["query", "filters"], "filters must be a JSON object", "object_type")
    return filters


#: ``query: ListParameters`` in a list route declares and reads the query parameters.
ListParameters = Annotated[ListQuery, Depends(_list_query)]


async def _count_query(
    filters: Annotated[str | None, Query(description="Not enabled yet: a filter as JSON.")] = None,
) -> ListQuery:
    return ListQuery(_parsed_filters(filters))


#: ``query: CountParameters``: what a count may be asked for.
CountParameters = Annotated[ListQuery, Depends(_count_query)]


class _View(NamedTuple):
    """A list's answer in the making."""

    collection: Collection
    page: Page
    options: RenderOptions
    binding: Binding
    warnings: list[str]


async def list_documents(
    ctx: Context,
    collection_identifier: str,
    page_query: PageQuery,
    options: RenderOptions,
    query: ListQuery,
    body: ListDocumentsBody | None = None,
) -> bytes:
    """A page of the collection's documents, as the JSON of the whole answer."""
    collection = access_collection(ctx, collection_identifier)
    body = body or ListDocumentsBody()
    _require_plain(body.query, query)
    page = resolve_page(page_query, body)
    binding = ("documents", ctx.scope.organization_id, collection.namespace_row, collection.collection_row)
    after = None if page.cursor is None else read_cursor(ctx.runtime.secret, binding, page.cursor)
    options = body.with_query(options, collection.body.get("vectors") or [])
    view = _View(collection, page, options, binding, unknown_key_warnings(body))
    return await ctx.runtime.reader.run(lambda connection: _answer(ctx, connection, view, after))


def count_documents(ctx: Context, collection_identifier: str, query: ListQuery) -> DocumentCount:
    """How many documents the collection has; a filter is refused, never ignored: the number would be wrong."""
    collection = access_collection(ctx, collection_identifier)
    _require_plain(query)
    count = document_count(ctx.runtime.reader.connection, collection.collection_row)
    return DocumentCount(collection_id=collection.collection_id, count=count)


def _require_plain(*queries: ListQuery) -> None:
    for query in queries:
        for name, value in zip(ListQuery._fields, query, strict=True):
            if not _says_nothing(value):
                raise NotEnabledError(
                    f"this server does not do `{name}` on lists and counts of documents yet; leave it out",
                    details={"feature": f"documents.list.{name}"},
                )


def _says_nothing(value: Any) -> bool:
    """Generated clients send empty filters such as ``{"AND": [], "case_sensitive": false}``."""
    if isinstance(value, dict):
        return all(name == "case_sensitive" or _adds_nothing(name, member) for name, member in value.items())
    return value in (None, "", [])


def _adds_nothing(name: str, member: Any) -> bool:
    # An empty AND or NOT matches everything, but an empty OR nothing.
    return member is None or (name in ("AND", "NOT") and member in ([], {}))


def _answer(ctx: Context, connection: apsw.Connection, view: _View, after: Position | None) -> bytes:
    page, options = view.page, view.options
    # A savepoint, so that the page and the total are of one moment.
    with connection:
        found = repository.list_documents(
            connection,
            view.collection.collection_row,
            after=after,
            offset=page.offset,
            # One more than asked for tells whether there are more.
            limit=page.limit + 1,
            with_vectors=options.needs_vectors,
        )
        total = document_count(connection, view.collection.collection_row) if page.include_total else None
    has_more, found = len(found) > page.limit, found[: page.limit]
    next_cursor = None
    if has_more:
        last = found[-1].document
        next_cursor = write_cursor(ctx.runtime.secret, view.binding, Position(last.created_at, last.document_id))
    pagination = pagination_envelope(
        page,
        path=f"/v1/collections/{view.collection.collection_id}/documents",
        has_more=has_more,
        next_cursor=next_cursor,
        total=total,
    )
    return _envelope(found, options, pagination, total, [*view.warnings, *_shadow_warnings(found, options)])


def _envelope(
    found: Sequence[Found],
    options: RenderOptions,
    pagination: dict[str, Any],
    total: int | None,
    warnings: list[str],
) -> bytes:
    """The documents are joined as the bytes they are stored as, never parsed."""
    rest = {
        "groups": None,
        "group_by_field": None,
        "pagination": pagination,
        "total_documents": total,
        "stats": {
            "total_documents": total,
            "avg_blobs_per_document": _average_blobs(found),
            "total_groups": None,
            "avg_documents_per_group": None,
        },
        "warnings": warnings or None,
    }
    documents = b",".join(render_document(document, options, vectors) for document, vectors in found)
    return b'{"results":[' + documents + b"]," + orjson.dumps(rest)[1:]


class _Blobs(msgspec.Struct):
    source_blobs: list[msgspec.Raw] = []


def _average_blobs(found: Sequence[Found]) -> float:
    counts = [
        len(msgspec.json.decode(document.internal, type=_Blobs).source_blobs)
        for document, _ in found
        if b'"source_blobs"' in document.internal
    ]
    return sum(counts) / len(found) if counts else 0.0


def _shadow_warnings(found: Sequence[Found], options: RenderOptions) -> list[str]:
    if not options.needs_vectors:
        return []
    hidden = {name for document, vectors in found for name in shadowed_names(document, options, vectors)}
    return [shadow_warning(sorted(hidden))] if hidden else []
