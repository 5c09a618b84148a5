"""Looking at tasks and stopping them."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.context import Context
from headwater.errors import NotFoundError
from headwater.http.pagination import Page, pagination_envelope
from headwater.resources.collections import object_page
from headwater.resources.tasks import repository
from headwater.resources.tasks.render import task_response
from headwater.resources.tasks.repository import TaskScope
from headwater.resources.tasks.schemas import ListTasksRequest
from headwater.store.commands.tasks import StopTask
from headwater.tenancy.document_acl import principal_of

#: A list looks at no more of them; they are kept for days only.
_MOST = 10_000


def get_task(ctx: Context, task_id: str) -> dict[str, Any]:
    task = repository.find_task(ctx.runtime.reader.connection, _scope(ctx), task_id)
    if task is None:
        raise NotFoundError.of("task", task_id)
    return task_response(task)


async def list_tasks(ctx: Context, request: ListTasksRequest, page: Page) -> dict[str, Any]:
    """The newest tasks that match, by the ``sort``, else the newest first."""
    scope = _scope(ctx)
    selection = _selection(request, scope)
    key = ctx.runtime.secret.derive("cursors")

    def read(connection: apsw.Connection) -> object_page.Slice:
        tasks = [_listed(task_response(task)) for task in repository.newest_tasks(connection, scope, _MOST)]
        wanted = [task for task in tasks if request.wants(task)]
        return object_page.cut(object_page.select(wanted, selection), selection, page, key)

    cut = await ctx.runtime.reader.run(read)
    pagination = pagination_envelope(
        page, path="/v1/tasks", has_more=cut.next_cursor is not None, next_cursor=cut.next_cursor, total=cut.total
    )
    return {"results": cut.rows, "pagination": pagination}


async def stop_task(ctx: Context, task_id: str) -> dict[str, Any]:
    """Stop the task if it goes on; ``ConflictError`` if it has to. What it has done stays done."""
    scope = _scope(ctx)
    outcome = await ctx.execute(
        StopTask(
            organization_id=scope.organization_id,
            namespace_row=scope.namespace_row,
            task_id=task_id,
            principal=scope.principal,
        )
    )
    message = "Stopped" if outcome["stopped"] else "No such task goes on; nothing to stop"
    return {"message": message, "success": True}


def _scope(ctx: Context) -> TaskScope:
    namespace_row = None if ctx.namespace is None else ctx.namespace.namespace_row
    return TaskScope(ctx.organization.organization_id, namespace_row, principal_of(ctx))


def _listed(task: dict[str, Any]) -> dict[str, Any]:
    """With the times at the root, where lists are sorted by them."""
    times = {name: task["additional_data"][name] for name in ("created_at", "updated_at")}
    return task | times


def _selection(request: ListTasksRequest, scope: TaskScope) -> object_page.Selection:
    return object_page.Selection(
        scope=f"tasks:{scope}:{request.status}:{request.task_type}",
        id_field="task_id",
        searched=("task_id", "task_type", "status"),
        filters=request.filters,
        sort=object_page.sort_of(request.sort, None),
        search=request.search,
    )
