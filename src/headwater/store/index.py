"""The open index shards of the storage process: apply, checkpoint, catch up, swap. Used by the writer's thread only.

The index follows the records. Every method is given what is committed already, so whatever goes wrong here costs a
rebuild and never a document.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw
import structlog

from headwater.catalog.database import fetch_all
from headwater.catalog.tables.collections import load_collection
from headwater.kit.failpoints import cross
from headwater.settings import Settings
from headwater.store import costs
from headwater.store.commands.generations import RequestBuild
from headwater.store.documents.vector_forms import decode_vectors
from headwater.store.text.weights import LEXICAL_SPEC, unpacked
from headwater.vectors.edge import EdgeShard, IndexFailedError
from headwater.vectors.interface import PointChange, VectorData, VectorShard, VectorSpec

log = structlog.get_logger("headwater.index")

VECTORS = "vectors"
COMPLETE = "headwater-complete"  # a file in a directory that the builder has finished and synced
_SLICE = 500
#: While a new generation is caught up, writes wait for one such slice at the most: some four milliseconds.
_TURN = 100
#: More missing points than this are left to a builder process, fewer are applied while opening.
_INLINE_REBUILD = 20_000
_CHANGES = """
SELECT sequence, document_row, data, lexical FROM vectors WHERE collection_row = ?1 AND sequence > ?2
UNION ALL
SELECT sequence, document_row, NULL, NULL FROM tombstones WHERE collection_row = ?1 AND sequence > ?2
ORDER BY 1 LIMIT ?3
"""


def directory_name(collection_row: int, generation: int) -> str:
    return f"{collection_row}-{generation}"


def changes_after(connection: apsw.Connection, collection_row: int, sequence: int, limit: int) -> list[PointChange]:
    """The next changes of a collection's points after ``sequence``, in order, at most ``limit``."""
    return [
        PointChange(row, number, None if data is None else indexed_vectors(data, weights))
        for number, row, data, weights in connection.execute(_CHANGES, (collection_row, sequence, limit))
    ]


def indexed_vectors(data: bytes, weights: bytes | None) -> list[VectorData]:
    """What the index keeps of a document: its vectors, and what its text weighs."""
    vectors = decode_vectors(data)
    return vectors if weights is None else [*vectors, unpacked(weights)]


def specs_of(connection: apsw.Connection, collection_row: int) -> list[VectorSpec]:
    """What the points of the collection may have, none when it is gone."""
    collection = load_collection(connection, collection_row)
    return [] if collection is None else [*collection.vectors, LEXICAL_SPEC]


def rows_after(connection: apsw.Connection, collection_row: int, sequence: int) -> list[int]:
    """The documents whose points have changed after ``sequence``."""
    return [
        row
        for (row,) in fetch_all(
            connection,
            "SELECT document_row FROM vectors WHERE collection_row = ?1 AND sequence > ?2"
            " UNION SELECT document_row FROM tombstones WHERE collection_row = ?1 AND sequence > ?2",
            (collection_row, sequence),
        )
    ]


@dataclass
class OpenShard:
    collection_row: int
    generation: int
    shard: VectorShard
    specs: list[VectorSpec]
    #: Every change up to this sequence number has been applied.
    applied: int
    #: The number that is stored: what a crash would make us apply again starts after it.
    checkpoint: int
    indexed: int
    pending: int = 0
    churn: int = 0
    last_used: float = field(default_factory=time.monotonic)


