"""Where a document came from and what was made of it: its lineage, its ancestors, its children.

What the key does not see is treated as what is not there: it ends the way up and is left out on the way down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw
import orjson

from headwater.blobs.file_links import FileLinks
from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.resources.documents import repository
from headwater.resources.documents.file_links import links_for
from headwater.scope import DocumentScope
from headwater.store.documents import tree
from headwater.store.documents.lineage import as_parent
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.render import RenderOptions
from headwater.store.documents.signed_urls import render_with_links
from headwater.store.find import Budget
from headwater.tenancy.access import access_collection, document_scope

#: Documents in one answer.
MAX_RELATIVES = 1000
_FIELDS = (
    "root_object_id",
    "root_bucket_id",
    "source_type",
    "source_object_id",
    "source_document_id",
    "source_collection_id",
)
_NO_LINEAGE = "The document names no source: no object, no document and no chain"

Step = dict[str, Any]


def find_document(ctx: Context, scope: DocumentScope, document_id: str, collection: str | None = None) -> DocumentRow:
    """The document, of that collection when one is named. ``NotFoundError`` when the key sees none."""
    collection_row = None if collection is None else access_collection(ctx, collection).collection_row
    document = tree.load_visible(ctx.runtime.reader.connection, scope, document_id)
    if document is None or collection_row not in (None, document.collection_row):
        raise NotFoundError.of("document", document_id)
    return document


async def get_lineage(ctx: Context, collection_identifier: str, document_id: str) -> bytes:
    scope = document_scope(ctx)
    collection = access_collection(ctx, collection_identifier)
    document = find_document(ctx, scope, document_id, collection_identifier)
    return await ctx.runtime.find(_lineage, scope, collection, document)


async def get_ancestors(
    ctx: Context, collection_identifier: str, document_id: str, limit: int, options: RenderOptions
) -> bytes:
    """The ancestors, the topmost first; of more than ``limit`` the nearest."""
    scope = document_scope(ctx)
    document = find_document(ctx, scope, document_id, collection_identifier)
    return await ctx.runtime.find(_ancestors, scope, document, limit, links_for(ctx, options))


async def get_descendants(
    ctx: Context, collection_identifier: str, document_id: str, limit: int, options: RenderOptions
) -> bytes:
    """The children of any collection, the oldest first."""
    scope = document_scope(ctx)
    find_document(ctx, scope, document_id, collection_identifier)
    return await ctx.runtime.find(_descendants, scope, document_id, limit, links_for(ctx, options))


def _ancestors(
    connection: apsw.Connection,
    budget: Budget,
    scope: DocumentScope,
    document: DocumentRow,
    limit: int,
    links: FileLinks | None,
) -> bytes:
    return _rendered(tree.ancestors(connection, scope, document, limit, budget.spend), links)


def _descendants(
    connection: apsw.Connection,
    budget: Budget,
    scope: DocumentScope,
    document_id: str,
    limit: int,
    links: FileLinks | None,
) -> bytes:
    return _rendered(tree.children(connection, scope, document_id, limit, budget.spend), links)


def _rendered(documents: Iterable[DocumentRow], links: FileLinks | None) -> bytes:
    return b"[" + b",".join(render_with_links(document, links) for document in documents) + b"]"


def _lineage(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, collection: Collection, document: DocumentRow
) -> bytes:
    stored = as_parent(document, collection.body)
    answer = {"document_id": document.document_id, "collection_id": document.collection_id}
    if "chain" not in stored.lineage:
        return orjson.dumps(answer | {"lineage": None, "depth": 0, "total_steps": 0, "message": _NO_LINEAGE})
    chain = _whole_chain(document, stored.lineage, stored.own.step)
    budget.spend(len(chain))
    known = _known_part(connection, scope, chain)
    lineage = {name: stored.lineage.get(name) for name in _FIELDS}
    lineage["source_document_id"] = document.parent_document_id
    shown = {
        "lineage": lineage | {"source_row": None, "lineage_chain": known},
        "depth": len(chain),
        "total_steps": len(known),
        "message": None,
    }
    return orjson.dumps(answer | shown)


def _whole_chain(document: DocumentRow, lineage: dict[str, Any], own: Step) -> list[Step]:
    """The stored chain with the document itself as its end, and the parent even when that never came."""
    *above, last = lineage["chain"]
    if last.get("document_id", document.document_id) == document.document_id:
        last = {**last, "document_id": document.document_id}
    else:
        above, last = [*above, last], own
    if not above and document.parent_document_id is not None:
        above = [{"collection_id": lineage.get("source_collection_id"), "document_id": document.parent_document_id}]
    return [*above, last]


def _known_part(connection: apsw.Connection, scope: DocumentScope, chain: list[Step]) -> list[Step]:
    """The chain from the last step whose document is not there: nobody can tell what was above it."""
    ids = [step["document_id"] for step in chain if "document_id" in step]
    found = repository.find_documents(connection, scope.namespace_row, ids, with_vectors=False)
    for index in range(len(chain) - 1, -1, -1):
        document_id = chain[index].get("document_id")
        if document_id is None:
            continue
        if document_id not in found or not tree.is_visible(scope, found[document_id].document):
            return chain[index:]
    return chain
