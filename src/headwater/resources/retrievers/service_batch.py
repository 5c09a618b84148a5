"""Several executions of one retriever in one request."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from headwater.context import Context
from headwater.errors import HeadwaterError, ServiceUnavailableError, ValidationError
from headwater.http.envelope import envelope
from headwater.resources.retrievers.schemas_execute import MAX_QUERIES, BatchQuery, ExecuteBatchRequest
from headwater.resources.retrievers.service import access_retriever
from headwater.resources.retrievers.service_execute import Flags, answer, refuse_stream, render_options
from headwater.retrieval.definition import Definition, Request, definition_of
from headwater.retrieval.paging import PageRequest


async def execute_batch(ctx: Context, identifier: str, body: ExecuteBatchRequest) -> dict[str, Any]:
    """The answer to each query; one that fails does not concern the others."""
    retriever = access_retriever(ctx, identifier)
    refuse_stream(body)
    _refuse_too_many(body)
    definition = definition_of(retriever)
    common = Request(page=PageRequest(limit=body.settings.limit), options=render_options(body, Flags()))
    slots = asyncio.Semaphore(body.concurrency)

    async def run(number: int, query: BatchQuery) -> dict[str, Any]:
        request = replace(common, inputs=query.inputs, filters=query.filters)
        async with slots:
            return {"query_index": number} | await _answer(ctx, definition, request, retriever.retriever_row)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(number, query)) for number, query in enumerate(body.queries)]
    results = [task.result() for task in tasks]
    failed = sum(1 for result in results if result["status"] == "failed")
    return {
        "retriever_id": retriever.retriever_id,
        "total": len(results),
        "succeeded": len(results) - failed,
        "failed": failed,
        "results": results,
    }


async def _answer(ctx: Context, definition: Definition, request: Request, retriever_row: int) -> dict[str, Any]:
    try:
        return await answer(ctx, definition, request, None, retriever_row)
    except ServiceUnavailableError:
        raise
    except HeadwaterError as error:
        failure = envelope(error)["error"]
        return {"execution_id": None, "status": "failed", "documents": [], "results": [], "error": failure}


def _refuse_too_many(body: ExecuteBatchRequest) -> None:
    if len(body.queries) > MAX_QUERIES:
        message = f"a batch may have {MAX_QUERIES} queries, not {len(body.queries)}; send several batches"
        error = ValidationError.at(["body", "queries"], message, "too_long")
        error.details = {**(error.details or {}), "limits": {"max_queries": MAX_QUERIES}}
        raise error
