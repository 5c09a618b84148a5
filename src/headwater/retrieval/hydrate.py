"""From rows of a working set to documents: read when a stage or the page needs them, and checked once more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from headwater.context import Context
from headwater.query import Filter
from headwater.retrieval.hits import Hit
from headwater.store.documents.render import PLAIN, RenderOptions
from headwater.store.find import Query
from headwater.store.find.by_rows import render_rows
from headwater.tenancy.document_acl import principal_of

#: Reading so much JSON takes the event loop a millisecond.
_AT_ONCE_BYTES = 256 << 10


@dataclass(frozen=True)
class Hydration:
    """``filter``: what a document must match still; it is the one that the hits were found by. Links to files are made
    for the page alone: see ``results``."""

    filter: Filter | None = None
    options: RenderOptions = PLAIN


async def hydrate(context: Context, hits: Sequence[Hit], how: Hydration = Hydration()) -> list[Hit]:
    """The hits, in their order, with their documents as a list shows them.

    Documents that are gone, that the caller may not see, that do not match the filter any more or whose vectors have
    changed since they were found are left out. Hits that have their documents are taken as they are. Raises
    ``BadRequestError`` when the documents are too large to be held together.
    """
    points = {hit.document_row: hit.sequence for hit in hits if hit.document is None}
    if not points:
        return list(hits)
    collections = tuple(sorted({hit.collection_row for hit in hits if hit.document is None}))
    query = Query(context.scope.namespace_row, collections, how.filter, principal_of(context))
    found = await context.runtime.find(render_rows, query, points, how.options, shown=len(points))
    documents = await _decoded(found)
    for hit in hits:
        if hit.document is None and hit.document_row in found:
            hit.document = documents[hit.document_row]
    return [hit for hit in hits if hit.document is not None]


async def _decoded(found: Mapping[int, bytes]) -> dict[int, Any]:
    if sum(map(len, found.values())) <= _AT_ONCE_BYTES:
        return _decode(found)
    return await asyncio.to_thread(_decode, found)


def _decode(found: Mapping[int, bytes]) -> dict[int, Any]:
    return {row: msgspec.json.decode(document) for row, document in found.items()}
