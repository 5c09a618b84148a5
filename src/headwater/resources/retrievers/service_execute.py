"""Executing retrievers, stored ones and such as a request brings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from headwater import ids
from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.http.models import unknown_key_warnings
from headwater.kit.clock import now_milliseconds
from headwater.resources.retrievers import scrolls
from headwater.resources.retrievers.definitions import checked_stages, reached_collections
from headwater.resources.retrievers.expanding import expanded
from headwater.resources.retrievers.recording import record
from headwater.resources.retrievers.schemas_execute import AdHocExecuteRequest, ExecuteRequest, ExecutionBody, ShownBody
from headwater.resources.retrievers.service import access_retriever
from headwater.retrieval.definition import Definition, Request, definition_of
from headwater.retrieval.envelope import execution_envelope, ignored_inputs
from headwater.retrieval.inputs import Inputs, read_schema
from headwater.retrieval.outcome import Outcome
from headwater.retrieval.paging import PageRequest, ResultPage, read_page
from headwater.retrieval.pipeline import execute
from headwater.retrieval.results import read_results
from headwater.store.documents.render import RenderOptions
from headwater.tenancy.access import access_collections

_AD_HOC: dict[str, Any] = {"execution_metadata": {"retriever_persisted": False}, "cache_status": "disabled"}


@dataclass(frozen=True)
class Flags:
    """What an execution is asked for in the query string."""

    return_presigned_urls: bool = False
    return_vectors: bool = False
    explain: bool = False


async def execute_retriever(ctx: Context, identifier: str, body: ExecuteRequest, flags: Flags) -> dict[str, Any]:
    """The answer of a stored retriever."""
    retriever = access_retriever(ctx, identifier)
    refuse_stream(body)
    if body.target_collection_id is not None:
        raise NotEnabledError(
            "Writing results into a collection is not part of this deployment; leave target_collection_id out",
            details={"feature": "target_collection_id"},
        )
    definition = definition_of(retriever)
    return await answer(ctx, definition, asked_for(definition, body, flags), body.expand, retriever.retriever_row)


async def execute_ad_hoc(ctx: Context, body: AdHocExecuteRequest, flags: Flags) -> dict[str, Any]:
    """The answer of stages that are stored nowhere."""
    refuse_stream(body)
    definition = _ad_hoc_definition(ctx, body)
    return await answer(ctx, definition, asked_for(definition, body, flags), body.expand, 0) | _AD_HOC


def _ad_hoc_definition(ctx: Context, body: AdHocExecuteRequest) -> Definition:
    named = body.collection_ids if body.collection_identifiers is None else body.collection_identifiers
    collections = reached_collections(ctx, named or [])
    stages = checked_stages(ctx, body.stages, collections or access_collections(ctx))
    return Definition(
        stages=tuple(stages),
        collections=tuple(collection.collection_id for collection in collections),
        input_schema=read_schema(body.input_schema, ["body", "input_schema"]),
        max_time_ms=None if body.budget_limits is None else body.budget_limits.max_time_ms,
    )


def refuse_stream(body: ShownBody) -> None:
    if body.stream:
        raise NotEnabledError(
            "Streams of events are not part of this deployment; leave stream out, and the answer comes as a whole",
            details={"feature": "stream"},
        )


def asked_for(definition: Definition, body: ExecutionBody, flags: Flags) -> Request:
    warnings = unknown_key_warnings(body)
    inputs = dict((body.input if body.inputs is None else body.inputs) or {})
    filters = body.pre_filters if body.filters is None else body.filters
    if filters is None and _is_filter(definition, inputs):
        filters = inputs.pop("filters")
        warnings.append("inputs.filters was taken for filters, since no stage looks at an input of that name")
    return Request(
        inputs=inputs,
        filters=filters,
        page=read_page(body.pagination, _limit(body), warnings),
        options=render_options(body, flags),
        explain=body.explain or flags.explain,
        warnings=tuple(warnings),
    )


def _is_filter(definition: Definition, inputs: dict[str, Any]) -> bool:
    sent = inputs.get("filters")
    return (
        isinstance(sent, dict)
        and "filters" not in definition.input_schema
        and bool(ignored_inputs(definition, ["filters"]))
    )


def _limit(body: ExecutionBody) -> int | None:
    """``limit`` in one of the places where clients put it."""
    settings = (body.settings or {}).get("limit")
    sent = [value for value in (body.limit, body.page_size) if value is not None]
    if len(set(sent)) > 1:
        message = f"limit is {body.limit} and page_size is {body.page_size}; they mean the same, so send one"
        raise ValidationError.at(["body", "page_size"], message, "contradiction")
    if not sent and isinstance(settings, int) and not isinstance(settings, bool):
        page = read_page({"limit": settings}, None, [], ["body", "settings"])
        return page.limit
    return sent[0] if sent else None


def render_options(body: ShownBody, flags: Flags) -> RenderOptions:
    urls = body.return_presigned_urls or body.return_urls or flags.return_presigned_urls
    return RenderOptions(urls, body.return_vectors or flags.return_vectors)


async def answer(
    ctx: Context, definition: Definition, request: Request, expand: list[str] | None, retriever_row: int
) -> dict[str, Any]:
    """Run it, unless the request goes on with a scroll, and record it."""
    if request.page.scroll_id is not None:
        return await _next_of_scroll(ctx, definition, request, expand)
    outcome = await execute(ctx, definition, request)
    page = outcome.page
    if page.method == "scroll":
        begun = await scrolls.begin_scroll(ctx, outcome.hits, page, definition.retriever_id)
        shown = await _shown(ctx, begun, page, request.options)
    else:
        shown = await read_results(ctx, outcome.hits, page, request.options)
    envelope = await _envelope(ctx, definition, outcome, shown, request, expand)
    record(ctx, definition, request, envelope, retriever_row)
    return envelope


async def _next_of_scroll(
    ctx: Context, definition: Definition, request: Request, expand: list[str] | None
) -> dict[str, Any]:
    """A later page of a scroll: no stage is run."""
    begun = scrolls.continue_scroll(ctx, request.page, definition.retriever_id)
    outcome = Outcome(ids.new_execution_id(now_milliseconds()), Inputs(), hits=begun.hits)
    shown = await _shown(ctx, begun, request.page, request.options)
    return await _envelope(ctx, definition, outcome, shown, request, expand)


async def _shown(
    ctx: Context, begun: ResultPage, page: PageRequest, options: RenderOptions
) -> tuple[ResultPage, list[dict[str, Any]]]:
    read, documents = await read_results(ctx, begun.hits, replace(page, method="cursor", offset=0), options)
    return ResultPage(read.hits, begun.shown | {"returned": len(documents)}), documents


async def _envelope(
    ctx: Context,
    definition: Definition,
    outcome: Outcome,
    shown: tuple[ResultPage, list[dict[str, Any]]],
    request: Request,
    expand: list[str] | None,
) -> dict[str, Any]:
    page, documents = shown
    if expand:
        documents = await expanded(ctx, page.hits, documents, expand, request.options)
    return execution_envelope(definition, outcome, page, documents, explain=request.explain)
