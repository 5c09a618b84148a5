"""``headwater objects``: files into buckets and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Cursor, Json, Limit, path_of
from headwater.cli.output import CommandError, complain, note, print_json, print_object, print_page, print_rows

app = App(name="objects", help="Objects: put files, get, list, delete.")
Bucket = Annotated[str, Parameter(name="--bucket", help="Id or name of the bucket.")]
_COLUMNS = ("object_id", "files", "size_bytes", "status", "created_at")
_PUT_COLUMNS = ("object_id", "file")


@app.command
def put(
    files: list[Path],
    /,
    *,
    bucket: Bucket,
    property_name: Annotated[
        str | None, Parameter(name="--property", help="The schema's property; by default the one that fits.")
    ] = None,
    parallel: Annotated[int, Parameter(help="Files on their way at once.")] = 4,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> int:
    """Make an object of each file. A file that the bucket has already is passed over, so that repeating goes on where
    it broke off.

    Exit code 1 when a file was refused; the others are there all the same.
    """
    from headwater.cli.putting import put_files

    with Client(connection, connections=parallel) as client:
        try:
            report = put_files(client, bucket, files, property_name, parallel)
        except KeyboardInterrupt:
            complain("stopped before all files were sent", "repeat the command to go on where it broke off")
            raise
    if json:
        print_json(report.as_json())
    else:
        made = ((str(file), report.objects[str(file)]) for file in files)
        print_rows([{"object_id": object_id, "file": file} for file, object_id in made if object_id], _PUT_COLUMNS)
        note(f"{report.sent} sent, {report.there} there already, {report.refused} refused")
    return 1 if report.refused else 0


@app.command
def get(
    object_id: str,
    *,
    bucket: Bucket,
    out: Annotated[Path | None, Parameter(help="Save its file under this name.")] = None,
    property_name: Annotated[
        str | None, Parameter(name="--property", help="Which of its files; by default the first.")
    ] = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Show an object, or save a file of it."""
    with Client(connection) as client:
        found = client.get(path_of("buckets", bucket, "objects", object_id), return_presigned_urls="true")
        if out is None:
            print_object(found, as_json=json)
            return
        from headwater.cli.downloading import download

        download(client, _url(found, property_name), out)
    note(f"saved {out}")


def _url(found: dict[str, Any], property_name: str | None) -> str:
    for blob in found["blobs"]:
        if property_name in (None, blob["property"]) and blob.get("presigned_url"):
            return str(blob["presigned_url"])
    about = "" if property_name is None else f" for {property_name!r}"
    raise CommandError(f"the object {found['object_id']} has no file{about}")


@app.command(name="list")
def list_objects(
    *,
    bucket: Bucket,
    limit: Limit = 100,
    cursor: Cursor = None,
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """List the objects of a bucket, oldest first."""
    with Client(connection) as client:
        answer = client.get(path_of("buckets", bucket, "objects"), limit=limit, cursor=cursor)
    print_page(
        answer if json else {**answer, "results": [_row(found) for found in answer["results"]]}, _COLUMNS, as_json=json
    )


def _row(found: dict[str, Any]) -> dict[str, Any]:
    """With what one knows an object by: its files, which are named in its blobs."""
    details = [blob["details"] for blob in found["blobs"]]
    names = [one["filename"] for one in details if one.get("filename")]
    return {
        **found,
        "files": ", ".join(names) or None,
        "size_bytes": sum(one.get("size_bytes") or 0 for one in details),
    }


@app.command
def delete(object_id: str, *, bucket: Bucket, connection: Connection = DEFAULT_CONNECTION) -> None:
    """Delete an object. Its files go with it, unless something else refers to them."""
    with Client(connection) as client:
        client.delete(path_of("buckets", bucket, "objects", object_id))
    note(f"deleted {object_id}")
