"""Lists of documents: what is asked for becomes a question that a connection can answer, its answer an envelope."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from headwater.context import Context
from headwater.errors import BadRequestError
from headwater.http.models import unknown_key_warnings
from headwater.http.pagination import Page, PageQuery, resolve_page
from headwater.resources.documents import list_page
from headwater.resources.documents.cursor import Binding, Cursor, read_cursor, refused_cursor, write_cursor
from headwater.resources.documents.file_links import links_for
from headwater.resources.documents.list_envelope import Listed, list_envelope
from headwater.resources.documents.list_page import Answer, Question, View
from headwater.resources.documents.list_request import (
    Asked,
    ListDocumentsBody,
    ListFields,
    Sort,
    asked_for,
)
from headwater.resources.documents.list_warnings import list_warnings
from headwater.resources.documents.schemas_read import DocumentCount
from headwater.store.documents.render import RenderOptions
from headwater.store.find import Explain, Order, Partition, Query
from headwater.store.find.grouping import MAX_GROUPS, TooManyGroupsError
from headwater.store.find.query import CREATION
from headwater.tenancy.access import access_collection, document_scope
from headwater.tenancy.document_acl import principal_of


async def list_documents(
    ctx: Context,
    collection_identifier: str,
    page: PageQuery,
    options: RenderOptions,
    query: ListFields,
    body: ListDocumentsBody | None = None,
) -> bytes:
    """A page of the collection's documents, as the JSON of the whole answer."""
    collection = access_collection(ctx, collection_identifier)
    body = body or ListDocumentsBody()
    listed = Listed(
        (collection.collection_row,),
        ("collection", collection.collection_row),
        body.with_query(options, collection.body.get("vectors") or []),
        f"/v1/collections/{collection.collection_id}/documents",
    )
    return await list_page_of(ctx, listed, resolve_page(page, body), asked_for(query, body), unknown_key_warnings(body))


async def count_documents(ctx: Context, collection_identifier: str, query: ListFields) -> DocumentCount:
    """How many of the collection's documents match the filter and may be seen by the caller."""
    collection = access_collection(ctx, collection_identifier)
    wanted = _query(ctx, (collection.collection_row,), asked_for(query))
    counted = await ctx.runtime.find(list_page.count_matches, wanted)
    ctx.runtime.learner.note(wanted, counted.explain)
    return DocumentCount(collection_id=collection.collection_id, count=counted.total)


async def list_page_of(ctx: Context, listed: Listed, page: Page, asked: Asked, warnings: list[str]) -> bytes:
    """The JSON of a page of those documents."""
    binding = _binding(ctx, listed, asked)
    cursor = None if page.cursor is None else read_cursor(ctx.runtime.secret, binding, page.cursor)
    partition = _partition(asked, cursor)
    question = Question(
        query=_query(ctx, listed.collection_rows, asked, partition),
        view=View(
            listed.options,
            asked.select,
            links_for(ctx, listed.options),
            asked.expand,
            document_scope(ctx) if asked.expand else None,
        ),
        order=_order(asked.sort),
        group_by=asked.group_by,
        after=None if cursor is None else cursor.position,
        offset=page.offset,
        limit=page.limit,
        counted=page.include_total,
    )
    answer = await _answer(ctx, question)
    following = None
    if answer.following is not None:
        following = write_cursor(ctx.runtime.secret, binding, Cursor(answer.following, partition))
    warnings += list_warnings(asked, answer, ctx.scope, ctx.runtime.settings.learn_rows)
    return list_envelope(listed, page, asked, answer, following, warnings)


async def _answer(ctx: Context, question: Question) -> Answer:
    try:
        answer = await ctx.runtime.find(list_page.answer, question, shown=question.limit)
    except TooManyGroupsError:
        raise BadRequestError(
            f"{question.group_by!r} has more than {MAX_GROUPS} values, too many to make groups of; narrow the list with"
            " filters, or group by another field",
            details={"group_by": question.group_by, "limit": MAX_GROUPS},
            code="too_many_groups",
        ) from None
    ctx.runtime.learner.note(question.query, answer.explain)
    # How much was read to find it counts documents that an end user may not see.
    return answer if question.query.principal is None else answer._replace(explain=Explain())


def _order(sort: Sort | None) -> Order:
    if sort is None:
        return CREATION
    # Only this spelling surely means when a document was made: ``created_at`` may be a field of its own.
    path = None if sort.field == "_internal.created_at" else sort.field
    return Order(path, sort.direction == "desc")


def _query(ctx: Context, rows: tuple[int, ...], asked: Asked, partition: Partition | None = None) -> Query:
    return Query(ctx.scope.namespace_row, rows, asked.filter, principal_of(ctx), asked.search, partition)


def _binding(ctx: Context, listed: Listed, asked: Asked) -> Binding:
    """The partition is not part of it: the cursor carries its own."""
    sort = None if asked.sort is None else (asked.sort.field, asked.sort.direction)
    query = msgspec.json.encode([listed.named, asked.filter, asked.search, sort, asked.group_by])
    return ("documents", ctx.scope.organization_id, ctx.scope.namespace_row, sha256(query).hexdigest())


def _partition(asked: Asked, cursor: Cursor | None) -> Partition | None:
    sent = None if asked.partition is None else Partition(asked.partition.index, asked.partition.count)
    if cursor is None:
        return sent
    if sent not in (None, cursor.partition):
        raise refused_cursor()
    return cursor.partition
