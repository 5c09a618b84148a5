"""``headwater buckets``: where objects and their files are kept."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.output import CommandError, print_object, print_page

app = App(name="buckets", help="Buckets: create, get, list, delete.")
Identifier = Annotated[str, Parameter(help="Its id or name.")]
_COLUMNS = ("bucket_id", "bucket_name", "object_count", "total_size_bytes", "created_at")


@app.command
def create(
    name: str,
    *,
    schema: Annotated[
        str, Parameter(help="Fields as NAME=TYPE, comma-separated, such as photo=image,title=string; or a JSON file.")
    ],
    description: str | None = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Make a bucket.

    Parameters
    ----------
    name
        Its name, unique in the namespace.
    description
        What it is for.
    """
    body = {"bucket_name": name, "description": description, "bucket_schema": _schema(schema)}
    with Client(connection) as client:
        print_object(client.post(path_of("buckets"), body), as_json=json)


def _schema(text: str) -> Any:
    if text.endswith(".json"):
        try:
            return json_format.loads(Path(text).read_text())
        except (OSError, ValueError) as error:
            raise CommandError(f"cannot read the schema {text}: {error}", exit_code=2) from error
    fields = [part.partition("=") for part in text.split(",")]
    if not all(name and kind for name, _, kind in fields):
        raise CommandError(f"--schema takes NAME=TYPE, comma-separated, or a .json file, not {text!r}", exit_code=2)
    return {"properties": {name.strip(): {"type": kind.strip()} for name, _, kind in fields}}


@app.command
def get(bucket: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Show a bucket, by id or name."""
    with Client(connection) as client:
        print_object(client.get(path_of("buckets", bucket)), as_json=json)


@app.command(name="list")
def list_buckets(
    *,
    limit: Limit = 100,
    cursor: Cursor = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the buckets of the namespace, newest first."""
    with Client(connection) as client:
        answer = client.get(path_of("buckets"), limit=limit, cursor=cursor)
    print_page(answer, _COLUMNS, as_json=json)


@app.command
def delete(bucket: Identifier, *, connection: Connection = DEFAULT_CONNECTION, json: Json = False) -> None:
    """Delete a bucket with all its objects and files."""
    with Client(connection) as client:
        print_object(client.delete(path_of("buckets", bucket)), as_json=json)
