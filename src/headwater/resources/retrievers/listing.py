"""Listing retrievers: filters, search, sort and pages over those of one namespace."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.context import Context
from headwater.http.pagination import Page, pagination_envelope
from headwater.resources.collections import object_page
from headwater.resources.retrievers import repository
from headwater.resources.retrievers.render import retriever_response
from headwater.resources.retrievers.schemas import ListRetrieversRequest


async def list_retrievers(ctx: Context, request: ListRetrieversRequest, page: Page) -> dict[str, Any]:
    scope = ctx.scope
    selection = object_page.Selection(
        scope=f"retrievers:{scope.organization_id}:{scope.namespace_row}",
        id_field="retriever_id",
        searched=("retriever_id", "retriever_name", "description"),
        filters=_plain_filters(request.filters),
        sort=object_page.sort_of(request.sort, request.sorts),
        search=request.search,
        case_sensitive=request.case_sensitive,
    )
    key = ctx.runtime.secret.derive("cursors")

    # All of it in the reader's thread: there may be thousands of retrievers.
    def read(connection: apsw.Connection) -> object_page.Slice:
        objects = [retriever_response(retriever) for retriever in repository.list_retrievers(connection, scope)]
        return object_page.cut(object_page.select(objects, selection), selection, page, key)

    return _answer(page, await ctx.runtime.reader.run(read))


def _answer(page: Page, cut: object_page.Slice) -> dict[str, Any]:
    return {
        "results": cut.rows,
        "total": cut.total,
        "pagination": pagination_envelope(
            page,
            path="/v1/retrievers",
            has_more=cut.next_cursor is not None,
            next_cursor=cut.next_cursor,
            total=cut.total,
        ),
        "warnings": [],
    }


def _plain_filters(filters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Clients of this list also write ``{"retriever_id": {"$in": […]}}``."""
    if filters is None:
        return None
    return {
        name: value["$in"] if isinstance(value, dict) and value.keys() == {"$in"} else value
        for name, value in filters.items()
    }


def unresolved_namespace_page(page: Page, identifier: str) -> dict[str, Any]:
    """The empty page for an ``X-Namespace`` that names nothing: clients list before they create."""
    warning = {
        "resource": "namespace",
        "id": identifier,
        "reason": "unresolved",
        "next_step": "Send the id or name of a namespace of this API key's organization in X-Namespace",
    }
    return _answer(page, object_page.Slice([], 0, None)) | {"warnings": [warning]}
