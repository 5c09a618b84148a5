"""The rows of an export's file, read line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from headwater.errors import ValidationError
from headwater.kit import strict_json
from headwater.store.transfer.incoming import Numbered


def read_lines(file: Path, max_depth: int) -> Iterator[Numbered]:
    """Each row with its number; a line that is no JSON object comes as the error that says so."""
    with file.open("rb") as stream:
        for number, line in enumerate(stream):
            if line.strip():
                yield number, _row(line, max_depth)


def _row(line: bytes, max_depth: int) -> dict[str, object] | ValidationError:
    try:
        row = strict_json.decode(line, max_depth)
    except strict_json.InvalidJSONError as error:
        return ValidationError.at(["row"], error.message, error.kind)
    if type(row) is not dict:
        return ValidationError.at(["row"], "a row must be a JSON object", "dict_type")
    return row
