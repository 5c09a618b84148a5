"""What has become of executions: lists of them, and one by its id."""

from __future__ import annotations

import asyncio
from typing import Any

import apsw
import msgspec

from headwater import ids
from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.http.pagination import Page, PageQuery, resolve_page
from headwater.kit.clock import now_milliseconds
from headwater.resources.collections import object_page
from headwater.resources.retrievers import repository
from headwater.resources.retrievers.schemas_history import ListAdHocExecutionsRequest, ListExecutionsRequest
from headwater.resources.retrievers.service import access_retriever

#: How often to look again for an execution that another worker has not written yet.
_LOOK_EVERY_SECONDS = 0.05
#: Under which names ad hoc executions are found in lists of them.
AD_HOC = 0
Recorded = dict[str, Any]


async def list_executions(
    ctx: Context, identifier: str, request: ListExecutionsRequest, query: PageQuery
) -> dict[str, Any]:
    """A page of the retriever's executions, the newest first or by ``sorts``."""
    retriever = access_retriever(ctx, identifier)
    rows = [_summary(recorded) for recorded in await _recorded(ctx, retriever.retriever_row)]
    if request.status is not None:
        rows = [row for row in rows if row["status"] == request.status]
    order = object_page.sort_of(None, request.sorts)
    selection = object_page.Selection("executions", "execution_id", (), filters=request.filters, sort=order)
    rows = object_page.select(rows, selection)
    page = resolve_page(query)
    return {"results": rows[page.offset : page.offset + page.limit], "pagination": _plain_page(page, len(rows))}


async def list_ad_hoc_executions(ctx: Context, request: ListAdHocExecutionsRequest, query: PageQuery) -> dict[str, Any]:
    """A page of what ran ad hoc, the newest first."""
    rows = [_ad_hoc_summary(recorded) for recorded in await _recorded(ctx, AD_HOC)]
    rows = [row for row in rows if request.accepts(row)]
    page = resolve_page(query)
    return {
        "results": [] if request.count_only else rows[page.offset : page.offset + page.limit],
        "total": len(rows),
        "pagination": _plain_page(page, len(rows)),
    }


def _plain_page(page: Page, total: int) -> dict[str, Any]:
    return {
        "total": total,
        "limit": page.limit,
        "offset": page.offset,
        "has_next": page.offset + page.limit < total,
    }


async def get_execution(ctx: Context, identifier: str, execution_id: str) -> dict[str, Any]:
    """The answer of the execution without its documents, which are not kept."""
    retriever = access_retriever(ctx, identifier)
    recorded = await _find(ctx, retriever.retriever_row, execution_id)
    return {name: value for name, value in recorded.items() if not name.startswith("_")}


async def get_status(ctx: Context, identifier: str, execution_id: str) -> dict[str, Any]:
    """How far the execution is. Executions are recorded when they have ended."""
    recorded = await get_execution(ctx, identifier, execution_id)
    names = ("execution_id", "status", "current_stage", "stages_completed", "total_stages", "error", "budget")
    return {name: recorded[name] for name in (*names, "created_at", "completed_at")}


async def get_profile(ctx: Context, identifier: str, execution_id: str) -> dict[str, Any]:
    """Where the execution's time went."""
    recorded = await get_execution(ctx, identifier, execution_id)
    if recorded["stage_statistics"] is None:
        raise NotFoundError.of("execution_profile", execution_id)
    names = ("execution_id", "retriever_id", "status", "stage_statistics", "budget", "optimization_summary", "limits")
    return {name: recorded[name] for name in names}


async def get_ad_hoc_execution(ctx: Context, execution_id: str) -> dict[str, Any]:
    recorded = await _find(ctx, AD_HOC, execution_id)
    about = {"inputs": recorded["_inputs"], "inputs_hash": recorded["_inputs_hash"]}
    return _ad_hoc_summary(recorded) | about


async def _recorded(ctx: Context, retriever_row: int) -> list[Recorded]:
    await ctx.runtime.executions.write()
    scope = ctx.scope

    def read(connection: apsw.Connection) -> list[Recorded]:
        return [msgspec.json.decode(body) for body in repository.list_executions(connection, scope, retriever_row)]

    return await ctx.runtime.reader.run(read)


async def _find(ctx: Context, retriever_row: int, execution_id: str) -> Recorded:
    await ctx.runtime.executions.write()
    while (body := await _look(ctx, retriever_row, execution_id)) is None:
        if not _may_come(ctx, execution_id):
            raise NotFoundError.of("execution", execution_id)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    recorded: Recorded = msgspec.json.decode(body)
    return recorded


async def _look(ctx: Context, retriever_row: int, execution_id: str) -> bytes | None:
    scope = ctx.scope
    return await ctx.runtime.reader.run(
        lambda connection: repository.find_execution(connection, scope, retriever_row, execution_id)
    )


def _may_come(ctx: Context, execution_id: str) -> bool:
    """Whether it is so new that the worker that ran it may not have written it yet."""
    executed_at = ids.executed_at(execution_id)
    longest = 2000 * ctx.runtime.executions.delay_seconds
    return executed_at is not None and 0 <= now_milliseconds() - executed_at < longest


def _summary(recorded: Recorded) -> dict[str, Any]:
    return {
        "execution_id": recorded["execution_id"],
        "status": recorded["status"],
        "created_at": recorded["created_at"],
        "completed_at": recorded["completed_at"],
        "duration_ms": recorded["budget"]["time_elapsed_ms"],
        "credits_used": 0.0,
        "total_processed": recorded["_total_processed"],
        "total_returned": recorded["total_returned"],
        "cache_hit_rate": 0.0,
        "inputs_hash": recorded["_inputs_hash"],
        "query_summary": recorded["_query_summary"],
    }


def _ad_hoc_summary(recorded: Recorded) -> dict[str, Any]:
    return {
        "execution_id": recorded["execution_id"],
        "execution_mode": "adhoc",
        "status": recorded["status"],
        "timestamp": recorded["created_at"],
        "duration_ms": recorded["budget"]["time_elapsed_ms"],
        "credits_used": 0.0,
        "total_processed": recorded["_total_processed"],
        "total_returned": recorded["total_returned"],
        "cache_hit_rate": 0.0,
        "query_summary": recorded["_query_summary"],
        "stages_completed": recorded["stages_completed"],
        "total_stages": recorded["total_stages"],
        "collection_ids": recorded["_collection_ids"],
    }
