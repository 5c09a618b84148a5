"""Bounds of a query: how many records it may read, and until when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from headwater.errors import QueryTimeoutError

_LOOK_EVERY_INSTRUCTIONS = 50_000


class BudgetExceededError(Exception):
    """The query reads more than its caller wanted to spend here. Nothing went wrong: ask again with more."""


def timed_out(seconds: float) -> QueryTimeoutError:
    """What the caller of a query is told that took longer than that."""
    return QueryTimeoutError(
        f"the query took more than {seconds:g} seconds and was stopped; narrow its filter, or declare its"
        " fields as payload_indexes of the namespace",
        details={"seconds": seconds},
    )


class Budget:
    """``rows`` None is any number. ``seconds`` count from now; whatever exceeds them is a ``QueryTimeoutError``."""

    def __init__(self, *, rows: int | None = None, seconds: float = 30.0) -> None:
        self.rows_left = rows
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds

    def spend(self, rows: int) -> None:
        """Call for every batch of records, before looking at them."""
        if self.rows_left is not None:
            self.rows_left -= rows
            if self.rows_left < 0:
                raise BudgetExceededError
        self.check_time()

    def check_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise timed_out(self.seconds)

    @contextmanager
    def watch(self, connection: apsw.Connection) -> Iterator[None]:
        """One snapshot for all that is read inside, and an end to statements that run out of time."""
        connection.set_progress_handler(self._is_over, _LOOK_EVERY_INSTRUCTIONS)
        try:
            # A savepoint reads one moment of the database.
            with connection:
                yield
        except apsw.InterruptError:
            raise timed_out(self.seconds) from None
        finally:
            connection.set_progress_handler(None)

    @contextmanager
    def watch_steps(self, connection: apsw.Connection, steps: int) -> Iterator[None]:
        """The same, with an end after so many steps of SQLite's machine in one statement: ``BudgetExceededError``."""
        connection.set_progress_handler(lambda: True, steps)
        try:
            with connection:
                yield
        except apsw.InterruptError:
            raise BudgetExceededError from None
        finally:
            connection.set_progress_handler(None)

    def _is_over(self) -> bool:
        return time.monotonic() > self._deadline
