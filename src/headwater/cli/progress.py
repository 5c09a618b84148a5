"""Progress bars, on standard error and only where a person watches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    def __call__(self, count: int, total: int | None = None) -> None:
        """Move the bar on by ``count``, and learn its end once that is known."""


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Advance]:
    """A bar that the yielded function moves on; nothing is shown when standard error is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)

        def advance(count: int, total: int | None = None) -> None:
            progress.update(task, advance=count, total=total)

        yield advance
