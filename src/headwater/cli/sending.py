"""Rows of a file to the server, a slice a request, in their order."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.cli.connection import Client, path_of
from headwater.cli.loading import Document, read_documents
from headwater.cli.output import CommandError, complain

_SLICE_ROWS = 500
#: A request's body may have 32 MiB; a slice ends well before, so that one large row still fits.
_SLICE_BYTES = 4 * 1024 * 1024


@dataclass
class SendReport:
    imported: int = 0
    valid: int = 0
    refused: int = 0


def send_rows(client: Client, collection: str, file: Path, body: dict[str, Any], skip: int) -> SendReport:
    """Import the rows after the first ``skip``. On any stop it says on standard error how to continue."""
    from headwater.cli.progress import counting

    report, done = SendReport(), skip
    path = path_of("collections", collection, "import")
    try:
        with counting("rows") as advance:
            for rows in _slices(itertools.islice(read_documents(file), skip, None)):
                export = {"rows": rows, "first_row": done}
                _account(report, client.post(path, {**body, "export": export}, repeatable=True))
                done += len(rows)
                advance(len(rows))
    except (CommandError, KeyboardInterrupt):
        if done > skip:
            complain(f"stopped after {done} rows", f"continue with --skip {done}")
        raise
    return report


def _slices(rows: Iterable[Document]) -> Iterator[list[Document]]:
    part: list[Document] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row))
        if part and (len(part) == _SLICE_ROWS or size + length > _SLICE_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


def _account(report: SendReport, answer: dict[str, Any]) -> None:
    report.imported += answer["imported"]
    report.valid += answer["reconstructed"]
    report.refused += answer["skipped"]
    for error in answer["errors"]:
        complain(f"row {error['row']}: {error['error']}")
