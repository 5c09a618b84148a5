"""``headwater tasks``: what goes on after the answer of the request that asked for it."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.output import print_object, print_page

app = App(name="tasks", help="Tasks: get, list, stop.")
Task = Annotated[str, Parameter(help="Id of the task.")]
Status = Literal["PENDING", "IN_PROGRESS", "COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELED"]
_COLUMNS = ("task_id", "status", "task_type", "created_at", "updated_at", "error")


@app.command
def get(task: Task, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show how far a task is."""
    with Client(connection) as client:
        print_object(client.get(path_of("tasks", task)), as_json=json)


@app.command(name="list")
def list_tasks(
    *,
    status: Annotated[Status | None, Parameter(help="Only tasks that are so.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the tasks of the namespace, or of all namespaces when none is named, the newest first."""
    asked = {"status": status, "limit": limit, "cursor": cursor}
    with Client(connection) as client:
        body = {name: value for name, value in asked.items() if value is not None}
        answer = client.post(path_of("tasks", "list"), body)
    print_page(answer, _COLUMNS, as_json=json)


@app.command
def stop(task: Task, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Stop a task. What it has done by then stays done."""
    with Client(connection) as client:
        print_object(client.delete(path_of("tasks", task)), as_json=json)
