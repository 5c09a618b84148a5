"""Pages of lists: one set of parameters, one order of precedence, one envelope.

Precedence: the body over the query, ``limit`` over ``page_size``, the cursor over ``offset`` over ``page``;
``cursor``, ``next_cursor`` and ``after`` are synonyms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import Field

from headwater.errors import ValidationError
from headwater.http.models import LenientModel

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
MAX_OFFSET = 10_000
#: Servers and proxies refuse longer targets; whoever asked in a body goes on with the cursor.
MAX_LINK_LENGTH = 8000

_Limit = Annotated[int | None, Query(ge=1, le=MAX_LIMIT)]
_Cursor = Annotated[str | None, Query(max_length=4096)]


@dataclass(frozen=True)
class Page:
    """The part of a list that is asked for. With a cursor, ``offset`` is 0 and means nothing."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    cursor: str | None = None
    include_total: bool = False


@dataclass(frozen=True)
class PageQuery:
    """The pagination parameters of the query string, as sent."""

    limit: int | None = None
    page_size: int | None = None
    offset: int | None = None
    page: int | None = None
    cursor: str | None = None
    include_total: bool | None = None


class PageBody(LenientModel):
    """The pagination parameters of a list body; inherit it for the body of a list route."""

    limit: int | None = Field(None, ge=1, le=MAX_LIMIT, description="Rows on a page (default 10).")
    page_size: int | None = Field(None, ge=1, le=MAX_LIMIT, description="The same as `limit`.")
    offset: int | None = Field(None, ge=0, description="Rows to skip.")
    page: int | None = Field(None, ge=1, description="Page number from 1; `offset` outranks it.")
    cursor: str | None = Field(None, max_length=4096, description="`next_cursor` of the page before.")
    next_cursor: str | None = Field(None, max_length=4096, description="The same as `cursor`.")
    after: str | None = Field(None, max_length=4096, description="The same as `cursor`.")
    include_total: bool | None = Field(None, description="Count all rows that match.")


async def _page_query(
    limit: _Limit = None,
    page_size: _Limit = None,
    offset: Annotated[int | None, Query(ge=0, le=MAX_OFFSET)] = None,
    page: Annotated[int | None, Query(ge=1)] = None,
    cursor: _Cursor = None,
    next_cursor: _Cursor = None,
    after: _Cursor = None,
    include_total: bool | None = None,
) -> PageQuery:
    return PageQuery(limit, page_size, offset, page, cursor or next_cursor or after, include_total)


#: ``page: PageParameters`` in a list route declares and reads the query parameters.
PageParameters = Annotated[PageQuery, Depends(_page_query)]


def resolve_page(query: PageQuery, body: PageBody | None = None, *, max_offset: int | None = MAX_OFFSET) -> Page:
    """What is asked for, all in all. ``max_offset`` is the largest offset of the list, None for any."""
    body = body or PageBody()
    limit = _first(body.limit, body.page_size, query.limit, query.page_size, DEFAULT_LIMIT)
    include_total = bool(_first(body.include_total, query.include_total, False))
    cursor = body.cursor or body.next_cursor or body.after or query.cursor
    if cursor:
        return Page(limit, 0, cursor, include_total)
    offset = _offset(body.offset, body.page, limit)
    if offset is None:
        offset = _offset(query.offset, query.page, limit) or 0
    if max_offset is not None and offset > max_offset:
        raise ValidationError.at(
            ["query", "offset"], f"offset must be <= {max_offset}; go on with `next_cursor`", "less_than_equal"
        )
    return Page(limit, offset, None, include_total)


def _offset(offset: int | None, page: int | None, limit: int) -> int | None:
    # Generated clients always send ``offset: 0``; it must not outrank a page that somebody meant.
    if page is not None and not offset:
        return (page - 1) * limit
    return offset


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def pagination_envelope(
    page: Page,
    *,
    path: str | None,
    has_more: bool,
    next_cursor: str | None = None,
    total: int | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The seven keys of ``pagination``.

    ``path`` is the list's GET alias (``/v1/collections/col_1/documents``), None if it has none; ``parameters`` are
    further query parameters that its neighbours keep. ``total`` is shown only where the caller asked for it. Pass
    ``next_cursor`` only with ``has_more``.
    """
    shown = total if page.include_total else None
    envelope: dict[str, Any] = {
        "total": shown,
        "page": None,
        "page_size": page.limit,
        "total_pages": None if shown is None else -(-shown // page.limit),
        "next_page": None,
        "previous_page": None,
        "next_cursor": next_cursor if has_more else None,
    }
    if page.cursor is None:
        envelope["page"] = page.offset // page.limit + 1
        # An offset beyond the limit would be refused; the cursor leads there.
        if has_more and page.offset + page.limit <= MAX_OFFSET:
            envelope["next_page"] = _link(path, page, page.offset + page.limit, parameters)
        if page.offset:
            envelope["previous_page"] = _link(path, page, max(0, page.offset - page.limit), parameters)
    return envelope


def _link(path: str | None, page: Page, offset: int, parameters: Mapping[str, Any] | None) -> str | None:
    query: dict[str, Any] = {"limit": page.limit, "offset": offset}
    if page.include_total:
        query["include_total"] = "true"
    link = f"{path}?{urlencode(query | dict(parameters or {}), doseq=True)}"
    return link if path is not None and len(link) <= MAX_LINK_LENGTH else None