class Index:
    def __init__(self, directory: Path, connection: apsw.Connection, settings: Settings) -> None:
        self._directory = directory / VECTORS
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._connection = connection
        self._settings = settings
        self._open: dict[int, OpenShard] = {}
        self._catching_up: list[OpenShard] = []
        #: Collections that are gone, with their shards that are still open.
        self._dropped: deque[tuple[int, list[OpenShard]]] = deque()
        self._damaged: set[int] = set()
        self._last_checkpoint = time.monotonic()

    @property
    def catching_up(self) -> bool:
        """A new generation is being caught up: ``maintain`` wants to be called soon."""
        return bool(self._catching_up)

    @property
    def dropping(self) -> bool:
        """Directories wait to be removed: ``remove_dropped`` wants to be called soon."""
        return bool(self._dropped)

    @property
    def damaged(self) -> bool:
        """A build is needed and was not asked for yet."""
        return bool(self._damaged)

    # -- start and stop -------------------------------------------------------------------------------------------

    def recover(self, sequence: int) -> None:
        """At start: remove directories that nothing names, adopt built generations, catch up what a crash left."""
        with self._connection:
            # A restored backup has vectors and no generation.
            self._connection.execute(
                "INSERT INTO generations (collection_row, generation, state, sequence, created_at)"
                " SELECT collection_row, ?, 'live', 0, updated_at FROM collections c WHERE state = 'active'"
                " AND EXISTS (SELECT 1 FROM vectors v WHERE v.collection_row = c.collection_row) AND NOT EXISTS"
                " (SELECT 1 FROM generations g WHERE g.collection_row = c.collection_row"
                " AND g.state IN ('live', 'damaged'))",
                (sequence,),
            )
        named = {
            directory_name(row, generation): (row, generation, state)
            for row, generation, state in self._connection.execute(
                "SELECT collection_row, generation, state FROM generations"
            )
        }
        for entry in self._directory.iterdir():
            if entry.name not in named:
                log.info("removing an index directory that nothing names", directory=entry.name)
                shutil.rmtree(entry)
        for row, generation, state in named.values():
            if state == "built":
                self.adopt(row, generation)
            elif state == "damaged":
                self._damaged.add(row)
        behind = fetch_all(
            self._connection,
            "SELECT collection_row FROM generations g WHERE state = 'live' AND (EXISTS (SELECT 1 FROM vectors v WHERE"
            " v.collection_row = g.collection_row AND v.sequence > g.sequence) OR EXISTS (SELECT 1 FROM tombstones t"
            " WHERE t.collection_row = g.collection_row AND t.sequence > g.sequence)) LIMIT ?",
            (self._settings.max_open_shards,),
        )
        for (collection_row,) in behind:
            self._shard(collection_row, sequence)

    def close(self, sequence: int) -> None:
        for entry in list(self._open.values()):
            self._close(entry, sequence)
        for entry in self._catching_up:
            entry.shard.close()
        self._catching_up.clear()
        while self._dropped:
            self.remove_dropped()

    # -- writes ---------------------------------------------------------------------------------------------------

    def apply(self, points: dict[int, list[PointChange]], sequence: int) -> set[int]:
        """Bring the shards to what was committed. Answers the collections whose index is not up to date now."""
        stale = set()
        for collection_row, changes in points.items():
            entry = self._shard(collection_row, sequence)
            if entry is None:
                stale.add(collection_row)
                continue
            try:
                cross("index.apply")
                self._apply(entry, changes)
            except Exception:
                log.exception("the index refused a change; it will be built again", collection_row=collection_row)
                self.give_up(entry)
                stale.add(collection_row)
        for entry in self._open.values():
            entry.applied = max(entry.applied, sequence)
        return stale

    def _apply(self, entry: OpenShard, changes: list[PointChange]) -> None:
        known = {spec.name for spec in entry.specs}
        if any(vector.name not in known for change in changes for vector in change.vectors or ()):
            entry.specs = self.specs(entry.collection_row)
        entry.shard.apply(changes, entry.specs)
        entry.pending += len(changes)
        entry.churn += len(changes)
        entry.last_used = time.monotonic()

    def drop(self, collection_row: int) -> None:
        """The collection is gone. Its shard is out of use at once, closed and removed by ``remove_dropped``."""
        entries = [entry for entry in self._catching_up if entry.collection_row == collection_row]
        self._catching_up = [entry for entry in self._catching_up if entry.collection_row != collection_row]
        entry = self._open.pop(collection_row, None)
        self._dropped.append((collection_row, entries if entry is None else [*entries, entry]))

    def remove_dropped(self) -> None:
        """Close and remove the shards of one dropped collection. A namespace may have thousands of them, and closing
        one takes several syncs, so writes get their turn in between."""
        if not self._dropped:
            return
        collection_row, entries = self._dropped.popleft()
        for entry in entries:
            try:
                entry.shard.close()
            except IndexFailedError:
                log.warning("closing a dropped index failed", collection_row=collection_row, exc_info=True)
        for directory in self._directory.glob(f"{collection_row}-*"):
            try:
                shutil.rmtree(directory)
            except OSError:
                # A builder may be writing there still. No row names the directory, so the next start removes it.
                log.warning("removing a dropped index failed", directory=directory.name, exc_info=True)

    # -- reads ----------------------------------------------------------------------------------------------------

    def entry(self, collection_row: int, sequence: int) -> OpenShard | None:
        """The live shard, opened and caught up, or None when there is no point yet or it is damaged."""
        entry = self._shard(collection_row, sequence)
        if entry is not None:
            entry.last_used = time.monotonic()
        return entry

    def is_damaged(self, collection_row: int) -> bool:
        return bool(
            self._connection.execute(
                "SELECT EXISTS (SELECT 1 FROM generations WHERE collection_row = ? AND state = 'damaged')",
                (collection_row,),
            ).get
        )

    def is_small(self, entry: OpenShard) -> bool:
        """Comparing with every point takes a few milliseconds at the most."""
        return entry.shard.count() <= costs.SMALL

    def spec(self, collection_row: int, name: str) -> VectorSpec | None:
        """The collection's vector index of that name."""
        entry = self._open.get(collection_row)
        known = [] if entry is None else [spec for spec in entry.specs if spec.name == name]
        return next(iter(known or [spec for spec in self.specs(collection_row) if spec.name == name]), None)

    def specs(self, collection_row: int) -> list[VectorSpec]:
        return specs_of(self._connection, collection_row)

    def shard_of(self, collection_row: int, sequence: int) -> VectorShard | None:
        """The live shard, opened and caught up, or None when there is none or it is damaged."""
        entry = self._shard(collection_row, sequence)
        return None if entry is None else entry.shard

    # -- opening --------------------------------------------------------------------------------------------------

    def _shard(self, collection_row: int, sequence: int) -> OpenShard | None:
        """The live shard, open and at ``sequence``, or None when there is none to trust."""
        entry = self._open.get(collection_row)
        if entry is not None:
            return entry
        row = self._connection.execute(
            "SELECT generation, sequence, indexed FROM generations WHERE collection_row = ? AND state = 'live'",
            (collection_row,),
        ).fetchone()
        if row is None:
            return None
        generation, checkpoint, indexed = row
        try:
            entry = self._load(collection_row, generation, checkpoint, indexed)
            if entry is None:
                return None
            self._catch_up(entry, sequence)
            self._compare(entry)
        except (IndexFailedError, OSError):
            log.exception("the index cannot be opened; it will be built again", collection_row=collection_row)
            self._mark_damaged(collection_row, generation)
            return None
        self._open[collection_row] = entry
        self._close_least_used(sequence)
        return entry

    def _load(self, collection_row: int, generation: int, checkpoint: int, indexed: int) -> OpenShard | None:
        directory = self._directory / directory_name(collection_row, generation)
        specs = self.specs(collection_row)
        if directory.exists() and checkpoint > 0:
            shard = EdgeShard.open(directory, rows_after(self._connection, collection_row, checkpoint))
            return OpenShard(collection_row, generation, shard, specs, checkpoint, checkpoint, indexed)
        # Nothing was ever flushed here, or the directory was lost: the records are applied from the first on.
        missing = self._connection.execute(
            "SELECT count(*) FROM vectors WHERE collection_row = ?", (collection_row,)
        ).get
        if missing > _INLINE_REBUILD:
            self._mark_damaged(collection_row, generation)
            return None
        if checkpoint:
            self._store_checkpoint(collection_row, generation, 0)
        shutil.rmtree(directory, ignore_errors=True)
        return OpenShard(collection_row, generation, EdgeShard.create(directory, specs), specs, 0, 0, 0)

    def _catch_up(self, entry: OpenShard, sequence: int) -> None:
        while changes := changes_after(self._connection, entry.collection_row, entry.applied, _SLICE):
            self._apply(entry, changes)
            entry.applied = changes[-1].sequence
        entry.applied = sequence

    def _compare(self, entry: OpenShard) -> None:
        """Edge keeps no checksums. A count that is off, or a sampled point that is, means damage."""
        expected = self._connection.execute(
            "SELECT count(*) FROM vectors WHERE collection_row = ?", (entry.collection_row,)
        ).get
        found = entry.shard.count()
        if found != expected:
            raise IndexFailedError(f"the index holds {found} points, the records {expected}")
        sample = fetch_all(
            self._connection,
            "SELECT document_row, data, lexical FROM vectors WHERE collection_row = ? ORDER BY random() LIMIT 16"
            if expected < 2_000
            else "SELECT document_row, data, lexical FROM vectors WHERE collection_row = ? ORDER BY sequence DESC"
            " LIMIT 16",
            (entry.collection_row,),
        )
        fetched = entry.shard.fetch([row for row, _, _ in sample])
        for row, data, weights in sample:
            names = {vector.name for vector in indexed_vectors(data, weights)}
            if {vector.name for vector in fetched.get(row, ())} != names:
                raise IndexFailedError(f"point {row} lacks vectors that its record has")

    def _close_least_used(self, sequence: int) -> None:
        while len(self._open) > self._settings.max_open_shards:
            self._close(min(self._open.values(), key=lambda entry: entry.last_used), sequence)

    def _close(self, entry: OpenShard, sequence: int) -> None:
        try:
            if entry.pending:
                self._checkpoint(entry, sequence)
            entry.shard.close()
        except IndexFailedError:
            log.exception("closing an index failed", collection_row=entry.collection_row)
            self._mark_damaged(entry.collection_row, entry.generation)
        self._open.pop(entry.collection_row, None)

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def maintain(self, sequence: int, *, force: bool = False) -> bool:
        """Between two commits: a slice of catching up, a checkpoint that is due. True when more is waiting."""
        if self._catching_up:
            self._advance(self._catching_up[0], sequence)
        pending = sum(entry.pending for entry in self._open.values())
        due = time.monotonic() - self._last_checkpoint >= self._settings.checkpoint_seconds
        if pending and (force or due or pending >= self._settings.checkpoint_operations):
            for entry in [entry for entry in self._open.values() if entry.pending]:
                self._try_checkpoint(entry, sequence)
            self._last_checkpoint = time.monotonic()
        elif due:
            self._last_checkpoint = time.monotonic()
        return bool(self._catching_up)

    def _try_checkpoint(self, entry: OpenShard, sequence: int) -> None:
        try:
            self._checkpoint(entry, sequence)
        except IndexFailedError:
            log.exception("the index cannot be flushed; it will be built again", collection_row=entry.collection_row)
            self.give_up(entry)

    def _checkpoint(self, entry: OpenShard, sequence: int) -> None:
        entry.shard.flush()
        cross("checkpoint.flushed")
        with self._connection:
            self._store_checkpoint(entry.collection_row, entry.generation, sequence)
            # A tombstone is needed until every generation, one that is being built too, is past it.
            self._connection.execute(
                "DELETE FROM tombstones WHERE collection_row = ?1 AND sequence <="
                " (SELECT min(sequence) FROM generations WHERE collection_row = ?1)",
                (entry.collection_row,),
            )
        cross("checkpoint.stored")
        entry.checkpoint, entry.pending = sequence, 0

    def _store_checkpoint(self, collection_row: int, generation: int, sequence: int) -> None:
        self._connection.execute(
            "UPDATE generations SET sequence = ? WHERE collection_row = ? AND generation = ?",
            (sequence, collection_row, generation),
        )

    def wanted_builds(self) -> Iterator[RequestBuild]:
        """Builds that are needed: for damaged indexes, many vectors outside of a graph, much that was overwritten."""
        while self._damaged:
            yield RequestBuild(collection_row=self._damaged.pop())
        for entry in self._open.values():
            unindexed = entry.shard.count() - entry.indexed
            threshold = self._settings.index_threshold
            if unindexed > max(threshold, entry.indexed) or entry.churn - unindexed > max(threshold, entry.indexed):
                entry.churn = unindexed
                yield RequestBuild(collection_row=entry.collection_row)

    # -- generations ----------------------------------------------------------------------------------------------

    def adopt(self, collection_row: int, generation: int) -> None:
        """Load a built generation; ``maintain`` catches it up in slices and swaps it in."""
        row = self._connection.execute(
            "SELECT sequence, indexed FROM generations WHERE collection_row = ? AND generation = ?",
            (collection_row, generation),
        ).fetchone()
        if row is None:
            return
        directory = self._directory / directory_name(collection_row, generation)
        try:
            if not (directory / COMPLETE).exists():
                raise IndexFailedError(f"{directory} was not completed")
            shard = EdgeShard.open(directory, rows_after(self._connection, collection_row, row[0]))
        except IndexFailedError:
            log.exception("a built index cannot be opened; it will be built again", collection_row=collection_row)
            self._forget(collection_row, generation)
            return
        specs = self.specs(collection_row)
        self._catching_up.append(OpenShard(collection_row, generation, shard, specs, row[0], row[0], row[1]))
        cross("generation.adopted")

    def _advance(self, entry: OpenShard, sequence: int) -> None:
        try:
            changes = changes_after(self._connection, entry.collection_row, entry.applied, _TURN)
            if changes:
                self._apply(entry, changes)
                entry.applied = changes[-1].sequence
            if len(changes) < _TURN:
                entry.applied = sequence
                self._compare(entry)
                self._swap(entry)
        except IndexFailedError:
            log.exception("a built index cannot be caught up", collection_row=entry.collection_row)
            self._catching_up.remove(entry)
            entry.shard.close()
            self._forget(entry.collection_row, entry.generation)

    def _swap(self, entry: OpenShard) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM generations WHERE collection_row = ? AND state IN ('live', 'damaged')",
                (entry.collection_row,),
            )
            self._connection.execute(
                "UPDATE generations SET state = 'live' WHERE collection_row = ? AND generation = ?",
                (entry.collection_row, entry.generation),
            )
        cross("generation.swapped")
        self._catching_up.remove(entry)
        old = self._open.pop(entry.collection_row, None)
        if old is not None:
            old.shard.close()
        self._open[entry.collection_row] = entry
        entry.churn = entry.pending
        keep = directory_name(entry.collection_row, entry.generation)
        for directory in self._directory.glob(f"{entry.collection_row}-*"):
            if directory.name != keep:
                shutil.rmtree(directory)
        cross("generation.removed")
        log.info("a new index generation is live", collection_row=entry.collection_row, generation=entry.generation)

    # -- damage ---------------------------------------------------------------------------------------------------

    def give_up(self, entry: OpenShard) -> None:
        """The shard failed: close it, and have it built again."""
        self._open.pop(entry.collection_row, None)
        try:
            entry.shard.close()
        except IndexFailedError:
            log.warning("closing a damaged index failed", collection_row=entry.collection_row, exc_info=True)
        self._mark_damaged(entry.collection_row, entry.generation)

    def _mark_damaged(self, collection_row: int, generation: int) -> None:
        with self._connection:
            self._connection.execute(
                "UPDATE generations SET state = 'damaged' WHERE collection_row = ? AND generation = ?",
                (collection_row, generation),
            )
        self._damaged.add(collection_row)

    def _forget(self, collection_row: int, generation: int) -> None:
        with self._connection:
            self._connection.execute(
                "DELETE FROM generations WHERE collection_row = ? AND generation = ?",
                (collection_row, generation),
            )
        shutil.rmtree(self._directory / directory_name(collection_row, generation), ignore_errors=True)
        self._damaged.add(collection_row)
