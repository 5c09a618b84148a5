"""The page of an answer: its rows, with their documents as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from headwater.context import Context
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import Hydration, hydrate
from headwater.retrieval.paging import PageRequest, ResultPage, cut
from headwater.store.documents.render import PLAIN, RenderOptions
from headwater.store.documents.signed_urls import with_signed_urls
from headwater.store.find.room import Room

Cut = Callable[[list[Hit], PageRequest], ResultPage]
#: Documents may go while a page is read; a page of a set that is being emptied is short in the end.
_MOST_TRIES = 3


async def read_results(
    context: Context, hits: list[Hit], page: PageRequest, options: RenderOptions = PLAIN, cut: Cut = cut
) -> tuple[ResultPage, list[dict[str, Any]]]:
    """The page of the working set, and its rows as they are shown. Documents that are gone by now do not count.

    Raises ``BadRequestError`` for a page that is too large to be held.
    """
    for _ in range(_MOST_TRIES):
        found = cut(hits, page)
        shown = await hydrate(context, _to_read(found.hits, options), Hydration(options=options))
        if len(shown) == len(found.hits):
            break
        present = {hit.key for hit in shown}
        gone = {hit.key for hit in found.hits if hit.document_row and hit.key not in present}
        hits = [hit for hit in hits if hit.key not in gone]
    _check_size(shown)
    if options.presigned_urls:
        shown = [_with_links(context, hit) for hit in shown]
    return replace(found, hits=shown), [hit.shown() for hit in shown]


def _check_size(hits: list[Hit]) -> None:
    """Documents that were read are bounded, but stages repeat them: in groups, in rows for each element, by joins."""
    room = Room()
    seen: set[tuple[int, int]] = set()
    for hit in hits:
        repeated = not hit.document_row or hit.key in seen
        seen.add(hit.key)
        if repeated or hit.added:
            room.take(len(msgspec.json.encode(hit.shown() if repeated else hit.added)))


def _with_links(context: Context, hit: Hit) -> Hit:
    if not hit.document_row:
        return hit
    content = with_signed_urls(msgspec.json.encode(hit.document), context.file_links)
    return replace(hit, document=msgspec.json.decode(content))


def _to_read(hits: list[Hit], options: RenderOptions) -> list[Hit]:
    """Documents that were read for a stage are read again if the answer shows more of them."""
    if not options.needs_vectors:
        return hits
    return [replace(hit, document=None) if hit.document_row else hit for hit in hits]
