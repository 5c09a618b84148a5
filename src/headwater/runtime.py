"""What a worker process opens once and every request shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import apsw

from headwater.catalog.cache import Catalogue
from headwater.catalog.reader import Reader
from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.fields.learning import FieldLearner
from headwater.store.find import Budget, BudgetExceededError
from headwater.store.interface import Store
from headwater.store.lanes import Lanes

T = TypeVar("T")


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    secret: Secret
    store: Store
    reader: Reader
    catalogue: Catalogue
    lanes: Lanes
    learner: FieldLearner

    async def find(self, function: Callable[..., T], *arguments: Any, shown: int = 0) -> T:
        """``function(connection, budget, *arguments)`` over one snapshot, where the reading of many documents is no
        matter: first in a thread for the few that most queries read, and if that is not enough, in a lane.

        The function is one of a module; its arguments and result can be pickled. ``shown``: documents that the answer
        has to read in any case, so that a long page alone is not taken for a scan. ``QueryTimeoutError`` after
        ``query_timeout_seconds``.
        """
        seconds = self.settings.query_timeout_seconds
        few = self.settings.query_thread_rows + shown
        try:
            return await self.reader.run(lambda connection: _watched(connection, few, seconds, function, arguments))
        except BudgetExceededError:
            return await self.lanes.run(_watched, None, seconds, function, arguments)


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
