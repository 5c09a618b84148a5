"""Reading one document: a look-up by key in the worker itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.resources.documents.expand import expand_documents
from headwater.resources.documents.file_links import links_for, with_links
from headwater.store.documents.records import DocumentRow, load_by_collection, load_document, load_vectors
from headwater.store.documents.render import (
    RenderOptions,
    render_document,
    shadow_warning,
    shadowed_names,
    with_expanded,
    with_storage_names,
)
from headwater.tenancy.access import access_collection, document_scope
from headwater.tenancy.document_acl import require_readable

_MAX_WARNING = 1000


@dataclass(frozen=True, slots=True)
class Rendered:
    """A document's JSON, its entity tag, and a warning if something of it could not be shown."""

    content: bytes
    etag: str
    warning: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = {"ETag": self.etag}
        if self.warning is not None:
            # Names are any text: a line break among them must not end the header.
            headers["X-Headwater-Warning"] = self.warning.encode("unicode_escape").decode()[:_MAX_WARNING]
        return headers


async def get_document(
    ctx: Context, collection: str, document_id: str, options: RenderOptions, expand: Sequence[str] = ()
) -> Rendered:
    """The collection's document. ``NotFoundError`` for one of another collection."""
    found = access_collection(ctx, collection)
    document = require_readable(ctx, find_in_collection(ctx, found, document_id), document_id)
    rendered = show(ctx, document, with_storage_names(options, found.body.get("vectors") or []))
    return await _expanded(ctx, document, rendered, options, expand) if expand else rendered


async def get_document_of_namespace(
    ctx: Context, document_id: str, options: RenderOptions, expand: Sequence[str] = ()
) -> Rendered:
    """The namespace's document, in whichever collection; vectors are known by their storage names only."""
    document = find_in_namespace(ctx, document_id)
    rendered = show(ctx, document, options)
    return await _expanded(ctx, document, rendered, options, expand) if expand else rendered


def find_in_collection(ctx: Context, collection: Collection, document_id: str) -> DocumentRow | None:
    """The collection's document with that id, whoever may see it."""
    connection = ctx.runtime.reader.connection
    return load_by_collection(connection, collection.namespace_row, collection.collection_row, document_id)


def find_in_namespace(ctx: Context, document_id: str) -> DocumentRow:
    """The namespace's document with that id, if the caller may see it, in a collection that the key reaches.

    ``NotFoundError`` comes before ``ForbiddenError``: what is hidden must not be found out of scope.
    """
    document = load_document(ctx.runtime.reader.connection, ctx.scope.namespace_row, document_id)
    document = require_readable(ctx, document, document_id)
    access_collection(ctx, document.collection_id)
    return document


def show(ctx: Context, document: DocumentRow, options: RenderOptions) -> Rendered:
    """The document as the options want it, with its vectors read if they do."""
    if not options.needs_vectors:
        return Rendered(with_links(ctx, render_document(document, options), options), document.etag)
    vectors = load_vectors(ctx.runtime.reader.connection, document.document_row)
    shadowed = shadowed_names(document, options, vectors)
    warning = shadow_warning(shadowed) if shadowed else None
    content = with_links(ctx, render_document(document, options, vectors), options)
    return Rendered(content, document.etag, warning)


async def _expanded(
    ctx: Context, document: DocumentRow, rendered: Rendered, options: RenderOptions, names: Sequence[str]
) -> Rendered:
    scope = document_scope(ctx)
    links = links_for(ctx, options)
    (expanded,) = await ctx.runtime.reader.run(
        lambda connection: expand_documents(connection, scope, [document], names, links)
    )
    return replace(rendered, content=with_expanded(rendered.content, expanded))
