"""Lists of documents on the terminal: page after page, as a table, as JSON, or one document a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from headwater.cli.connection import Client
from headwater.cli.output import CommandError, Table, note, print_json, terminal_width

Format = Literal["table", "json", "jsonl"]
Filter = Annotated[str | None, Parameter(name="--filter", help='A filter as JSON: {"price": {"gte": 5}}.')]
Select = Annotated[
    list[str] | None,
    Parameter(name="--select", negative=(), help="Comma-separated fields, by dotted path, beside document_id."),
]

_MAX_PAGE = 1000
#: What a table shows of a document when nobody says which fields: as many of these as fit.
_MAX_COLUMNS = 5
_SYSTEM = frozenset({"document_id", "collection_id", "document_blobs", "searchable_at", "metadata", "score"})
#: Where short names of system fields lead, for the cells of a table.
_PREFIXES = ("", "_internal.", "_internal.lineage.", "_internal.metadata.")


def parse_filter(text: str | None) -> Any:
    """The JSON of ``--filter``. What a filter may say is the server's business."""
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise CommandError(
            f"--filter is not JSON: {error}", 'quote it for the shell: --filter \'{"brand": "Acme"}\'', exit_code=2
        ) from None


def fields_of(select: Sequence[str] | None) -> list[str]:
    """The fields of one or more ``--select``."""
    return [name.strip() for names in select or () for name in names.split(",") if name.strip()]


def walk(client: Client, path: str, body: dict[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
    """The pages of a list until ``limit`` documents have come; None goes on to the end."""
    while True:
        size = _MAX_PAGE if limit is None else min(limit, _MAX_PAGE)
        answer = client.post(path, {**body, "limit": size})
        yield answer
        limit = None if limit is None else limit - len(answer["results"])
        cursor = answer["pagination"]["next_cursor"]
        if cursor is None or (limit is not None and limit <= 0):
            return
        body = {**body, "cursor": cursor}


def show(pages: Iterator[dict[str, Any]], form: Format, select: Sequence[str]) -> None:
    """Print the pages as they come, then how to get what is left."""
    table: Table | None = None
    cursor = None
    for answer in pages:
        documents = answer["results"]
        if form == "json":
            print_json(answer)
        elif form == "jsonl":
            for document in documents:
                print_json(document)
        else:
            table = table or _table(documents, select)
            table.print_rows([_row(document, table.columns) for document in documents])
        for warning in answer["warnings"] or ():
            note(f"warning: {warning}")
        cursor = answer["pagination"]["next_cursor"]
    if table is not None and table.is_empty:
        note("no documents")
    if cursor is not None and form != "json":
        note(f"hint: there is more; continue with --cursor {cursor}, or add --all")


def _table(documents: Sequence[dict[str, Any]], select: Sequence[str]) -> Table:
    if select:
        return Table(["document_id", *select])
    columns = ["document_id", *plain_fields(documents)[:_MAX_COLUMNS]]
    rows = [_row(document, columns) for document in documents]
    return Table(columns, rows, terminal_width())


def plain_fields(documents: Sequence[dict[str, Any]]) -> list[str]:
    """Fields with plain values, in the order in which the documents show them."""
    found = {
        name: None
        for document in documents
        for name, value in document.items()
        if name not in _SYSTEM and not name.startswith("_") and not isinstance(value, dict | list)
    }
    return list(found)


def _row(document: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {column: value_at(document, column) for column in columns}


def value_at(document: dict[str, Any], path: str) -> Any:
    """What stands at the path, also at the short name of a system field; several values as a list."""
    for prefix in _PREFIXES:
        values = _values_at(document, (prefix + path).split("."))
        if values:
            return values[0] if len(values) == 1 else values
    return document.get(path)


def _values_at(item: Any, steps: Sequence[str]) -> list[Any]:
    if not steps:
        return [item]
    if isinstance(item, list):
        return [value for element in item for value in _values_at(element, steps)]
    return _values_at(item[steps[0]], steps[1:]) if isinstance(item, dict) and steps[0] in item else []
