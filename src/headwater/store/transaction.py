"""The view of the database that a command's handler gets: one connection, one time, one set of effects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec

from headwater import ids
from headwater.catalog.tables.collections import Collection, load_collection
from headwater.catalog.tables.namespaces import Namespace, load_namespace
from headwater.errors import HeadwaterError, NotFoundError
from headwater.store.fields.paths import FieldPath, load_paths
from headwater.store.text.indexes import load_text_index
from headwater.vectors.interface import PointChange


@dataclass
class Effects:
    """What a command wants done besides its rows. Kept when the command succeeds, dropped when it fails."""

    #: Changes of points, by collection_row, in sequence order.
    points: dict[int, list[PointChange]] = field(default_factory=dict)
    #: Documents added minus documents removed, by collection_row.
    counts: Counter[int] = field(default_factory=Counter)
    #: Organizations, users, keys, namespaces or collections changed.
    catalogue_changed: bool = False
    #: Collections whose index directory goes away after the commit.
    dropped_collections: list[int] = field(default_factory=list)
    #: Generations to load, catch up and swap in after the commit: (collection_row, generation).
    adopted_generations: list[tuple[int, int]] = field(default_factory=list)
    #: A job was enqueued: wake the job lane.
    jobs_enqueued: bool = False

    def merge(self, other: Effects) -> None:
        for collection_row, changes in other.points.items():
            self.points.setdefault(collection_row, []).extend(changes)
        self.counts.update(other.counts)
        self.catalogue_changed |= other.catalogue_changed
        self.dropped_collections += other.dropped_collections
        self.adopted_generations += other.adopted_generations
        self.jobs_enqueued |= other.jobs_enqueued


@dataclass
class Known:
    """Collections and namespaces that the writer has read before. Nobody else writes, so they stay true until one
    changes or a rollback takes back what was read."""

    collections: dict[int, Collection] = field(default_factory=dict)
    namespaces: dict[int, Namespace] = field(default_factory=dict)
    #: Indexed paths, by collection_row.
    field_paths: dict[int, tuple[FieldPath, ...]] = field(default_factory=dict)
    #: Paths whose text is searched, by collection_row.
    text_paths: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def clear(self) -> None:
        self.collections.clear()
        self.namespaces.clear()
        self.field_paths.clear()
        self.text_paths.clear()


class Transaction:
    """One group of commands on the writer's connection. Handlers use it, the writer begins and commits it."""

    def __init__(self, connection: apsw.Connection, *, now: int, sequence: int, known: Known | None = None) -> None:
        self.connection = connection
        #: Milliseconds; never goes backwards, even when the machine's clock does.
        self.now = now
        self.sequence = sequence
        self.effects = Effects()
        self._known = Known() if known is None else known

    def next_sequence(self) -> int:
        """The next number in the one order of all writes. A number is never given twice."""
        self.sequence += 1
        return self.sequence

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> apsw.Cursor:
        return self.connection.execute(sql, parameters)

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return self.connection.execute(sql, parameters).fetchone()

    def collection(self, collection_row: int) -> Collection:
        """The active collection with that row, or ``NotFoundError``."""
        found = self._known.collections.get(collection_row)
        if found is None:
            found = load_collection(self.connection, collection_row)
            if found is None:
                raise NotFoundError.of("collection", str(collection_row))
            self._known.collections[collection_row] = found
        return found

    def namespace(self, namespace_row: int) -> Namespace:
        """The active namespace with that row, or ``NotFoundError``: it may have been deleted while a command waited."""
        found = self._known.namespaces.get(namespace_row)
        if found is None:
            found = load_namespace(self.connection, namespace_row)
            if found is None:
                raise NotFoundError.of("namespace", str(namespace_row))
            self._known.namespaces[namespace_row] = found
        return found

    def field_paths(self, collection_row: int) -> tuple[FieldPath, ...]:
        """The paths of the collection that every write must index, those that are still being filled included."""
        found = self._known.field_paths.get(collection_row)
        if found is None:
            found = self._known.field_paths[collection_row] = load_paths(self.connection, collection_row)
        return found

    def forget_field_paths(self, collection_row: int) -> None:
        """Call after a change of the collection's indexed paths."""
        self._known.field_paths.pop(collection_row, None)

    def text_paths(self, collection_row: int) -> tuple[str, ...]:
        """The paths of the collection whose text is searched."""
        found = self._known.text_paths.get(collection_row)
        if found is None:
            index = load_text_index(self.connection, collection_row)
            found = self._known.text_paths[collection_row] = () if index is None else index.paths
        return found

    def forget_text_paths(self, collection_row: int) -> None:
        """Call after a change of the collection's text index."""
        self._known.text_paths.pop(collection_row, None)

    def catalogue_changed(self) -> None:
        """Call after any change of organizations, users, keys, namespaces or collections."""
        self.effects.catalogue_changed = True
        self.forget_cached()

    def point_changed(self, collection_row: int, change: PointChange) -> None:
        self.effects.points.setdefault(collection_row, []).append(change)

    def count_documents(self, collection_row: int, delta: int) -> None:
        self.effects.counts[collection_row] += delta

    def enqueue(
        self,
        kind: str,
        arguments: dict[str, Any],
        *,
        organization_id: str | None = None,
        namespace_row: int | None = None,
        unique_key: str | None = None,
        delay_milliseconds: int = 0,
    ) -> str:
        """Add a job in this transaction and return its id. With ``unique_key``, a waiting one is returned instead."""
        if unique_key is not None:
            waiting = self.one(
                "SELECT job_id FROM jobs WHERE unique_key = ? AND state IN ('pending', 'running')",
                (unique_key,),
            )
            if waiting is not None:
                return str(waiting[0])
        job_id = ids.new_task_id()
        self.execute(
            "INSERT INTO jobs (job_id, organization_id, namespace_row, kind, arguments, state, unique_key, run_after,"
            " created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?)",
            (
                job_id,
                organization_id,
                namespace_row,
                kind,
                msgspec.json.encode(arguments),
                unique_key,
                self.now + delay_milliseconds,
                self.now,
                self.now,
            ),
        )
        self.effects.jobs_enqueued = True
        return job_id

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of a command: when it raises a ``HeadwaterError``, what it did is undone and nothing else."""
        whole, self.effects = self.effects, Effects()
        self.execute("SAVEPOINT part")
        try:
            yield
        except HeadwaterError:
            self.execute("ROLLBACK TO part")
            self.execute("RELEASE part")
            self.forget_cached()
            self.effects = whole
            raise
        self.execute("RELEASE part")
        whole.merge(self.effects)
        self.effects = whole

    def forget_cached(self) -> None:
        """Drop what was cached from rows that a rollback may have undone."""
        self._known.clear()
