"""One execution of a pipeline: each stage gets the working set of the one before it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from headwater import ids
from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import HeadwaterError, NotFoundError, QueryTimeoutError, ServiceUnavailableError
from headwater.kit.clock import now_milliseconds
from headwater.query import AllOf, Filter, parse_filter
from headwater.retrieval.definition import Definition, Request
from headwater.retrieval.forms import StageForm, read_parameters
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import Hydration, hydrate
from headwater.retrieval.inputs import read_inputs
from headwater.retrieval.nested import nested_definition
from headwater.retrieval.outcome import Outcome, StageReport
from headwater.retrieval.paging import MAX_DEPTH, MAX_LIMIT, PageRequest
from headwater.retrieval.registry import require_stage
from headwater.retrieval.relaxing import Relaxer
from headwater.retrieval.roots import ContextView, DocumentView, StageView, alias_of
from headwater.retrieval.stage import Run, Stage, StageCall, StageResult, as_narrowing, as_paged
from headwater.retrieval.templates import render
from headwater.tenancy.access import access_collection, access_collections

#: Stages that find documents, so that the request's filters are theirs.
_FINDING = frozenset({"feature_search", "attribute_filter"})
_BUDGET_STEP = "Raise budget_limits.max_time_ms, or make the stages before it do less"


async def execute(context: Context, definition: Definition, request: Request) -> Outcome:
    """Run the pipeline. A request or a definition that cannot be run raises; a stage that fails while it runs ends in
    an outcome that says so."""
    return await _Execution(context, definition, request).run()


class _Execution:
    def __init__(self, context: Context, definition: Definition, request: Request, *, nested: bool = False) -> None:
        self._started = time.monotonic()
        self._definition, self._request = definition, request
        inputs = read_inputs(definition.input_schema, request.inputs)
        self._page, self._stated = request.page, MAX_DEPTH
        self._outcome = Outcome(ids.new_execution_id(now_milliseconds()), inputs, warnings=list(request.warnings))
        self._relaxer = Relaxer(inputs.values)
        self._outcome.relaxations = self._relaxer.relaxations
        self._collections = self._reached(context)
        self._time_left = context.runtime.settings.query_timeout_seconds
        self._run = Run(
            context=context,
            execution_id=self._outcome.execution_id,
            collections=self._collections,
            inputs=inputs.values,
            deadline=self._started + min(self._time_left, self._budget_seconds),
            render=self._render,
            wanted=0,
            retrieve=None if nested else self._retrieve,
            explain=request.explain,
        )
        self._stage_views: dict[str, StageView] = {}
        self._roots: dict[str, Any] = {
            "INPUT": inputs.values,
            "STAGE": self._stage_views,
            "CONTEXT": ContextView(self._about(context), self._started, self._run.aliases),
        }
        #: What the documents of the working set were found by.
        self._found_by: Filter | None = None
        #: Conditions of filter stages that the next search takes over.
        self._waiting: list[Filter | None] = []

    @property
    def _budget_seconds(self) -> float:
        budget = self._definition.max_time_ms
        return float("inf") if budget is None else budget / 1000

    def _about(self, context: Context) -> dict[str, Any]:
        return {
            "namespace_id": context.scope.namespace_id,
            "internal_id": context.scope.organization_id,
            "execution_id": self._outcome.execution_id,
            "retriever_id": self._definition.retriever_id,
            "budget_remaining": None,
        }

    def _reached(self, context: Context) -> tuple[Collection, ...]:
        """The collections of the pipeline. Those that are gone since it was made are missed, unless all are."""
        if not self._definition.collections:
            return tuple(access_collections(context))
        found = []
        for identifier in self._definition.collections:
            try:
                found.append(access_collection(context, identifier))
            except NotFoundError:
                self._outcome.degraded.append(_missing(identifier))
        if not found:
            raise NotFoundError.of("collection", self._definition.collections[0])
        self._outcome.collection_ids = [collection.collection_id for collection in found]
        return tuple(found)

    def _render(self, value: Any, document: dict[str, Any] | None = None) -> Any:
        roots = self._roots if document is None else {**self._roots, "DOC": DocumentView(document)}
        return render(value, roots)

    async def _retrieve(
        self, retriever: str | dict[str, Any], inputs: dict[str, Any], collection: str | None = None, count: int = 1
    ) -> list[Hit]:
        """What a stage gets of another retriever."""
        definition = nested_definition(self._run.context, retriever, collection)
        request = Request(inputs=inputs, page=PageRequest(limit=count))
        execution = _Execution(self._run.context, definition, request, nested=True)
        outcome = await execution.run()
        if outcome.error is not None:
            raise outcome.error
        return await hydrate(self._run.context, outcome.hits[:count], Hydration(execution._found_by))

    async def run(self) -> Outcome:
        try:
            for number, stage in enumerate(self._definition.stages):
                if self._budget_is_spent():
                    self._skip_rest(number)
                    break
                await self._step(number, stage)
        except _FailedError as failure:
            self._outcome.error = failure.error
            self._outcome.hits = []
        self._outcome.page = self._page
        self._outcome.total_ms = (time.monotonic() - self._started) * 1000
        return self._outcome

    def _budget_is_spent(self) -> bool:
        return time.monotonic() - self._started >= self._budget_seconds

    def _skip_rest(self, number: int) -> None:
        for stage in self._definition.stages[number:]:
            self._report(stage, skipped="budget")
            self._degrade(stage, "budget_limits.max_time_ms was reached", _BUDGET_STEP)

    async def _step(self, number: int, stage: StageForm) -> None:
        """Run the stage, or what its ``on_error`` says."""
        begun = time.monotonic()
        before = self._outcome.hits
        report = self._report(stage)
        try:
            result = await self._run_stage(number, stage, report)
        except HeadwaterError as error:
            report.error, report.duration_ms = error.message, _milliseconds_since(begun)
            self._fail(stage, error)
            return
        report.duration_ms = _milliseconds_since(begun)
        if result is not None:
            self._take(stage, report, result)
        report.output_count = len(self._outcome.hits)
        self._stage_views[stage.stage_name] = _view(report, before, self._outcome.hits)

    def _report(self, stage: StageForm, skipped: str | None = None) -> StageReport:
        count = len(self._outcome.hits)
        report = StageReport(stage.stage_name, stage.stage_id, count, count, skipped=skipped)
        self._outcome.stages.append(report)
        return report

    def _fail(self, stage: StageForm, error: HeadwaterError) -> None:
        if isinstance(error, QueryTimeoutError) and self._budget_is_spent():
            self._degrade(stage, "budget_limits.max_time_ms was reached", _BUDGET_STEP)
        elif stage.on_error == "skip":
            self._degrade(stage, error.message, "Correct the stage, or leave it out")
        elif error.status < 500 or isinstance(error, ServiceUnavailableError):
            raise error
        else:
            raise _FailedError(error)

    def _degrade(self, stage: StageForm, reason: str, next_step: str) -> None:
        entry = {"resource": "stage", "id": stage.stage_id, "reason": reason, "next_step": next_step}
        self._outcome.degraded.append({**entry, "stage": stage.stage_name})

    async def _run_stage(self, number: int, stage: StageForm, report: StageReport) -> StageResult | None:
        """None for a stage that leaves the working set as it is."""
        about = require_stage(stage.stage_id)
        sent = self._relaxer.parameters(stage)
        if sent is None:
            report.skipped = "relaxed"
            return None
        parameters = self._parameters(number, stage, about, sent)
        first = not any(report.skipped is None for report in self._outcome.stages[:-1])
        if first and self._is_taken_over(number, stage, about, parameters):
            report.skipped = "pushed down"
            return None
        finds = stage.stage_id == "feature_search" or (first and stage.stage_id in _FINDING)
        call = StageCall(stage.stage_name, parameters, self._filter_of(stage, finds), first)
        hits = self._outcome.hits
        if about.reads_documents:
            hits = await hydrate(self._run.context, hits, Hydration(self._found_by))
        self._run.wanted = self._wanted(number)
        if finds:
            self._found_by = call.filter
        return await self._within_time(about, call, hits)

    def _parameters(self, number: int, stage: StageForm, about: Stage[Any], sent: dict[str, Any]) -> Any:
        rendered = {key: value if key in about.per_document else self._render(value) for key, value in sent.items()}
        parameters, warnings = read_parameters(stage, rendered, ["body", "stages", number])
        self._outcome.warnings += warnings
        paged = as_paged(about)
        if paged is not None:
            self._stated = paged.page_size(parameters)
            self._page = self._request.page.sized(min(MAX_LIMIT, self._stated))
        return parameters

    def _is_taken_over(self, number: int, stage: StageForm, about: Stage[Any], parameters: Any) -> bool:
        """Whether the first search, which follows directly, finds by this stage's conditions instead."""
        later = self._definition.stages[number + 1 :]
        following = next((other for other in later if other.stage_id != stage.stage_id), None)
        if following is None or following.stage_id != "feature_search" or stage.on_error != "error":
            return False
        narrowing = as_narrowing(about)
        taken = None if narrowing is None else narrowing.narrowing(self._run, parameters)
        if taken is None:
            return False
        self._waiting.append(_all_of([taken, self._filter_of(stage, finds=False)]))
        self._outcome.pushed.append(stage.stage_name)
        return True

    def _filter_of(self, stage: StageForm, finds: bool) -> Filter | None:
        parts = [self._parsed(stage.pre_filters, f"{stage.stage_name}.pre_filters")]
        if finds:
            parts += [self._parsed(self._request.filters, "filters"), *self._waiting]
            self._waiting = []
        return _all_of(parts)

    def _parsed(self, sent: Any, where: str) -> Filter | None:
        return parse_filter(self._render(self._relaxer.filter(sent, where)), ["body", *where.split(".")])

    def _wanted(self, number: int) -> int:
        """Only the last stage can know which of its rows will be seen, and only a page that begins past what the
        search states makes it look further."""
        if number < len(self._definition.stages) - 1:
            return 0
        return self._page.end if self._page.begin >= self._stated else min(self._page.end, self._stated)

    async def _within_time(self, about: Stage[Any], call: StageCall[Any], hits: list[Hit]) -> StageResult:
        seconds = self._run.deadline - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await about.run(self._run, call, hits)
        except TimeoutError:
            raise QueryTimeoutError(
                f"the stage {call.name!r} took longer than the execution has time; ask for less, or narrow its filters",
                details={"stage": call.name},
            ) from None

    def _take(self, stage: StageForm, report: StageReport, result: StageResult) -> None:
        outcome = self._outcome
        outcome.hits = result.hits
        outcome.warnings += result.warnings
        outcome.degraded += [{"stage": stage.stage_name, **entry} for entry in result.degraded]
        outcome.limits += [{"stage": stage.stage_name, **entry} for entry in result.limits]
        if result.facets is not None:
            outcome.facets = [*(outcome.facets or []), *result.facets]
        report.metadata = result.metadata
        if stage.output_alias is not None:
            self._run.aliases[stage.output_alias] = alias_of(result.hits)


class _FailedError(Exception):
    """A stage failed, and the execution with it."""

    def __init__(self, error: HeadwaterError) -> None:
        super().__init__(error.message)
        self.error = error


def _view(report: StageReport, before: Sequence[Hit], after: list[Hit]) -> StageView:
    return StageView(
        after,
        input_count=len(before),
        output_count=len(after),
        count=len(after),
        duration_ms=report.duration_ms,
        top_score=max((hit.score for hit in after if hit.score is not None), default=None),
        metadata=report.metadata,
    )


def _missing(identifier: str) -> dict[str, Any]:
    return {
        "resource": "collection",
        "id": identifier,
        "reason": "the collection does not exist any more",
        "next_step": "Take it out of the retriever's collection_identifiers",
    }


def _all_of(parts: Sequence[Filter | None]) -> Filter | None:
    given = tuple(part for part in parts if part is not None)
    return AllOf(given) if len(given) > 1 else given[0] if given else None


def _milliseconds_since(begun: float) -> float:
    return (time.monotonic() - begun) * 1000
