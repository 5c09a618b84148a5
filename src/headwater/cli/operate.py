"""Operator commands: they open the data directory, or talk to the server that has it open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headwater.cli.connection import DEFAULT_DATA, Data, Json
from headwater.cli.output import CommandError, note, print_json, print_object


def verify(
    *,
    data: Data = DEFAULT_DATA,
    deep: Annotated[bool, Parameter(negative=(), help="Also read every file and compare its hash.")] = False,
    json: Json = False,
) -> int:
    """Compare every record with its checksum, the counts, the indexes, and the files of the blob store.

    Exit code 1 names each difference.
    """
    from headwater.cli.directory import existing, operator_settings
    from headwater.reconcile import verify as run

    with _errors():
        directory = existing(data)
        report = asyncio.run(run(directory, operator_settings(directory), deep=deep))
    counts = {name: getattr(report, name) for name in ("documents", "vectors", "collections", "blobs")}
    if json:
        print_json({"ok": report.ok, **counts, "differences": [asdict(found) for found in report.differences]})
    else:
        print_object(counts, as_json=False)
        for found in report.differences:
            print(f"{found.kind} {found.identifier}: {found.problem}")
    if report.ok:
        return 0
    raise CommandError(
        f"{len(report.differences)} differences",
        "an index is made again by `headwater rebuild`; a damaged record comes back from a backup only",
    )


def rebuild(
    *,
    data: Data = DEFAULT_DATA,
    collection: Annotated[str | None, Parameter(help="Id of the only collection to rebuild.")] = None,
    json: Json = False,
) -> None:
    """Make the indexes of vectors and of fields again from the records; a running server goes on serving meanwhile."""
    from headwater.cli.directory import existing, operator_settings
    from headwater.reconcile import rebuild as run

    with _errors():
        directory = existing(data)
        rebuilt = asyncio.run(run(directory, operator_settings(directory), collection=collection))
    if json:
        print_json({"collections": rebuilt})
        return
    for collection_id in rebuilt:
        print(collection_id)


def backup(archive: Path, *, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Write one file with all records, users, keys and files, as of this moment; a running server goes on serving.

    It holds the directory's secret and admin key: keep it as you keep those. Files in S3 are not copied.

    Parameters
    ----------
    archive
        The file to make, such as headwater-2026-11-23.tar.
    """
    from headwater.cli.directory import existing, operator_settings
    from headwater.store.backup import backup as run

    with _errors(), _page_progress() as progress:
        directory = existing(data)
        settings = operator_settings(directory)
        remote = None if settings.blobs == "local" else f"{settings.s3_bucket}/{settings.s3_prefix}"
        manifest = run(directory, archive, remote_root=remote, progress=progress)
    print_object({"archive": str(archive), **manifest}, as_json=json)


def restore(archive: Path, *, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Make a new data directory from a backup. The index is built when the server starts.

    Parameters
    ----------
    archive
        The file that `headwater backup` made.
    """
    from headwater.store.backup import restore as run

    with _errors():
        manifest = run(archive, data.expanduser())
    print_object({"data": str(data), **manifest}, as_json=json)
    note(f"hint: start it with `headwater serve --data {data}`")


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """The product's and the system's errors as lines for the operator."""
    from headwater.errors import HeadwaterError

    try:
        yield
    except HeadwaterError as error:
        raise CommandError(error.message) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CommandError(f"{error.filename}: {reason}" if error.filename else reason) from error


@contextlib.contextmanager
def _page_progress() -> Iterator[Callable[[int, int], None]]:
    from headwater.cli.progress import counting

    with counting("pages") as advance:
        seen = 0

        def progress(done: int, total: int) -> None:
            nonlocal seen
            advance(done - seen, total)
            seen = done

        yield progress
