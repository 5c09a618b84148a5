"""``headwater documents``: create from files, get, list, count, delete."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.document_pages import Filter, Format, Select, fields_of, parse_filter, show, walk
from headwater.cli.output import CommandError, ask, note, print_json, print_object

app = App(name="documents", help="Documents: create from JSON or JSON lines, get, list, count, delete.")
Collection = Annotated[str, Parameter(help="Id or name of the collection.")]
Document = Annotated[str, Parameter(help="Id of the document.")]


@app.command
def create(
    collection: Collection,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)] = Path("-"),
    *,
    concurrency: Annotated[int, Parameter(help="Requests in flight.")] = 16,
    skip: Annotated[int, Parameter(help="Documents at the start that are stored already.")] = 0,
    run: Annotated[str | None, Parameter(help="The run to continue, as it was printed.")] = None,
    keep_going: Annotated[bool, Parameter(negative=(), help="Report refused documents and go on.")] = False,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Create documents from a JSON object, a JSON array, or one JSON object a line.

    Each document is one request with an Idempotency-Key of its own, so that repeating one never stores it twice.
    When the command is interrupted it prints how to continue.

    Parameters
    ----------
    file
        The file, or - for standard input.
    """
    from headwater.cli.loading import load, read_documents

    if concurrency < 1 or skip < 0:
        raise CommandError("--concurrency takes 1 or more, --skip 0 or more", exit_code=2)
    documents = read_documents(file)
    report = load(connection, collection, documents, concurrency, skip, run, keep_going)
    if report.documents == 1 and report.only is not None:
        print_object(report.only, as_json=json)
        return
    summary = {
        "acknowledged": report.acknowledged,
        "refused": report.refused,
        "seconds": round(report.seconds, 3),
        "run": report.run,
    }
    print_json(summary) if json else note(f"{report.acknowledged} documents acknowledged in {report.seconds:.1f} s")
    if report.failure is not None:
        raise report.failure
    if report.refused:
        raise CommandError(f"{report.refused} documents were refused")


@app.command
def get(
    collection: Collection,
    document: Document,
    *,
    vectors: Annotated[bool, Parameter(negative=(), help="With its vectors.")] = False,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Show a document with its lineage."""
    with Client(connection) as client:
        path = path_of("collections", collection, "documents", document)
        print_object(client.get(path, return_vectors="true" if vectors else None), as_json=json)


@app.command(name="list")
def list_documents(
    collection: Collection,
    *,
    filters: Filter = None,
    sort: Annotated[str | None, Parameter(help="Field to order by: price, or price:desc.")] = None,
    search: Annotated[str | None, Parameter(help="A text that occurs in the id or in a string.")] = None,
    select: Select = None,
    limit: Limit = 10,
    everything: Annotated[
        bool, Parameter(name="--all", negative=(), help="Every document, whatever --limit says.")
    ] = False,
    cursor: Cursor = None,
    form: Annotated[
        Format, Parameter(name="--format", help="A table, pages of JSON, or one document a line.")
    ] = "table",
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the documents of a collection, in the order of their creation or by a field."""
    if limit < 1:
        raise CommandError("--limit takes 1 or more", exit_code=2)
    fields = fields_of(select)
    asked = {"filters": parse_filter(filters), "sort": sort, "search": search, "select": fields, "cursor": cursor}
    body = {name: value for name, value in asked.items() if value not in (None, [])}
    with Client(connection) as client:
        path = path_of("collections", collection, "documents", "list")
        show(walk(client, path, body, None if everything else limit), "json" if json else form, fields)


@app.command
def count(
    collection: Collection,
    *,
    filters: Filter = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Count the documents of a collection, all or those that match a filter."""
    wanted = parse_filter(filters)
    with Client(connection) as client:
        path = path_of("collections", collection, "documents", "count")
        answer = client.get(path, filters=None if wanted is None else dumps(wanted))
    print_json(answer) if json else print(answer["count"])


@app.command
def delete(
    collection: Collection,
    document: Document,
    *,
    cascade: Annotated[bool, Parameter(negative=(), help="With everything that was made from it.")] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="With --cascade: only count what would go.")] = False,
    yes: Annotated[bool, Parameter(negative=(), help="With --cascade: do not ask.")] = False,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Delete a document and its vectors. With --cascade it counts what would go and asks before it goes on."""
    if dry_run and not cascade:
        raise CommandError("--dry-run goes with --cascade", exit_code=2)
    path = path_of("collections", collection, "documents", document)
    with Client(connection) as client:
        if cascade and not dry_run and not yes:
            _confirm(client.delete(path, cascade="true", dry_run="true"))
        query = {"cascade": "true" if cascade else None, "dry_run": "true" if dry_run else None}
        print_object(client.delete(path, **query), as_json=json)


def _confirm(planned: dict[str, Any]) -> None:
    for collection_id, count in planned["collections"].items():
        note(f"{count:>7} documents in {collection_id}")
    if not ask(f"Delete {planned['deleted_count']} documents?"):
        raise CommandError("nothing was deleted", "pass --yes to delete without being asked")
