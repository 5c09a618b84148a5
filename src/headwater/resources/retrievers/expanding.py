"""``expand`` for rows of a result: what their documents refer to, inside of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from headwater.blobs.file_links import FileLinks
from headwater.context import Context
from headwater.resources.documents.expand import expand_documents, parse_expand
from headwater.resources.documents.file_links import links_for
from headwater.retrieval.hits import Hit
from headwater.scope import DocumentScope
from headwater.store.documents.records import load_by_row
from headwater.store.documents.render import RenderOptions
from headwater.store.find import Budget
from headwater.tenancy.access import document_scope


async def expanded(
    ctx: Context,
    hits: Sequence[Hit],
    shown: Sequence[dict[str, Any]],
    expand: Sequence[str],
    options: RenderOptions,
) -> list[dict[str, Any]]:
    """The rows as they are shown, each with ``_expanded`` if it is a document."""
    names = parse_expand(expand, ["body", "expand"])
    keys = tuple(hit.key for hit in hits if hit.document_row)
    found = await ctx.runtime.find(
        find_expanded, document_scope(ctx), keys, names, links_for(ctx, options), shown=len(keys)
    )
    return [
        row | {"_expanded": msgspec.json.decode(found[hit.document_row])} if hit.document_row in found else row
        for hit, row in zip(hits, shown, strict=True)
    ]


def find_expanded(
    connection: apsw.Connection,
    budget: Budget,
    scope: DocumentScope,
    keys: Sequence[tuple[int, int]],
    names: Sequence[str],
    links: FileLinks | None,
) -> dict[int, bytes]:
    """``_expanded`` of each of the documents, as JSON, by their rows. Call it by ``Runtime.find``."""
    budget.spend(len(keys))
    documents = [document for key in keys if (document := load_by_row(connection, *key)) is not None]
    inside = expand_documents(connection, scope, documents, names, links, ["body", "expand"])
    return {document.document_row: content for document, content in zip(documents, inside, strict=True)}
