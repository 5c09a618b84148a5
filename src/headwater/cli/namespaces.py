"""``headwater namespaces``: the rooms that collections live in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.output import print_object, print_page

app = App(name="namespaces", help="Namespaces: create, get, list, delete.")
Identifier = Annotated[str, Parameter(help="Its id or name.")]
_COLUMNS = ("namespace_id", "namespace_name", "mode", "created_at")


@app.command
def create(
    name: str, *, description: str | None = None, connection: Connection = DEFAULT_CONNECTION, json: Json = False
) -> None:
    """Make a namespace.

    Parameters
    ----------
    name
        Its name, 3 to 64 characters, unique in the organization.
    description
        What it is for.
    """
    body = {"namespace_name": name, "description": description}
    with Client(connection) as client:
        print_object(client.post(path_of("namespaces"), body), as_json=json)


@app.command
def get(namespace: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show a namespace, by id or name."""
    with Client(connection) as client:
        print_object(client.get(path_of("namespaces", namespace)), as_json=json)


@app.command(name="list")
def list_namespaces(
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the namespaces of the organization, newest first."""
    with Client(connection) as client:
        answer = client.get(path_of("namespaces"), limit=limit, cursor=cursor)
    print_page(answer, _COLUMNS, as_json=json)


@app.command
def delete(namespace: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Delete a namespace with everything in it."""
    with Client(connection) as client:
        print_object(client.delete(path_of("namespaces", namespace)), as_json=json)
