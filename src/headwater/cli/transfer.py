"""``headwater export`` and ``headwater import``: collections to files and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, path_of
from headwater.cli.document_pages import Filter, Select, fields_of, parse_filter
from headwater.cli.output import CommandError, note, print_json

Collection = Annotated[str, Parameter(help="Id or name of the collection.")]
_FORMATS = {"jsonl": "json", "csv": "csv", "parquet": "parquet"}
_GOES_ON = 504


def export_collection(
    collection: Collection,
    *,
    out: Annotated[Path, Parameter(help="The file to make.", allow_leading_hyphen=True)],
    format: Annotated[Literal["jsonl", "csv", "parquet"], Parameter(help="Form of the file.")] = "jsonl",  # noqa: A002
    filters: Filter = None,
    vectors: Annotated[
        bool, Parameter(negative=(), help="With vectors; in CSV and Parquet, in a second file OUT_vectors.")
    ] = False,
    select: Select = None,
    sample: Annotated[int | None, Parameter(help="At most so many documents.")] = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Write the documents of a collection into a file.

    JSON lines with --vectors hold everything: `headwater import` makes the same documents of them again.
    """
    from headwater.cli.downloading import download

    body = {
        "format": _FORMATS[format],
        "include_vectors": vectors,
        "include_lineage": format == "jsonl" and not select,
        "filters": parse_filter(filters),
        "select_fields": fields_of(select) or None,
        "sample_size": sample,
    }
    with Client(connection) as client:
        answer = _exported(client, collection, {name: value for name, value in body.items() if value is not None})
        files = {out: answer["download_url"]}
        if vectors and (format != "jsonl" or select):
            files[out.with_stem(f"{out.stem}_vectors")] = answer["vectors_download_url"]
        for file, url in files.items():
            download(client, url, file)
    summary = {"documents": answer["document_count"], "files": [str(file) for file in files]}
    print_json(summary) if json else note(f"{answer['document_count']} documents in {', '.join(summary['files'])}")


def _exported(client: Client, collection: str, body: dict[str, Any]) -> dict[str, Any]:
    """The export's answer. A long one outlasts its request; asking again waits for the same one."""
    while True:
        try:
            answer: dict[str, Any] = client.post(path_of("collections", collection, "export"), body)
            return answer
        except CommandError as error:
            if error.status != _GOES_ON:
                raise
            note("the export goes on; waiting for it")


def import_collection(
    collection: Collection,
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)] = Path("-"),
    *,
    mapping: Annotated[Path | None, Parameter(help="File with the mapping (JSON), for rows from elsewhere.")] = None,
    skip: Annotated[int, Parameter(help="Rows at the start that are stored already.")] = 0,
    dry_run: Annotated[bool, Parameter(negative=(), help="Find out what would be refused, and store nothing.")] = False,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Import rows: those that `headwater export --vectors` wrote become the documents that they were.

    Other rows are taken for documents as they are, or go through a mapping. Repeating an import stores nothing twice;
    when the command is interrupted it prints how to continue.

    Parameters
    ----------
    file
        JSON lines, a JSON array or one object, or - for standard input.
    """
    from headwater.cli.sending import send_rows

    if skip < 0:
        raise CommandError("--skip takes 0 or more", exit_code=2)
    rules = {} if mapping is None else _mapping(mapping)
    with Client(connection) as client:
        report = send_rows(client, collection, file, {"mapping": rules, "dry_run": dry_run}, skip)
    if json:
        print_json({"imported": report.imported, "valid": report.valid, "refused": report.refused})
    else:
        note(f"{report.valid if dry_run else report.imported} rows {'are valid' if dry_run else 'imported'}")
    if report.refused:
        raise CommandError(f"{report.refused} rows were refused")


def _mapping(file: Path) -> Any:
    import json

    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
