"""Running pipelines: stored ones, ad hoc ones, several at once, and what a run would do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.retrievers import plan, service_batch, service_execute
from headwater.resources.retrievers.schemas_execute import (
    AdHocExecuteRequest,
    AdHocExecutionResponse,
    BatchExecutionResponse,
    ExecuteBatchRequest,
    ExecuteRequest,
    ExecutionResponse,
    ExplainRequest,
    ExplainResponse,
)
from headwater.resources.retrievers.service_execute import Flags

router = APIRouter(route_class=Route, tags=["Retrievers"])

_ONE = "/v1/retrievers/{retriever_identifier}"


async def _flags(
    return_presigned_urls: bool = False,
    return_vectors: bool = False,
    explain: bool = False,
    skip_cache: Annotated[bool, Query(description="Nothing is cached, so this changes nothing.")] = False,
    include_legacy_results: Annotated[bool, Query(description="`results` is always there.")] = False,
) -> Flags:
    return Flags(return_presigned_urls, return_vectors, explain)


_Flags = Annotated[Flags, Depends(_flags)]


@router.post(
    "/v1/retrievers/execute",
    summary="Execute stages ad hoc",
    operation_id="execute_adhoc_retriever",
    response_model=AdHocExecutionResponse,
)
async def execute_adhoc_retriever(ctx: Ctx, body: AdHocExecuteRequest, flags: _Flags) -> JSONBytes:
    """Run stages that are stored nowhere. Without collections, all that the key reaches are searched."""
    answer = await service_execute.execute_ad_hoc(ctx, body, flags)
    return json_response(answer, headers={"X-Execution-Mode": "adhoc"})


@router.post(
    _ONE + "/execute",
    summary="Execute retriever",
    operation_id="execute_retriever",
    response_model=ExecutionResponse,
)
async def execute_retriever(
    ctx: Ctx, retriever_identifier: str, flags: _Flags, body: ExecuteRequest | None = None
) -> JSONBytes:
    """Run a retriever. `documents` (and `results`, which is the same) are a page of what its stages leave, `pagination`
    leads to the next one. A stage that fails gives `status: failed`, one that was left out `degraded`."""
    return json_response(
        await service_execute.execute_retriever(ctx, retriever_identifier, body or ExecuteRequest(), flags)
    )


@router.post(
    _ONE + "/execute/batch",
    summary="Execute retriever for several queries",
    operation_id="execute_batch_retrievers",
    response_model=BatchExecutionResponse,
)
async def execute_batch_retrievers(ctx: Ctx, retriever_identifier: str, body: ExecuteBatchRequest) -> JSONBytes:
    """Run a retriever for up to 16 queries, side by side. One that fails does not concern the others."""
    return json_response(await service_batch.execute_batch(ctx, retriever_identifier, body))


@router.post(
    _ONE + "/execute/explain",
    summary="Explain an execution",
    operation_id="explain_retriever_execution_id_execute",
    response_model=ExplainResponse,
)
async def explain_retriever_execution(
    ctx: Ctx, retriever_identifier: str, body: ExplainRequest | None = None
) -> dict[str, Any]:
    """What an execution would do, with estimates. Nothing is run; for figures of a run, execute with `explain`."""
    return await plan.explain_retriever(ctx, retriever_identifier)


@router.post(
    _ONE + "/explain",
    summary="Explain retriever",
    operation_id="explain_retriever",
    response_model=ExplainResponse,
)
async def explain_retriever(ctx: Ctx, retriever_identifier: str, body: ExplainRequest | None = None) -> dict[str, Any]:
    """The same as `/execute/explain`."""
    return await plan.explain_retriever(ctx, retriever_identifier)
