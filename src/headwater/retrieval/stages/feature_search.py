"""``feature_search``: the documents nearest to texts, vectors or documents."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any, ClassVar

from headwater.query import Filter
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import Hydration, hydrate
from headwater.retrieval.search.engine import Pool, described, find_pool, page_size_of, shared_filter, wanted_of
from headwater.retrieval.search.filtered import filter_query, find_filtered
from headwater.retrieval.search.grouping import ROOT_OBJECT, find_groups, group_hits, rolled_up
from headwater.retrieval.search.parameters import MAX_POOL, FeatureSearchParameters
from headwater.retrieval.search.planning import Plan, plan_searches
from headwater.retrieval.stage import Category, Run, Searched, StageCall, StageResult
from headwater.store.aggregate import facets
from headwater.store.find import Query
from headwater.tenancy.document_acl import principal_of

#: Longest time of one search, in seconds.
TIME_LIMIT = 5.0
Call = StageCall[FeatureSearchParameters]


class FeatureSearch:
    stage_id: ClassVar[str] = "feature_search"
    category: ClassVar[Category] = "filter"
    description: ClassVar[str] = "Find the documents nearest to texts, vectors or documents, under filters."
    icon: ClassVar[str] = "search"
    parameters: type[FeatureSearchParameters] = FeatureSearchParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    def page_size(self, parameters: FeatureSearchParameters) -> int:
        return page_size_of(parameters)

    async def run(self, run: Run, call: Call, hits: list[Hit]) -> StageResult:
        """The working set before it is replaced."""
        limit = min(TIME_LIMIT, (call.parameters.hard_timeout_ms or 1000 * TIME_LIMIT) / 1000)
        try:
            async with asyncio.timeout(min(limit, max(run.deadline - time.monotonic(), 0))):
                return await _search(run, call)
        except TimeoutError:
            return _timed_out(call.name, limit)


async def _search(run: Run, call: Call) -> StageResult:
    if not call.parameters.searches:
        return await _filter_only(run, call)
    plan = await plan_searches(run, call)
    by_vector = next((one for one in plan.searches if one.vector_name), None)
    run.searched = None if by_vector is None else Searched(by_vector.uri, by_vector.vector_name)
    rows = tuple(one.collection_row for one in plan.collections)
    query = Query(run.context.scope.namespace_row, rows, shared_filter(plan), principal_of(run.context))
    hits, metadata = await _ranked(run, call, plan)
    result = StageResult(hits, metadata, warnings=list(plan.warnings), limits=_limits(call))
    return _with_facets(result, await _facets(run, call, query))


async def _filter_only(run: Run, call: Call) -> StageResult:
    query = filter_query(run, call.parameters.collection_identifiers, call.filter)
    size = _size(run, call)
    hits = await find_filtered(run, query, size)
    return _with_facets(StageResult(await _loaded(run, hits, call.filter)), await _facets(run, call, query))


async def _ranked(run: Run, call: Call, plan: Plan) -> tuple[list[Hit], dict[str, Any]]:
    asked = call.parameters
    more = partial(find_pool, run, plan, asked)
    filters = shared_filter(plan)
    hits: list[Hit]
    pool: Pool
    if asked.group_by is not None:
        groups, pool = await find_groups(run.context, more, asked.group_by.field, asked.group_by.limit, filters)
        hits = await group_hits(run.context, groups, asked.group_by, Hydration(filters))
    elif asked.rollup is not None:
        size = _size(run, call)
        groups, pool = await find_groups(run.context, more, ROOT_OBJECT, size, filters, keep_single=True)
        hits = await _loaded(run, rolled_up(groups), filters)
    else:
        pool = await more(_size(run, call))
        hits = await _loaded(run, pool.hits, filters)
    fusion = asked.fusion if len(plan.searches) > 1 else None
    return hits, {"searches": described(pool, run), "fusion": fusion}


def _size(run: Run, call: Call) -> int:
    return min(MAX_POOL, max(wanted_of(call.parameters), run.wanted))


async def _loaded(run: Run, hits: list[Hit], filters: Filter | None) -> list[Hit]:
    """The hits, with the documents of those that the page shows: nobody may ever look at the others."""
    shown = await hydrate(run.context, hits[: run.wanted], Hydration(filters))
    return shown + hits[run.wanted :]


async def _facets(run: Run, call: Call, query: Query) -> list[dict[str, Any]] | None:
    """Over all documents that match the filters, however many of them are shown."""
    asked = call.parameters.facets
    if not asked:
        return None
    most = max(facet.limit for facet in asked)
    paths = list(dict.fromkeys(facet.key for facet in asked))
    found = await run.context.runtime.find(facets, query, paths, most)
    run.context.runtime.learner.note(query, found.explain)
    return [
        {
            "key": facet.key,
            "values": [{"value": one.value, "count": one.documents} for one in found.values[facet.key][: facet.limit]],
        }
        for facet in asked
    ]


def _with_facets(result: StageResult, counted: list[dict[str, Any]] | None) -> StageResult:
    if counted is not None:
        result.facets = counted
        result.metadata["facets"] = counted
    return result


def _limits(call: Call) -> list[dict[str, Any]]:
    return [
        {"name": "top_k", "requested": search.top_k, "applied": MAX_POOL, "ceiling": MAX_POOL, "stage": call.name}
        for search in call.parameters.searches
        if search.top_k is not None and search.top_k > MAX_POOL
    ]


def _timed_out(name: str, limit: float) -> StageResult:
    next_step = "narrow its filters, declare their fields as payload_indexes, or raise hard_timeout_ms"
    entry = {
        "resource": "stage",
        "id": name,
        "reason": f"the search took more than {limit:g} seconds and was stopped",
        "next_step": next_step,
        "stage": name,
    }
    return StageResult([], degraded=[entry])
