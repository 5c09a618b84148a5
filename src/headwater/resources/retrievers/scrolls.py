"""Scrolls: a result set that is kept, so that its pages fit together whatever is written meanwhile.

What is kept is which documents there are, in which order; each page shows them as they are then. Any worker can go on
with a scroll: its rows are in the database, and where the next page begins is in the signed id.
"""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.context import Context
from headwater.errors import BadRequestError, NotFoundError
from headwater.kit.clock import now_milliseconds
from headwater.kit.signing import SHORT, read_signed, sign
from headwater.resources.retrievers import repository
from headwater.retrieval.hits import Hit
from headwater.retrieval.paging import PageRequest, ResultPage
from headwater.store.commands.retrievers import KeepScroll

MAX_BYTES = 4 << 20


class _Place(msgspec.Struct, array_like=True):
    """Where a scroll goes on."""

    scroll_row: int
    offset: int


async def begin_scroll(ctx: Context, hits: list[Hit], page: PageRequest, retriever_id: str) -> ResultPage:
    """The first page. The rest is kept if there is any."""
    if len(hits) <= page.size:
        return _page(hits, page, 0, None)
    rows = msgspec.msgpack.encode([_packed(hit) for hit in hits])
    if len(rows) > MAX_BYTES:
        raise BadRequestError(
            f"the {len(hits)} rows take more than {MAX_BYTES >> 20} MiB, too much to be kept for a scroll; use"
            " pagination by cursor, or a limit stage",
            details={"rows": len(hits), "limit_bytes": MAX_BYTES},
            code="scroll_too_large",
        )
    outcome = await ctx.execute(
        KeepScroll(
            organization_id=ctx.scope.organization_id,
            namespace_row=ctx.scope.namespace_row,
            expires_at=now_milliseconds() + 1000 * page.scroll_seconds,
            rows=rows,
        )
    )
    return _page(hits, page, 0, _signed(ctx, retriever_id, _Place(outcome["scroll_row"], page.size)))


def continue_scroll(ctx: Context, page: PageRequest, retriever_id: str) -> ResultPage:
    """The page that the scroll's id stands for. ``NotFoundError`` when it has expired, or is not of this retriever."""
    scroll_id = str(page.scroll_id)
    raw = read_signed(_key(ctx), scroll_id, about=_about(ctx, retriever_id), code_bytes=SHORT)
    if raw is None:
        raise NotFoundError.of("scroll", scroll_id[:100])
    place = msgspec.msgpack.decode(raw, type=_Place)
    connection = ctx.runtime.reader.connection
    rows = repository.find_scroll(connection, ctx.scope, place.scroll_row, now_milliseconds())
    if rows is None:
        raise NotFoundError.of("scroll", scroll_id[:100])
    hits = [Hit(*row) for row in msgspec.msgpack.decode(rows)]
    following = _Place(place.scroll_row, place.offset + page.size)
    return _page(hits, page, place.offset, _signed(ctx, retriever_id, following))


def _page(hits: list[Hit], page: PageRequest, offset: int, following: str | None) -> ResultPage:
    rows = hits[offset : offset + page.size]
    has_next = offset + len(rows) < len(hits)
    shown: dict[str, Any] = {
        "method": "scroll",
        "scroll_id": following if has_next else None,
        "limit": page.size,
        "returned": len(rows),
        "total": len(hits),
        "has_next": has_next,
    }
    return ResultPage(rows, shown)


def _packed(hit: Hit) -> tuple[Any, ...]:
    """Documents are read again for each page; rows that stages made are all that there is of them."""
    document = None if hit.document_row else hit.document
    place = (hit.collection_row, hit.document_row, hit.collection_id, hit.document_id)
    return (*place, hit.score, document, hit.added, None)


def _signed(ctx: Context, retriever_id: str, place: _Place) -> str:
    payload = msgspec.msgpack.encode(place)
    return sign(_key(ctx), payload, about=_about(ctx, retriever_id), code_bytes=SHORT)


def _key(ctx: Context) -> bytes:
    return ctx.runtime.secret.derive("scrolls")


def _about(ctx: Context, retriever_id: str) -> bytes:
    """Whose scroll it is: keys that see other documents cannot go on with it."""
    principal, scopes = ctx.key.principal_id, ctx.key.scopes
    return msgspec.json.encode([ctx.scope.organization_id, ctx.scope.namespace_row, retriever_id, principal, scopes])
