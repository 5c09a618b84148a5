"""The nearest documents of a collection that match a filter: the index ranks, the record decides.

A filter that the field index narrows to few documents is answered by comparing exactly these. Otherwise the nearest
documents are looked at, more of them in each round, and if that gets too far down, all documents that match are named
and compared. So an answer never depends on what is indexed, and it lacks a document only where a graph overlooks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.query import Filter
from headwater.retrieval.search.aims import Aim
from headwater.store.find import Explain, Query
from headwater.store.find.by_rows import Identity, identify
from headwater.store.find.narrowing import Narrowed, matching_rows, narrow
from headwater.store.find.rendering import COLLECTED
from headwater.store.search import SearchRequest, search
from headwater.tenancy.document_acl import principal_of
from headwater.vectors.interface import Hit as Point

#: Of the documents of equal score at the cut all are wanted, for ids decide between them; mostly there is none. Texts
#: of one length that share one word may be thousands: of so many, those that were stored first stand for the rest.
_TIED, _MOST_TIED = 4, 500
#: Looked at in the first round for each document that is wanted, when nobody knows how many match.
_FIRST_LOOK = 4
_LEAST_LOOK = 64
#: More than that a round does not look at; then all matches are named.
_MOST_LOOKED_AT = 10_000
#: Searches again because documents were changed meanwhile.
_MOST_AGAIN = 3
#: Ids that the index compares in one go. It answers nobody else meanwhile.
_SLICE_BYTES = 8 * 20_000


@dataclass(frozen=True)
class Ranked:
    """A document in the ranking of one search."""

    document_row: int
    sequence: int
    score: float
    collection_row: int
    document_id: str
    collection_id: str

    @property
    def place(self) -> tuple[float, str]:
        return -self.score, self.document_id


@dataclass
class Ranking:
    """What is looked for in one collection, and how far the search for it has come."""

    aim: Aim
    query: Query
    wanted: int
    min_score: float | None
    narrowed: Narrowed | None = None
    limit: int = 0
    found: list[Ranked] = field(default_factory=list)
    done: bool = False
    looked_at: int = 0
    #: Documents were changed between the search and the look at them, so the same search is made once more.
    outdated: bool = False
    again: int = 0
    plan: str = "the nearest documents"
    #: What was asked about a point already; None: it is not part of the answer.
    known: dict[tuple[int, int], Identity | None] = field(default_factory=dict)

    @property
    def collection(self) -> Collection:
        return self.aim.collection

    @property
    def within(self) -> bytes | None:
        return None if self.narrowed is None else self.narrowed.rows

    def request(self) -> SearchRequest:
        return SearchRequest(
            self.collection.collection_row, self.aim.query, self.limit, within=self.within, min_score=self.min_score
        )


def ranking_of(
    context: Context, aim: Aim, wanted: int, filters: Filter | None, min_score: float | None = None
) -> Ranking:
    rows = (aim.collection.collection_row,)
    return Ranking(aim, Query(aim.collection.namespace_row, rows, filters, principal_of(context)), wanted, min_score)


async def rank(context: Context, rankings: Sequence[Ranking]) -> None:
    """Fill each ranking with its ``wanted`` best documents, and those of the same score as the last of them, up to
    ``_MOST_TIED``."""
    await _all(_prepare(context, one) for one in rankings)
    waiting = [one for one in rankings if not one.done]
    while waiting:
        points = await search(context.runtime.store, [one.request() for one in waiting])
        await _all(_judge(context, *pair) for pair in zip(waiting, points, strict=True))
        await _all(_go_on(context, one) for one in waiting if not one.done)
        waiting = [one for one in waiting if not one.done]


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Together; mostly there is one, and then without a task of its own."""
    waiting = list(steps)
    if len(waiting) == 1:
        await waiting[0]
    else:
        await asyncio.gather(*waiting)


async def _prepare(context: Context, ranking: Ranking) -> None:
    ranking.limit = ranking.wanted + _TIED
    if ranking.query.whole_filter is None:
        return
    row = ranking.collection.collection_row
    narrowed = ranking.narrowed = await context.runtime.find(narrow, ranking.query, row, ranking.wanted)
    if narrowed.rows is not None:
        ranking.plan = f"{narrowed.size} documents that the field index names"
        ranking.done = narrowed.rows == b""
    else:
        ranking.plan = "the nearest documents, each looked at"
        ranking.limit = _first_look(ranking.wanted, narrowed)


