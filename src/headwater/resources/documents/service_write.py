"""Creating, changing and deleting documents: parse and pack here, hand over a command, answer with its bytes."""

from __future__ import annotations

from typing import Any

from headwater import ids
from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import BadRequestError, InternalServerError, ValidationError
from headwater.resources.documents.file_links import with_links
from headwater.resources.documents.service_get import Rendered, find_in_collection, find_in_namespace, show
from headwater.store.commands.documents import CreateDocument, DeleteDocument, Idempotency, UpdateDocument
from headwater.store.documents.acl import can_read
from headwater.store.documents.content import ParsedBody, changes_of, content_of, parse
from headwater.store.documents.idempotency import check_key, fingerprint
from headwater.store.documents.records import load_document
from headwater.store.documents.render import RenderOptions, shadow_warning, with_storage_names
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import idempotency_scope, principal_of, require_writable


async def create_document(
    ctx: Context,
    collection_identifier: str,
    body: dict[str, Any],
    options: RenderOptions,
    idempotency_key: str | None = None,
) -> Rendered:
    """Store a document. ``AlreadyExistsError`` when the body's ``document_id`` is taken, ``ConflictError`` when the
    collection is frozen or the idempotency key came with another body."""
    collection = access_collection(ctx, collection_identifier)
    parsed = _parse(ctx, collection, body)
    _check_collection_id(parsed, collection)
    if parsed.system.document_schema_version is None:
        parsed.system.document_schema_version = ctx.runtime.settings.document_schema_version
    outcome = await ctx.execute(
        CreateDocument(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row,
            document_id=parsed.document_id or ids.new_document_id(),
            id_given=parsed.document_id is not None,
            content=content_of(parsed),
            options=options,
            idempotency=None if idempotency_key is None else _idempotency(ctx, collection, idempotency_key, body),
            principal=principal_of(ctx),
        )
    )
    return answer(ctx, collection, outcome, options)


async def update_document(
    ctx: Context,
    collection_identifier: str,
    document_id: str,
    body: dict[str, Any],
    options: RenderOptions,
    *,
    if_match: str | None = None,
    repeats: bool = False,
) -> Rendered:
    """PUT (``repeats``: the body may echo what was read) and PATCH. ``PreconditionFailedError`` for another version."""
    collection = access_collection(ctx, collection_identifier)
    try:
        parsed = _parse(ctx, collection, body)
    except ValidationError:
        # A document that is not there, or not the caller's to change, is said before what is wrong with the body.
        _require_changeable(ctx, collection, document_id)
        raise
    return await _update(ctx, collection, document_id, parsed, options, if_match, repeats, in_collection=True)


async def update_document_of_namespace(
    ctx: Context,
    document_id: str,
    body: dict[str, Any],
    options: RenderOptions,
    *,
    if_match: str | None = None,
    repeats: bool = False,
) -> Rendered:
    """The same for a document of any collection of the namespace."""
    document = require_writable(ctx, find_in_namespace(ctx, document_id), document_id)
    collection = access_collection(ctx, document.collection_id)
    parsed = _parse(ctx, collection, body)
    return await _update(ctx, collection, document_id, parsed, options, if_match, repeats, in_collection=False)


async def _update(
    ctx: Context,
    collection: Collection,
    document_id: str,
    parsed: ParsedBody,
    options: RenderOptions,
    if_match: str | None,
    repeats: bool,
    *,
    in_collection: bool,
) -> Rendered:
    _check_ids(ctx, parsed, collection, document_id)
    outcome = await ctx.execute(
        UpdateDocument(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row if in_collection else None,
            document_id=document_id,
            changes=changes_of(parsed, repeats=repeats),
            options=options,
            if_match=entity_tags(if_match),
            principal=principal_of(ctx),
        )
    )
    return answer(ctx, collection, outcome, options)


async def delete_document(
    ctx: Context, collection_identifier: str, document_id: str, *, if_match: str | None = None
) -> None:
    """Delete a document with its vectors. Its children keep their lineage."""
    collection = access_collection(ctx, collection_identifier)
    await ctx.execute(
        DeleteDocument(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row,
            document_id=document_id,
            if_match=entity_tags(if_match),
            principal=principal_of(ctx),
        )
    )


def entity_tags(if_match: str | None) -> list[str] | None:
    """The tags of an ``If-Match`` header; None when it was not sent. Weak ones never match, as HTTP wants it."""
    return None if if_match is None else [tag.strip() for tag in if_match.split(",") if tag.strip()]


def _parse(ctx: Context, collection: Collection, body: dict[str, Any]) -> ParsedBody:
    return parse(
        body,
        indexes=collection.body.get("vectors") or [],
        max_width=ctx.runtime.settings.max_vector_width,
    )


def _check_collection_id(parsed: ParsedBody, collection: Collection) -> None:
    sent = parsed.collection_id
    if sent is None or sent in (collection.collection_id, collection.collection_name):
        return
    raise BadRequestError(
        f"the body says collection_id {sent!r}, but the path names the collection {collection.collection_id}",
        details={"body": sent, "path": collection.collection_id},
        code="collection_id_mismatch",
    )


def _check_ids(ctx: Context, parsed: ParsedBody, collection: Collection, document_id: str) -> None:
    wrong_document = parsed.document_id not in (None, document_id)
    wrong_collection = parsed.collection_id not in (None, collection.collection_id, collection.collection_name)
    if not wrong_document and not wrong_collection:
        return
    _require_changeable(ctx, collection, document_id)
    _check_collection_id(parsed, collection)
    raise BadRequestError(
        f"the body says document_id {parsed.document_id!r}, but the path names {document_id!r}; an id cannot change",
        details={"body": parsed.document_id, "path": document_id},
        code="document_id_mismatch",
    )


def _require_changeable(ctx: Context, collection: Collection, document_id: str) -> None:
    require_writable(ctx, find_in_collection(ctx, collection, document_id), document_id)


def _idempotency(ctx: Context, collection: Collection, key: str, body: dict[str, Any]) -> Idempotency:
    return Idempotency(
        ctx.organization.organization_id,
        idempotency_scope(ctx, f"POST /v1/collections/{collection.collection_id}/documents"),
        check_key(key, ["header", "Idempotency-Key"]),
        fingerprint(body),
    )


def answer(ctx: Context, collection: Collection, outcome: dict[str, Any], options: RenderOptions) -> Rendered:
    """The document of a command's outcome."""
    if "document" in outcome and (outcome.get("searchable", True) or "replayed" in outcome):
        shadowed = outcome.get("shadowed")
        warning = shadow_warning(shadowed) if shadowed else None
        content = with_links(ctx, outcome["document"], options)
        return Rendered(content, f'"{outcome["sequence"]}"', warning)
    # Either the answer was lost on the way, or the index could not take the write: what is stored tells.
    document = load_document(ctx.runtime.reader.connection, collection.namespace_row, outcome["document_id"])
    if document is None or not can_read(document, principal_of(ctx)):
        raise InternalServerError(
            f"the document {outcome['document_id']} was stored, and deleted or hidden before it could be shown",
            details={"retryable": False, "document_id": outcome["document_id"]},
        )
    return show(ctx, document, with_storage_names(options, collection.body.get("vectors") or []))
