"""What was made of one object: all documents that name it as their root, in whichever collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import apsw
import msgspec
import orjson

from headwater.blobs.file_links import FileLinks
from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.resources.documents import repository
from headwater.resources.documents.file_links import links_for
from headwater.scope import DocumentScope
from headwater.store.documents.render import RenderOptions
from headwater.store.documents.signed_urls import render_with_links
from headwater.store.find import Budget
from headwater.tenancy.access import document_scope

MAX_DOCUMENTS = 1000


class Wanted(NamedTuple):
    """Which documents of the object: those of ``collections`` (None: all), one page of them."""

    object_id: str
    collections: frozenset[str] | None
    limit: int
    offset: int


async def get_documents_by_object(
    ctx: Context,
    object_id: str,
    collection_ids: Sequence[str] | None,
    limit: int,
    offset: int,
    options: RenderOptions,
) -> bytes:
    """The answer's JSON. ``NotFoundError`` when no document names the object, or no collection has one of the ids."""
    scope = document_scope(ctx)
    collections, unknown = _collections(ctx, collection_ids)
    wanted = Wanted(object_id, collections, limit, offset)
    answer = await ctx.runtime.find(documents_of_object, scope, wanted, links_for(ctx, options))
    if answer is None:
        raise NotFoundError.of("object", object_id)
    return answer if not unknown else answer[:-1] + b',"unknown_collection_ids":' + orjson.dumps(unknown) + b"}"


def _collections(ctx: Context, identifiers: Sequence[str] | None) -> tuple[frozenset[str] | None, list[str]]:
    """The ids of the named collections, and the names that no collection has."""
    names = list(dict.fromkeys(name for text in identifiers or () for name in text.split(",") if name))
    if not names:
        return None, []
    found = {name: ctx.runtime.catalogue.collection(ctx.scope.namespace_row, name) for name in names}
    known = frozenset(collection.collection_id for collection in found.values() if collection is not None)
    if not known:
        raise NotFoundError.of("collection", names[0])
    return known, [name for name, collection in found.items() if collection is None]


def documents_of_object(
    connection: apsw.Connection, budget: Budget, scope: DocumentScope, wanted: Wanted, links: FileLinks | None = None
) -> bytes | None:
    """The answer's JSON, or None when the scope shows no document of the object."""
    rows = repository.rows_of_object(connection, budget, scope, wanted.object_id)
    if not rows:
        return None
    chosen = [row for row in rows if wanted.collections is None or row[1] in wanted.collections]
    page = [document_row for document_row, _ in chosen[wanted.offset : wanted.offset + wanted.limit]]
    budget.spend(len(page))
    documents = repository.load_rows(connection, page)
    counts = Counter(collection_id for _, collection_id in chosen)
    head = {"object_id": wanted.object_id, "total_documents": len(chosen)}
    return b"".join(
        (
            msgspec.json.encode(head)[:-1],
            b',"documents":[',
            b",".join(render_with_links(document, links) for document in documents),
            b'],"collections":',
            msgspec.json.encode(dict(counts)),
            b"}",
        )
    )
