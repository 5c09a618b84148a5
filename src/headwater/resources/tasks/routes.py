"""Tasks: what goes on after the answer of the request that asked for it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from headwater.http.dependencies import Ctx
from headwater.http.pagination import PageParameters, resolve_page
from headwater.http.route import Route
from headwater.resources.tasks import service
from headwater.resources.tasks.schemas import ListTasksRequest, TaskList, TaskResponse, TaskStopped

router = APIRouter(route_class=Route, prefix="/v1/tasks", tags=["Tasks"])


@router.post("/list", summary="List tasks", operation_id="list_tasks", response_model=TaskList)
async def list_tasks(ctx: Ctx, page: PageParameters, body: ListTasksRequest | None = None) -> dict[str, Any]:
    """The tasks of the namespace in `X-Namespace`, or of all namespaces without it, the newest first. Tasks that have
    ended can be seen for some days; a list looks at the newest 10,000."""
    request = body or ListTasksRequest()
    return await service.list_tasks(ctx, request, resolve_page(page, request))


@router.get("/{task_id}", summary="Get a task", operation_id="get_task", response_model=TaskResponse)
async def get_task(ctx: Ctx, task_id: str) -> dict[str, Any]:
    """How far a task is: its status, and in `additional_data` the counts so far."""
    return service.get_task(ctx, task_id)


@router.delete("/{task_id}", summary="Stop a task", operation_id="kill_task", response_model=TaskStopped)
async def kill_task(ctx: Ctx, task_id: str) -> dict[str, Any]:
    """Stop a task. What it has done by then stays done. A task that has ended, or that is not there, is no error."""
    return await service.stop_task(ctx, task_id)


@router.post("/{task_id}/kill", summary="Stop a task", operation_id="kill_task_post", response_model=TaskStopped)
async def kill_task_post(ctx: Ctx, task_id: str) -> dict[str, Any]:
    """The same as the DELETE."""
    return await service.stop_task(ctx, task_id)
