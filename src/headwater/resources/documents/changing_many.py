"""What the batch and bulk routes ask for: documents that are named one by one, or all that a filter matches."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import ValidationError
from headwater.query import Filter, parse_filter
from headwater.query.filters import constant
from headwater.resources.documents import batch, bulk
from headwater.resources.documents.bulk import Outcome
from headwater.resources.documents.schemas_batch import BatchDeleteBody, BatchUpdateBody, BulkUpdateBody
from headwater.store.bulk.change import BulkChange
from headwater.store.documents.update_data import FieldUpdate, parse_update
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import principal_of


async def batch_update(ctx: Context, collection_identifier: str, body: BatchUpdateBody) -> dict[str, Any]:
    """Update the documents that are named, or all that match. ``ValidationError`` unless it is one of the two."""
    collection = access_collection(ctx, collection_identifier)
    by_filter = body.filters is not None or body.update_data is not None
    _require_one(body.updates is not None, by_filter, "send either `updates`, or `filters` and `update_data`")
    if body.updates is not None:
        return await batch.update_each(ctx, collection, body.updates)
    if body.filters is None or body.update_data is None:
        missing = "filters" if body.filters is None else "update_data"
        raise ValidationError.at(["body", missing], f"{missing} is required where there are no `updates`", "missing")
    outcome = await _update_matching(ctx, collection, body.filters, body.update_data)
    # Clients of this route want a number, also from a change that is only beginning.
    return {**_answer("updated", outcome), "updated_count": outcome.progress.changed, "results": []}


async def bulk_update(ctx: Context, collection_identifier: str, body: BulkUpdateBody) -> dict[str, Any]:
    """Update all documents that match; without a filter, all of the collection."""
    collection = access_collection(ctx, collection_identifier)
    return _answer("updated", await _update_matching(ctx, collection, body.filters, body.update_data))


async def batch_delete(ctx: Context, collection_identifier: str, body: BatchDeleteBody) -> dict[str, Any]:
    """Delete the documents that are named, or all that match."""
    collection = access_collection(ctx, collection_identifier)
    _require_one(body.document_ids is not None, body.filters is not None, "send either `document_ids` or `filters`")
    if body.document_ids is not None:
        return await batch.delete_each(ctx, collection, body.document_ids)
    change = _change(ctx, collection, _narrow(body.filters), None)
    change.reason = body.reason
    outcome = await bulk.change_matching(ctx, change)
    limits = {"max_rows_inline": ctx.runtime.settings.bulk_inline_documents}
    if outcome.matched is not None:
        limits["matched"] = outcome.matched
    return {**_answer("deleted", outcome), "results": [], "limits": limits}


def _require_one(explicit: bool, by_filter: bool, message: str) -> None:
    if explicit == by_filter:
        raise ValidationError.at(["body"], f"{message}, not {'both' if explicit else 'neither'}", "mode")


def _narrow(filters: dict[str, Any] | None) -> Filter:
    """The filter of a deletion, which must leave something out: an empty one is an accident."""
    parsed = parse_filter(filters)
    if parsed is None or constant(parsed) is True:
        message = "this filter matches every document; to delete them all, delete the collection or name its documents"
        raise ValidationError.at(["body", "filters"], message, "filter_matches_all")
    return parsed


async def _update_matching(
    ctx: Context, collection: Collection, filters: dict[str, Any] | None, update_data: dict[str, Any]
) -> Outcome:
    update = parse_update(update_data, batch.vector_names(collection), ["body", "update_data"])
    return await bulk.change_matching(ctx, _change(ctx, collection, parse_filter(filters), update))


def _change(ctx: Context, collection: Collection, filters: Filter | None, update: FieldUpdate | None) -> BulkChange:
    return BulkChange(
        namespace_row=collection.namespace_row,
        namespace_id=ctx.scope.namespace_id,
        collection_row=collection.collection_row,
        collection_id=collection.collection_id,
        filter=filters,
        update=update,
        principal=principal_of(ctx),
    )


def _answer(verb: str, outcome: Outcome) -> dict[str, Any]:
    progress = outcome.progress
    if outcome.pending:
        message = f"The matching documents will be {verb} by the task {outcome.task_id}"
    else:
        message = f"{verb.capitalize()} {progress.changed} document(s), {progress.failed} failed"
    return {
        "task_id": outcome.task_id,
        "status": outcome.status,
        f"{verb}_count": None if outcome.pending else progress.changed,
        "failed_count": progress.failed,
        "message": message,
    }
