"""Paths become indexed when their use shows the need: queries that keep reading many documents for them."""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog

from headwater.errors import HeadwaterError
from headwater.settings import Settings
from headwater.store.commands.fields import LearnFieldPaths
from headwater.store.fields.paths import MAX_PATH_LENGTH
from headwater.store.find.query import Explain, Query
from headwater.store.interface import Store

log = structlog.get_logger("headwater.store")

#: Large scans for one path in one collection, seen by one worker, before it is indexed.
_USES = 3
#: Paths that are counted at a time; beyond, counting starts again.
_MOST_COUNTED = 10_000


class FieldLearner:
    """Counts what queries had to scan for and has the writer index it. Nothing is lost if it forgets."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._least_rows = settings.learn_rows
        self._uses: Counter[tuple[int, str]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, query: Query, explain: Explain) -> None:
        """A query was answered. Call with what it looked for and how it was found."""
        if explain.rows_read < self._least_rows:
            return
        paths = [path for path in explain.unindexed if len(path) <= MAX_PATH_LENGTH]
        for row in query.collection_rows:
            self._uses.update((row, path) for path in paths)
            wanted = [path for path in paths if self._uses[row, path] >= _USES]
            if wanted:
                self._learn(query.namespace_row, row, wanted)
        if len(self._uses) > _MOST_COUNTED:
            self._uses.clear()

    def _learn(self, namespace_row: int, collection_row: int, paths: list[str]) -> None:
        for path in paths:
            # It takes as many uses again before the writer is asked once more.
            del self._uses[collection_row, path]
        task = asyncio.get_running_loop().create_task(self._ask(namespace_row, collection_row, paths))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, namespace_row: int, collection_row: int, paths: list[str]) -> None:
        command = LearnFieldPaths(namespace_row=namespace_row, collection_row=collection_row, paths=paths)
        try:
            outcome = await self._store.execute(command)
        except HeadwaterError as error:
            log.warning("paths could not be indexed", paths=paths, reason=error.message)
        else:
            log.info("paths are being indexed, for queries keep scanning for them", paths=outcome["added"])

    async def settle(self) -> None:
        """Wait for what was asked of the writer."""
        await asyncio.gather(*self._tasks)