def _first_look(wanted: int, narrowed: Narrowed) -> int:
    if narrowed.size is None or narrowed.size >= COLLECTED:
        # Nobody counted further; most such sets are a good part of the collection.
        return max(_LEAST_LOOK, _FIRST_LOOK * wanted)
    # Half as many again as it takes if the matches are spread evenly.
    return min(_MOST_LOOKED_AT, wanted + _TIED + wanted * narrowed.documents * 3 // (narrowed.size * 2))


async def _judge(context: Context, ranking: Ranking, points: Sequence[Point]) -> None:
    """Take the points whose documents belong to the answer."""
    await _identify(context, ranking, points)
    row = ranking.collection.collection_row
    ranking.found = [
        Ranked(point.document_row, point.sequence, point.score, row, who.document_id, who.collection_id)
        for point in points
        if (who := ranking.known.get(_key(point))) is not None
    ]
    seen_all = len(points) < ranking.limit or _is_full(ranking, points[-1].score)
    ranking.done = seen_all and not ranking.outdated


async def _identify(context: Context, ranking: Ranking, points: Sequence[Point]) -> None:
    ranking.outdated = False
    unknown = {point.document_row: point.sequence for point in points if _key(point) not in ranking.known}
    if not unknown:
        return
    found = await context.runtime.find(identify, ranking.query, unknown, shown=len(unknown))
    ranking.looked_at += len(unknown)
    ranking.known.update({(row, sequence): found.get(row) for row, sequence in unknown.items()})
    if None in found.values() and ranking.again < _MOST_AGAIN:
        ranking.outdated = True
        ranking.again += 1


def _key(point: Point) -> tuple[int, int]:
    return point.document_row, point.sequence


def _is_full(ranking: Ranking, last_score: float) -> bool:
    """Whether everything that could stand before the cut has been seen."""
    return len(ranking.found) >= ranking.wanted and ranking.found[ranking.wanted - 1].score > last_score


async def _go_on(context: Context, ranking: Ranking) -> None:
    """Look further down in the next round, or at all documents that match."""
    if ranking.outdated:
        return
    if len(ranking.found) >= ranking.wanted:
        # Only which of the documents of one score come first is open.
        most = ranking.wanted + _MOST_TIED
        ranking.done = ranking.limit >= most
        ranking.limit = most
        return
    if ranking.limit < _MOST_LOOKED_AT or ranking.within is not None:
        accepted = max(len(ranking.found), 1)
        needed = ranking.wanted * ranking.limit * 3 // (accepted * 2)
        ranking.limit = max(2 * ranking.limit, min(needed, 8 * ranking.limit))
        if ranking.within is None:
            ranking.limit = min(ranking.limit, _MOST_LOOKED_AT)
        return
    if ranking.query.whole_filter is None:
        # So many documents were changed meanwhile that fewer were found than are wanted.
        ranking.done = True
        return
    await _compare_all(context, ranking)


async def _compare_all(context: Context, ranking: Ranking) -> None:
    """The exact answer, from all documents that match."""
    row = ranking.collection.collection_row
    matching = await context.runtime.find(matching_rows, ranking.query, row)
    ranking.plan = f"{len(matching.rows) // 8} documents that match, for the nearest ones do not"
    note(context, ranking, matching.explain)
    best: list[Point] = []
    ranking.limit = min(ranking.limit, ranking.wanted + _TIED)
    for start in range(0, len(matching.rows), _SLICE_BYTES):
        part = SearchRequest(
            row,
            ranking.aim.query,
            ranking.limit,
            within=matching.rows[start : start + _SLICE_BYTES],
            min_score=ranking.min_score,
        )
        [points] = await search(context.runtime.store, [part])
        best = sorted([*best, *points], key=lambda point: (-point.score, point.document_row))[: ranking.limit]
    await _judge(context, ranking, best)
    ranking.done = True


def note(context: Context, ranking: Ranking, explain: Explain | None = None) -> None:
    """Tell what was read to the learner, which has paths indexed that much is read for."""
    if explain is None:
        if ranking.narrowed is None or ranking.narrowed.rows is not None:
            return
        explain = ranking.narrowed.explain
        explain.rows_read += ranking.looked_at
    context.runtime.learner.note(ranking.query, explain)


def best_of(rankings: Iterable[Ranking], wanted: int) -> list[Ranked]:
    """The best documents of all these collections."""
    return sorted((one for ranking in rankings for one in ranking.found), key=lambda one: one.place)[:wanted]
