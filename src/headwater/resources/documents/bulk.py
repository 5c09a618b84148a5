"""Changing all documents that a filter matches: in the request while they are few, else as a task."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import structlog

from headwater.catalog.tables.collections import document_count
from headwater.context import Context
from headwater.errors import ConflictError, HeadwaterError, QueryTimeoutError
from headwater.store.bulk.change import GOES_ON, BulkChange, BulkProgress, Slice
from headwater.store.bulk.matching import Found, count_matching, find_matching, slices_of
from headwater.store.commands.bulk import slice_command, start_command

log = structlog.get_logger("headwater.documents")

_STATUSES = {"completed": "COMPLETED", "canceled": "CANCELED"}


class Outcome(NamedTuple):
    """What became of a change by the time of the answer."""

    task_id: str
    #: As tasks have it: COMPLETED, COMPLETED_WITH_ERRORS, CANCELED, or PENDING when it goes on as a task.
    status: str
    progress: BulkProgress
    #: Documents that the filter matched; None when there was no time to count them.
    matched: int | None

    @property
    def pending(self) -> bool:
        return self.status == "PENDING"


async def change_matching(ctx: Context, change: BulkChange) -> Outcome:
    """Change all documents that match.

    Raises ``ConflictError`` for a frozen collection. Once anything was changed, whatever keeps the request from going
    on leaves the rest to the job lane: an error would say that nothing was stored.
    """
    found = await _find_few(ctx, change)
    if found is None:
        matched = await _count(ctx, change)
        started = await ctx.execute(_start(ctx, change, None))
        return Outcome(started["task_id"], "PENDING", BulkProgress(), matched)
    outcome = await _in_turn(ctx, change, list(slices_of(change, found, None)) or [Slice(None, None, [])])
    return _judged(change, outcome, len(found))


async def _find_few(ctx: Context, change: BulkChange) -> list[Found] | None:
    """The documents to change; None when they are many, or take long to find."""
    limit = ctx.runtime.settings.bulk_inline_documents
    whole = change.whole_filter is None
    if whole and document_count(ctx.runtime.reader.connection, change.collection_row) > limit:
        return None
    try:
        found = await ctx.runtime.find(find_matching, change, None, limit + 1)
    except QueryTimeoutError:
        return None
    return found if len(found) <= limit else None


async def _count(ctx: Context, change: BulkChange) -> int | None:
    try:
        return await ctx.runtime.find(count_matching, change)
    except QueryTimeoutError:
        return None


async def _in_turn(ctx: Context, change: BulkChange, slices: list[Slice]) -> dict[str, Any]:
    """The outcome of the last slice that was tried."""
    slices[-1].last = True
    outcome: dict[str, Any] = await ctx.execute(_start(ctx, change, slices[0]))
    for slice_ in slices[1:]:
        if outcome["state"] != "running" or _progress(outcome).after != slice_.after:
            break
        try:
            outcome = await ctx.execute(slice_command(change, outcome["task_id"], slice_))
        except HeadwaterError as error:
            log.warning("a change goes on as a task", task=outcome["task_id"], reason=error.message)
            break
    return outcome


def _start(ctx: Context, change: BulkChange, first: Slice | None) -> Any:
    return start_command(change, ctx.organization.organization_id, ctx.request_id, first)


def _judged(change: BulkChange, outcome: dict[str, Any], matched: int) -> Outcome:
    progress, state = _progress(outcome), outcome["state"]
    if state in GOES_ON:
        return Outcome(outcome["task_id"], "PENDING", progress, matched)
    if state == "failed":
        verb = "deleted" if change.update is None else "updated"
        raise ConflictError(
            f"{outcome['error']}; {progress.changed} document(s) were {verb} before",
            details={"task_id": outcome["task_id"], f"{verb}_count": progress.changed},
            code="changed_in_part",
        )
    failed = state == "completed" and progress.failed
    return Outcome(outcome["task_id"], "COMPLETED_WITH_ERRORS" if failed else _STATUSES[state], progress, matched)


def _progress(outcome: dict[str, Any]) -> BulkProgress:
    return msgspec.convert(outcome["progress"], BulkProgress)
