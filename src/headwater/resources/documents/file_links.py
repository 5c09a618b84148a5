"""Whether an answer has links to files, and rendered documents with them."""

from __future__ import annotations

from headwater.blobs.file_links import FileLinks
from headwater.context import Context
from headwater.store.documents.render import RenderOptions
from headwater.store.documents.signed_urls import with_signed_urls


def links_for(ctx: Context, options: RenderOptions) -> FileLinks | None:
    """What makes the links; None when the options want none."""
    return ctx.file_links if options.presigned_urls else None


def with_links(ctx: Context, content: bytes, options: RenderOptions) -> bytes:
    """The rendered document, with links to its files if the options want them."""
    return with_signed_urls(content, ctx.file_links) if options.presigned_urls else content
