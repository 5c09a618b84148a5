"""What has become of executions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.pagination import PageParameters
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.retrievers import history
from headwater.resources.retrievers.schemas_history import (
    DETAIL_EXAMPLE,
    PROFILE_EXAMPLE,
    STATUS_EXAMPLE,
    AdHocExecutionDetail,
    AdHocExecutionList,
    ExecutionList,
    ListAdHocExecutionsRequest,
    ListExecutionsRequest,
)

router = APIRouter(route_class=Route, tags=["Retriever executions"])

_ONE = "/v1/retrievers/{retriever_identifier}/executions"


def _shows(example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {"application/json": {"example": example}}}}


@router.post(
    "/v1/retrievers/executions/list",
    summary="List ad hoc executions",
    operation_id="list_adhoc_executions_retrievers",
    response_model=AdHocExecutionList,
)
async def list_adhoc_executions(
    ctx: Ctx, page: PageParameters, body: ListAdHocExecutionsRequest | None = None
) -> JSONBytes:
    """What ran ad hoc in the namespace, the newest first. The newest of them are remembered, without documents."""
    return json_response(await history.list_ad_hoc_executions(ctx, body or ListAdHocExecutionsRequest(), page))


@router.get(
    "/v1/retrievers/executions/{execution_id}",
    summary="Get ad hoc execution",
    operation_id="get_adhoc_execution_retrievers",
    response_model=AdHocExecutionDetail,
)
async def get_adhoc_execution(ctx: Ctx, execution_id: str) -> JSONBytes:
    """What ran ad hoc under that id, with its inputs."""
    return json_response(await history.get_ad_hoc_execution(ctx, execution_id))


@router.post(
    _ONE + "/list",
    summary="List executions",
    operation_id="list_executions_retrievers",
    response_model=ExecutionList,
)
async def list_executions(
    ctx: Ctx, retriever_identifier: str, page: PageParameters, body: ListExecutionsRequest | None = None
) -> JSONBytes:
    """The retriever's executions, the newest first. The newest of them are remembered, without documents."""
    return json_response(
        await history.list_executions(ctx, retriever_identifier, body or ListExecutionsRequest(), page)
    )


@router.get(
    _ONE + "/{execution_id}",
    summary="Get execution",
    operation_id="get_execution_retrievers",
    responses=_shows(DETAIL_EXAMPLE),
)
async def get_execution(ctx: Ctx, retriever_identifier: str, execution_id: str) -> JSONBytes:
    """The answer of an execution, without its documents: they are not kept."""
    return json_response(await history.get_execution(ctx, retriever_identifier, execution_id))


@router.get(
    _ONE + "/{execution_id}/status",
    summary="Get status of execution",
    operation_id="get_execution_status_retrievers",
    responses=_shows(STATUS_EXAMPLE),
)
async def get_execution_status(ctx: Ctx, retriever_identifier: str, execution_id: str) -> JSONBytes:
    """How an execution ended. Executions answer as a whole, so they are known when they have ended."""
    return json_response(await history.get_status(ctx, retriever_identifier, execution_id))


@router.get(
    _ONE + "/{execution_id}/profile",
    summary="Get profile of execution",
    operation_id="get_execution_profile_retrievers",
    responses=_shows(PROFILE_EXAMPLE),
)
async def get_execution_profile(ctx: Ctx, retriever_identifier: str, execution_id: str) -> JSONBytes:
    """Where the time of an execution went, stage by stage."""
    return json_response(await history.get_profile(ctx, retriever_identifier, execution_id))
