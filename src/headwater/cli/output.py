"""What a command prints: data on standard output, everything else on standard error, no colour needed to read it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

#: What a table shows of a text with spaces.
_LONGEST_PROSE = 40


class CommandError(Exception):
    """The command failed. ``hint`` is the next step for the person at the keyboard.

    ``status`` is the HTTP status, when it was a server's answer that said no.
    """

    def __init__(self, message: str, hint: str | None = None, exit_code: int = 1, status: int | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.exit_code = exit_code
        self.status = status


def complain(message: str, hint: str | None = None) -> None:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"hint: {hint}", file=sys.stderr)


def note(message: str) -> None:
    """A remark beside the data, and after what there is of it so far, wherever the two go."""
    sys.stdout.flush()
    print(message, file=sys.stderr)


def ask(question: str) -> bool:
    """Whether the person at the keyboard says yes. Where there is none, the answer is no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def print_json(data: Any) -> None:
    """One line of JSON, so that it can be piped, logged and read line by line."""
    print(json.dumps(data, ensure_ascii=False), flush=True)


def print_object(data: dict[str, Any], *, as_json: bool) -> None:
    """One thing: JSON, or a line for each of its members that has a value."""
    if as_json:
        print_json(data)
        return
    shown = {key: value for key, value in data.items() if value not in (None, "", [], {})}
    width = max(map(len, shown), default=0)
    for key, value in shown.items():
        print(f"{key:<{width}}  {_text(value)}")


class Table:
    """A table that may come in parts. Its columns are as wide as the first part needs; what is longer stays whole and
    moves the rest of its line, so that ids can be copied. Only prose and JSON are cut.

    With a width, the last columns are left out when ``rows``, the first part, would be wider than that.
    """

    def __init__(
        self, columns: Sequence[str], rows: Sequence[dict[str, Any]] = (), fits_into: int | None = None
    ) -> None:
        self.columns = columns
        self.is_empty = True
        self._widths: list[int] | None = None
        while fits_into is not None and len(self.columns) > 1 and _width(self.columns, rows) > fits_into:
            self.columns = self.columns[:-1]

    def lines(self, rows: Iterable[dict[str, Any]]) -> list[str]:
        """The next part as text; the first begins with the header."""
        cells = [_cells(self.columns, row) for row in rows]
        self.is_empty = self.is_empty and not cells
        if self._widths is None:
            cells.insert(0, [column.upper() for column in self.columns])
            self._widths = [max(len(line[index]) for line in cells) for index in range(len(self.columns))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(line, self._widths, strict=True)).rstrip()
            for line in cells
        ]

    def print_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        for line in self.lines(rows):
            print(line)


def terminal_width() -> int:
    """Columns of the terminal or of the variable COLUMNS; what goes into a file or a pipe has all the room."""
    return shutil.get_terminal_size((sys.maxsize, 0)).columns


def _width(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> int:
    return max(map(len, Table(columns).lines(rows)))


def _cells(columns: Sequence[str], row: dict[str, Any]) -> list[str]:
    return [on_one_line(row.get(column)) for column in columns]


def on_one_line(value: Any) -> str:
    """A value for the cell of a table: an id stays whole, prose and JSON are cut."""
    text = _text(value)
    words = text.split()
    if len(words) < 2:
        return text
    line = " ".join(words)
    return line if len(line) <= _LONGEST_PROSE else f"{line[: _LONGEST_PROSE - 3]}..."


def print_rows(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """One table, as wide as its content; on a terminal, without the last columns that do not fit."""
    parts = list(rows)
    table = Table(columns, parts, terminal_width())
    table.print_rows(parts)
    left_out = columns[len(table.columns) :]
    if left_out:
        note(f"hint: there was no room for {', '.join(left_out)}; --json has everything")


def print_page(answer: dict[str, Any], columns: Sequence[str], *, as_json: bool) -> None:
    """One page of a listing, and how to get the next."""
    if as_json:
        print_json(answer)
        return
    print_rows(answer["results"], columns)
    cursor = (answer.get("pagination") or {}).get("next_cursor")
    if cursor:
        note(f"hint: there is more; continue with --cursor {cursor}")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
