"""A search by itself: a pipeline of one stage, with nothing to prepare and nothing to keep."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from headwater import ids
from headwater.context import Context
from headwater.errors import NotEnabledError
from headwater.http.models import unknown_key_warnings
from headwater.kit.clock import now_milliseconds
from headwater.query import Filter, parse_filter
from headwater.resources.retrievers.expanding import expanded
from headwater.resources.search.schemas import FeatureSearchBody
from headwater.retrieval.definition import Definition
from headwater.retrieval.envelope import execution_envelope
from headwater.retrieval.inputs import Inputs
from headwater.retrieval.outcome import Outcome, StageReport
from headwater.retrieval.paging import MAX_LIMIT, PageRequest, read_page
from headwater.retrieval.results import read_results
from headwater.retrieval.search.engine import wanted_of
from headwater.retrieval.search.planning import collections_of
from headwater.retrieval.stage import Run, StageCall, StageResult
from headwater.retrieval.stages.feature_search import FeatureSearch
from headwater.store.documents.render import RenderOptions

STAGE = FeatureSearch.stage_id
_DEFINITION = Definition(stages=())


@dataclass(frozen=True)
class _Asked:
    body: FeatureSearchBody
    page: PageRequest
    filter: Filter | None
    warnings: list[str]


async def search(ctx: Context, body: FeatureSearchBody) -> dict[str, Any]:
    """The documents that the search finds, in the envelope of an execution."""
    asked = _asked(body)
    outcome = await _run(ctx, asked)
    options = RenderOptions(body.return_presigned_urls, body.return_vectors)
    page, documents = await read_results(ctx, outcome.hits, asked.page, options)
    if body.expand:
        documents = await expanded(ctx, page.hits, documents, body.expand, options)
    return execution_envelope(_DEFINITION, outcome, page, documents, explain=body.explain)


def _asked(body: FeatureSearchBody) -> _Asked:
    warnings = unknown_key_warnings(body)
    for one in body.searches:
        warnings += unknown_key_warnings(one)
    page = read_page(body.pagination, body.page_size, warnings).sized(_page_size(body))
    if page.method == "scroll":
        raise NotEnabledError(
            "scrolls belong to executions of retrievers; page a search with the methods cursor, offset or keyset",
            details={"feature": "search_scroll"},
        )
    return _Asked(body, page, parse_filter(body.filters, ["body", "filters"]), warnings)


def _page_size(body: FeatureSearchBody) -> int:
    """All of the answer, unless that is very long."""
    return min(MAX_LIMIT, wanted_of(body) if body.group_by is None else body.group_by.limit)


async def _run(ctx: Context, asked: _Asked) -> Outcome:
    started = time.monotonic()
    outcome = Outcome(ids.new_execution_id(now_milliseconds()), Inputs(), warnings=asked.warnings, page=asked.page)
    run = Run(
        context=ctx,
        execution_id=outcome.execution_id,
        collections=tuple(collections_of(ctx, asked.body.collection_identifiers, ())),
        inputs={},
        deadline=started + ctx.runtime.settings.query_timeout_seconds,
        render=_verbatim,
        wanted=asked.page.end,
        explain=asked.body.explain,
    )
    result = await FeatureSearch().run(run, StageCall(STAGE, asked.body, asked.filter, first=True), [])
    _take(outcome, result)
    outcome.collection_ids = [collection.collection_id for collection in run.collections]
    outcome.total_ms = outcome.stages[0].duration_ms = (time.monotonic() - started) * 1000
    return outcome


def _verbatim(value: Any, document: dict[str, Any] | None = None) -> Any:
    """What is searched for is no template, whatever it looks like."""
    return value


def _take(outcome: Outcome, result: StageResult) -> None:
    outcome.hits = result.hits
    outcome.warnings += result.warnings
    outcome.degraded, outcome.limits, outcome.facets = result.degraded, result.limits, result.facets
    outcome.stages = [StageReport(STAGE, STAGE, 0, len(result.hits), metadata=result.metadata)]
