"""Deleting a document, or what was made of an object, with everything that was made from it.

All of it is looked at before any of it is deleted. Up to ``SLICE_DOCUMENTS`` go in one transaction. More go in slices,
children before their parents, so that a deletion that was cut short is finished by repeating it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from headwater.context import Context
from headwater.errors import (
    HeadwaterError,
    InsufficientStorageError,
    InternalServerError,
    NotFoundError,
    ServiceUnavailableError,
)
from headwater.resources.documents.schemas import DocumentsDeleted
from headwater.resources.documents.service_lineage import find_document
from headwater.resources.documents.service_write import entity_tags
from headwater.store.commands.cascade import DeleteOfObject, DeleteTree, Reach
from headwater.store.commands.documents import check_version
from headwater.store.documents.acl import require_writable
from headwater.store.documents.cascade import planned_object, planned_tree
from headwater.tenancy.access import document_scope

#: Documents a transaction; writes of others go on in between.
SLICE_DOCUMENTS = 1000
#: What the reserve of a full disk is enough for, even when each document is on pages of its own.
_FULL_DISK_DOCUMENTS = 20
_DELETED = "Successfully deleted"
_DRY_RUN = "Nothing was deleted: this is what would be"

MakeCommand = Callable[[int], DeleteTree | DeleteOfObject]


async def delete_tree(
    ctx: Context, collection_identifier: str, document_id: str, *, if_match: str | None, dry_run: bool
) -> DocumentsDeleted:
    """Delete the document and everything below it, in whichever collections of the namespace."""
    scope = document_scope(ctx, "delete")
    document = find_document(ctx, scope, document_id, collection_identifier)
    require_writable(document, document_id, scope.principal)
    tags = entity_tags(if_match)
    check_version(document, tags)
    planned = await ctx.runtime.find(planned_tree, scope, document_id)
    if dry_run:
        return _answer(planned, dry_run=True)

    def command(limit: int) -> DeleteTree:
        return DeleteTree(
            reach=Reach.of(scope),
            collection_row=document.collection_row,
            document_id=document_id,
            limit=limit,
            if_match=tags,
        )

    return _answer(await _remove(ctx, command), dry_run=False)


async def delete_of_object(ctx: Context, object_id: str, *, dry_run: bool) -> DocumentsDeleted:
    """Delete all documents with that root object. ``NotFoundError`` when the key sees none."""
    scope = document_scope(ctx, "delete")
    planned = await ctx.runtime.find(planned_object, scope, object_id)
    if not planned:
        raise NotFoundError.of("object", object_id)
    if dry_run:
        return _answer(planned, dry_run=True)
    removed = await _remove(ctx, lambda limit: DeleteOfObject(reach=Reach.of(scope), object_id=object_id, limit=limit))
    return _answer(removed, dry_run=False)


def _answer(counts: Counter[str], *, dry_run: bool) -> DocumentsDeleted:
    return DocumentsDeleted(
        message=_DRY_RUN if dry_run else _DELETED,
        success=True,
        dry_run=dry_run,
        deleted_count=counts.total(),
        collections=dict(counts),
    )


async def _remove(ctx: Context, command: MakeCommand) -> Counter[str]:
    """Delete slice after slice. Returns how many documents of each collection went."""
    removed: Counter[str] = Counter()
    limit, more = SLICE_DOCUMENTS, True
    while more:
        try:
            outcome = await ctx.execute(command(limit))
        except InsufficientStorageError as error:
            # A large slice writes more to SQLite's log than a full disk has room for; small ones make room.
            if limit == _FULL_DISK_DOCUMENTS:
                raise _interrupted(error, removed) from error
            limit = _FULL_DISK_DOCUMENTS
        except HeadwaterError as error:
            raise _interrupted(error, removed) from error
        else:
            removed.update(outcome["removed"])
            limit, more = min(2 * limit, SLICE_DOCUMENTS), outcome["more"]
    return removed


def _interrupted(error: HeadwaterError, removed: Counter[str]) -> HeadwaterError:
    """The error of a slice, saying that there were earlier ones. A 503 would promise that nothing was stored."""
    if not removed:
        return error
    details = (error.details or {}) | {"deleted_count": removed.total(), "collections": dict(removed)}
    kind = type(error)
    if error.status == ServiceUnavailableError.status:
        kind, details = InternalServerError, details | {"retryable": False}
    return kind(
        f"{error.message}. {removed.total()} documents were deleted before that; repeat the request to go on",
        details=details,
        code=error.code,
    )
