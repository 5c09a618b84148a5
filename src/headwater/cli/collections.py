"""``headwater collections``: named sets of documents."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.output import print_object, print_page

app = App(name="collections", help="Collections: create, get, list, delete.")
Identifier = Annotated[str, Parameter(help="Its id or name.")]
_COLUMNS = ("collection_id", "collection_name", "document_count", "lifecycle_state", "created_at")


@app.command
def create(
    name: str, *, description: str | None = None, connection: Connection = DEFAULT_CONNECTION, json: Json = False
) -> None:
    """Make a collection that is filled by hand: by document creates and upserts.

    Parameters
    ----------
    name
        Its name, 3 to 100 characters, unique in the namespace.
    description
        What it is for.
    """
    body = {"collection_name": name, "description": description, "source": {"type": "direct_upsert"}}
    with Client(connection) as client:
        print_object(client.post(path_of("collections"), body), as_json=json)


@app.command
def get(collection: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show a collection, by id or name."""
    with Client(connection) as client:
        print_object(client.get(path_of("collections", collection)), as_json=json)


@app.command(name="list")
def list_collections(
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the collections of the namespace, newest first."""
    with Client(connection) as client:
        answer = client.get(path_of("collections"), limit=limit, cursor=cursor)
    print_page(answer, _COLUMNS, as_json=json)


@app.command
def delete(collection: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Delete a collection with all its documents and vectors."""
    with Client(connection) as client:
        print_object(client.delete(path_of("collections", collection)), as_json=json)
