"""Feature search: rankings by features, fused into one list of documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from headwater.query import AnyOf, Filter
from headwater.retrieval.fusion import contributions, fuse
from headwater.retrieval.hits import Hit
from headwater.retrieval.search.parameters import (
    DEFAULT_PAGE,
    DEFAULT_SEARCH_TOP_K,
    DEFAULT_TOP_K,
    MAX_POOL,
    FeatureSearchParameters,
)
from headwater.retrieval.search.planning import Plan, Planned
from headwater.retrieval.search.ranking import Ranked, Ranking, best_of, note, rank, ranking_of
from headwater.retrieval.stage import Run


@dataclass
class Ranks:
    """The outcome of one search: its documents, best first, and what each adds to the fused score."""

    planned: Planned
    rankings: list[Ranking]
    ranked: list[Ranked]
    added: dict[int, float] = field(default_factory=dict)


@dataclass
class Pool:
    """The fused list, cut at the size that was asked for."""

    ranks: list[Ranks]
    hits: list[Hit]

    @property
    def is_whole(self) -> bool:
        """Nothing more would come of a larger pool."""
        return all(len(one.ranked) < _asked(one.rankings) for one in self.ranks)


def _asked(rankings: Sequence[Ranking]) -> int:
    return max((one.wanted for one in rankings), default=1)


def wanted_of(parameters: FeatureSearchParameters) -> int:
    """How many documents the answer has when no page asks for more."""
    stated = [search.top_k for search in parameters.searches if search.top_k is not None]
    if len(parameters.searches) == 1:
        return min(MAX_POOL, parameters.final_top_k or max(stated, default=DEFAULT_TOP_K))
    return min(MAX_POOL, parameters.final_top_k or max(DEFAULT_TOP_K, *stated, 0))


def page_size_of(parameters: FeatureSearchParameters) -> int:
    """How many rows an answer shows when its request does not say."""
    if parameters.group_by is not None:
        return parameters.group_by.limit
    stated = [search.top_k for search in parameters.searches if search.top_k is not None]
    return parameters.final_top_k or max(stated, default=DEFAULT_PAGE)


async def find_pool(run: Run, plan: Plan, parameters: FeatureSearchParameters, size: int) -> Pool:
    """The best documents of all searches, up to ``size`` of them, with those scores that fusion gives them."""
    ranks = [_begun(run, planned, _depth(planned, parameters, size)) for planned in plan.searches]
    await rank(run.context, [ranking for one in ranks for ranking in one.rankings])
    for one in ranks:
        one.ranked = best_of(one.rankings, _asked(one.rankings))
        if one.planned.excluded is not None:
            one.ranked = [found for found in one.ranked if found.document_id != one.planned.excluded]
        for ranking in one.rankings:
            note(run.context, ranking)
    return Pool(ranks, _fused(ranks, parameters, run.explain)[:size])


def _depth(planned: Planned, parameters: FeatureSearchParameters, size: int) -> int:
    """How far down a search looks: a single one for what is shown, one of several for its share in the fusion, and for
    more only if the answer could not be as long as was asked for."""
    depth = planned.search.top_k or DEFAULT_SEARCH_TOP_K
    if len(parameters.searches) == 1:
        depth = size
    elif parameters.final_top_k is not None or size > wanted_of(parameters):
        depth = max(depth, size)
    return min(MAX_POOL, depth) + (planned.excluded is not None)


def _begun(run: Run, planned: Planned, depth: int) -> Ranks:
    rankings = [ranking_of(run.context, aim, depth, planned.filter, planned.search.min_score) for aim in planned.aims]
    return Ranks(planned, rankings, [])


def _fused(ranks: list[Ranks], parameters: FeatureSearchParameters, explain: bool) -> list[Hit]:
    scores = _scores(ranks, parameters)
    documents = {found.document_row: found for one in ranks for found in one.ranked}
    ordered = sorted(documents.values(), key=lambda found: (-scores[found.document_row], found.document_id))
    hits = [_hit(found, scores[found.document_row]) for found in ordered]
    if len(ranks) > 1:
        _tell_scores(hits, ranks)
    if explain:
        _tell_why(hits, ranks)
    return hits


def _scores(ranks: list[Ranks], parameters: FeatureSearchParameters) -> dict[int, float]:
    if len(ranks) == 1:
        ranks[0].added = {found.document_row: found.score for found in ranks[0].ranked}
    else:
        for one in ranks:
            listed = [(found.document_row, found.score) for found in one.ranked]
            one.added = contributions(parameters.fusion, listed, one.planned.search.weight)
    return fuse(parameters.fusion, [one.added for one in ranks])


def _hit(found: Ranked, score: float) -> Hit:
    return Hit(
        found.collection_row,
        found.document_row,
        found.collection_id,
        found.document_id,
        score=score,
        sequence=found.sequence,
    )


def _tell_scores(hits: list[Hit], ranks: list[Ranks]) -> None:
    """The score of each search that found the document."""
    raw = {one.planned.label: {found.document_row: found.score for found in one.ranked} for one in ranks}
    for hit in hits:
        hit.added["feature_scores"] = {
            label: scores[hit.document_row] for label, scores in raw.items() if hit.document_row in scores
        }


def _tell_why(hits: list[Hit], ranks: list[Ranks]) -> None:
    """Where each search placed the document, and what that gave it."""
    whys: dict[int, list[dict[str, Any]]] = {hit.document_row: [] for hit in hits}
    for one in ranks:
        for place, found in enumerate(one.ranked, 1):
            why = {"search": one.planned.number, "feature_uri": one.planned.label, "rank": place, "score": found.score}
            if found.document_row in whys:
                whys[found.document_row].append(why | {"contribution": one.added[found.document_row]})
    for hit in hits:
        hit.added["_explain"] = {"searches": whys[hit.document_row]}


def shared_filter(plan: Plan) -> Filter | None:
    """What every document of the answer matches: the filter of some search. None: anything."""
    filters = [one.filter for one in plan.searches]
    parts = tuple(one for one in filters if one is not None)
    if len(parts) < len(filters):
        return None
    return parts[0] if len({id(one) for one in parts}) == 1 else AnyOf(parts)


def described(pool: Pool, run: Run) -> list[dict[str, Any]]:
    """Each search, for the statistics of its stage; with ``explain``, how each collection was searched."""
    return [_described(one, run) for one in pool.ranks]


def _described(one: Ranks, run: Run) -> dict[str, Any]:
    planned = one.planned
    shown: dict[str, Any] = {
        "feature_uri": planned.uri,
        "input_mode": planned.mode,
        "lexical": planned.search.lexical,
        "found": len(one.ranked),
        "top_score": one.ranked[0].score if one.ranked else None,
    }
    # What was looked at counts documents that an end user may not see.
    if run.explain and run.context.key.principal_id is None:
        shown["plan"] = [
            {
                "collection_id": ranking.collection.collection_id,
                "looked_at": ranking.looked_at,
                "compared": ranking.plan,
            }
            for ranking in one.rankings
        ]
    return shown
