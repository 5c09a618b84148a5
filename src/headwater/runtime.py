"""What a worker process opens once and every request shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import apsw

from headwater.blobs.interface import BlobStore
from headwater.catalog.cache import Catalogue
from headwater.catalog.reader import Reader
from headwater.kit.secrets import Secret
from headwater.models.interface import Models
from headwater.settings import Settings
from headwater.store.executions import ExecutionLog
from headwater.store.fields.learning import FieldLearner
from headwater.store.find import Budget, BudgetExceededError
from headwater.store.find.budget import timed_out
from headwater.store.interface import Store
from headwater.store.lanes import Lanes

T = TypeVar("T")

#: What is answered in the event loop: so many documents shown, so many more looked at, and steps of SQLite's machine,
#: some tens of millions of which go into a second.
_SHOWN_AT_ONCE = 50
_MORE_AT_ONCE = 20
_STEPS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    secret: Secret
    store: Store
    reader: Reader
    catalogue: Catalogue
    lanes: Lanes
    learner: FieldLearner
    blobs: BlobStore
    models: Models

    @cached_property
    def executions(self) -> ExecutionLog:
        """Whoever serves requests closes it."""
        return ExecutionLog(self.store, self.settings.executions_kept)

    async def find(self, function: Callable[..., T], *arguments: Any, shown: int = 0) -> T:
        """``function(connection, budget, *arguments)`` over one snapshot, where the reading of many documents is no
        matter: first right here for a page that the index has in order, then in a thread for the few that most other
        queries read, and if that is not enough, in a lane.

        The function is one of a module; its arguments and result can be pickled. ``shown``: documents that the answer
        has to read in any case, so that a long page alone is not taken for a scan. ``QueryTimeoutError`` after
        ``query_timeout_seconds``.
        """
        seconds = self.settings.query_timeout_seconds
        few = self.settings.query_thread_rows + shown
        if shown <= _SHOWN_AT_ONCE:
            try:
                return _at_once(self.reader.connection, shown, function, arguments)
            except BudgetExceededError:
                # Less than a millisecond was spent on it.
                pass
        try:
            return await self.reader.run(lambda connection: _watched(connection, few, seconds, function, arguments))
        except BudgetExceededError:
            return await self._in_lane(seconds, function, arguments)

    async def _in_lane(self, seconds: float, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        try:
            # The lane stops the query by itself; this counts the time that it waits for the lane too.
            async with asyncio.timeout(seconds):
                return await self.lanes.run(_watched, None, seconds, function, arguments)
        except TimeoutError:
            raise timed_out(seconds) from None


def _at_once(connection: apsw.Connection, shown: int, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    """In the event loop, for a hop to a thread and back takes as long as reading ten documents by the index."""
    budget = Budget(rows=shown + _MORE_AT_ONCE)
    with budget.watch_steps(connection, _STEPS_AT_ONCE):
        return function(connection, budget, *arguments)


def _watched(
    connection: apsw.Connection,
    rows: int | None,
    seconds: float,
    function: Callable[..., T],
    arguments: tuple[Any, ...],
) -> T:
    budget = Budget(rows=rows, seconds=seconds)
    with budget.watch(connection):
        return function(connection, budget, *arguments)
