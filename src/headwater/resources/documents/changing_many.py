"""What the batch and bulk routes ask for: documents one by one, or all that a filter matches."""

from __future__ import annotations

from typing import Any

from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.resources.documents import batch
from headwater.resources.documents.schemas_batch import BatchDeleteBody, BatchUpdateBody
from headwater.tenancy.access import access_collection


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
    raise _not_enabled("update")


async def batch_delete(ctx: Context, collection_identifier: str, body: BatchDeleteBody) -> dict[str, Any]:
    """Delete the documents that are named, or all that match."""
    collection = access_collection(ctx, collection_identifier)
    _require_one(body.document_ids is not None, body.filters is not None, "send either `document_ids` or `filters`")
    if body.document_ids is not None:
        return await batch.delete_each(ctx, collection, body.document_ids)
    raise _not_enabled("delete")


def _require_one(explicit: bool, by_filter: bool, message: str) -> None:
    if explicit == by_filter:
        raise ValidationError.at(["body"], f"{message}, not {'both' if explicit else 'neither'}", "mode")


def _not_enabled(verb: str) -> NotEnabledError:
    return NotEnabledError(
        f"this server does not {verb} documents by filter yet; name them",
        details={"feature": f"documents.batch_{verb}.filters"},
    )
