"""The one writer: a thread that turns waiting commands into durable groups.

One turn: take what waits → one transaction, a SAVEPOINT a command → commit, one fsync for all → apply to the index in
sequence order → answer. A write may be visible before its answer and is never gone after it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec
import structlog

from headwater.catalog.database import open_writer
from headwater.errors import (
    HeadwaterError,
    InternalServerError,
    ServiceUnavailableError,
    StorageCorruptedError,
    StorageReadOnlyError,
)
from headwater.kit.clock import now_milliseconds
from headwater.kit.failpoints import cross
from headwater.settings import Settings
from headwater.store import commands as _all_commands  # noqa: F401 - registers every handler
from headwater.store.commands.base import FREES_SPACE, Command, handler_of
from headwater.store.index import Index
from headwater.store.protocol import OPERATION_SHIFT
from headwater.store.space import Space, give_back
from headwater.store.transaction import Effects, Known, Transaction

log = structlog.get_logger("headwater.store")

#: Outcomes are asked for within seconds of a crash; ten minutes is generous.
_OPERATION_MILLISECONDS = 10 * 60 * 1000
_FORGET_SECONDS = 30.0
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class Waiting:
    """A command in the queue. ``answer`` is called in the writer's thread with the outcome or the error."""

    command: Command
    operation_id: int
    size_bytes: int
    answer: Callable[[Any, HeadwaterError | None], None]


@dataclass(slots=True)
class Question:
    """Something else to do between two groups, in the writer's thread, such as a search."""

    function: Callable[[Writer], Any]
    answer: Callable[[Any, HeadwaterError | None], None]


class Writer(threading.Thread):
    def __init__(self, directory: Path, settings: Settings) -> None:
        super().__init__(name="writer", daemon=True)
        self._settings = settings
        self._waiting: deque[Waiting | Question] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._last_forgotten = time.monotonic()
        self.read_only: str | None = None
        self.space = Space(directory, settings)
        self.space.make_room_to_open()
        self.connection = open_writer(
            directory, synchronous=settings.synchronous, cache_bytes=settings.sqlite_cache_bytes
        )
        counters = dict(self.connection.execute("SELECT name, value FROM counters"))
        self.sequence: int = counters["sequence"]
        self._clock: int = counters["clock"]
        self._known = Known()
        self.index = Index(directory, self.connection, settings)
        self._recovered = False
        if self.space.enough():
            self._recover_index()

    # -- called from other threads --------------------------------------------------------------------------------

    def submit(self, item: Waiting | Question) -> None:
        """Put a command in the queue, or raise ``ServiceUnavailableError``: then nothing was and will be stored."""
        size = item.size_bytes if isinstance(item, Waiting) else 0
        with self._wake:
            if self._stopping:
                raise ServiceUnavailableError("the store is stopping", retry_after_seconds=1)
            if (
                len(self._waiting) >= self._settings.queue_max_commands
                or self._waiting_bytes + size > self._settings.queue_max_bytes
            ):
                raise ServiceUnavailableError(
                    f"{len(self._waiting)} writes are waiting for the disk; nothing was stored, repeat the request",
                    details={"retryable": True, "retry_after_seconds": 1},
                    retry_after_seconds=1,
                )
            self._waiting.append(item)
            self._waiting_bytes += size
            self._wake.notify()

    def stop(self) -> None:
        """Finish what waits, checkpoint, close. Blocks until done."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self.join()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    # -- the thread -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self._loop()
        except BaseException:
            # Its state is not known any more. The supervisor starts a new process, which reads the records again.
            log.critical("the writer died", exc_info=True)
            os._exit(70)

    def _loop(self) -> None:
        while True:
            group, stopping = self._take()
            # A question is about what was acknowledged before it was asked, so it need not wait for these writes.
            for item in group:
                if isinstance(item, Question):
                    self._answer_question(item)
            commands = [item for item in group if isinstance(item, Waiting)]
            if commands:
                self._group(commands)
            if stopping and not group:
                break
            self._maintain()
        self.index.close(self.sequence)
        self.connection.close()

    def _take(self) -> tuple[list[Waiting | Question], bool]:
        with self._wake:
            if not self._waiting and not self._stopping:
                self._wake.wait(0.002 if self.index.catching_up or self.index.dropping else 0.25)
            group: list[Waiting | Question] = []
            size = 0
            while self._waiting and len(group) < self._settings.commit_max_commands:
                item = self._waiting[0]
                item_size = item.size_bytes if isinstance(item, Waiting) else 0
                if group and size + item_size > self._settings.commit_max_bytes:
                    break
                group.append(self._waiting.popleft())
                size += item_size
            self._waiting_bytes -= size
            return group, self._stopping

    def _answer_question(self, question: Question) -> None:
        try:
            question.answer(question.function(self), None)
        except HeadwaterError as error:
            question.answer(None, error)
        except Exception as error:
            log.exception("a question to the store failed")
            question.answer(None, InternalServerError(f"the store failed: {type(error).__name__}"))

    # -- a group --------------------------------------------------------------------------------------------------

    def _group(self, group: list[Waiting]) -> None:
        group = self._refuse(group)
        if not group:
            return
        try:
            answers, effects = self._transact(group)
        except apsw.FullError:
            self._roll_back()
            self._go_on_when_full(group)
        except apsw.IOError as error:
            self._roll_back()
            self._trust_no_longer(error)
            # Whether this group is on the disk is not known: neither success nor "nothing was stored" may be said.
            self._fail(group, _unknown_outcome())
        except (apsw.CorruptError, apsw.NotADBError) as error:
            self._roll_back()
            log.critical("the database is damaged", reason=str(error))
            self._fail(group, StorageCorruptedError("the database is damaged; run `headwater verify`"))
        else:
            self._finish(group, answers, effects)

    def _refuse(self, group: list[Waiting]) -> list[Waiting]:
        """Answer what cannot be tried: everything when read-only, all but deletes on a full disk."""
        if self.read_only is not None:
            self._fail(group, StorageReadOnlyError(self.read_only))
            return []
        if self.space.enough(sum(item.size_bytes for item in group)):
            return group
        allowed = [item for item in group if type(item.command) in FREES_SPACE]
        self._fail([item for item in group if type(item.command) not in FREES_SPACE], self.space.error())
        if allowed:
            self.space.release_reserve()
        return allowed

    def _go_on_when_full(self, group: list[Waiting]) -> None:
        """The disk was full in the middle of a group, and nothing of it is stored: try its deletes once more."""
        freeing = [item for item in group if type(item.command) in FREES_SPACE]
        # The reserve is for deletes: creates alone must not spend it.
        if not freeing or not self.space.release_reserve():
            self.space.look_again()
            self._fail(group, self.space.error())
            return
        self._fail([item for item in group if type(item.command) not in FREES_SPACE], self.space.error())
        self._group(freeing)

    def _transact(self, group: list[Waiting]) -> tuple[list[tuple[Any, HeadwaterError | None]], Effects]:
        self._clock = max(self._clock, now_milliseconds())
        transaction = Transaction(self.connection, now=self._clock, sequence=self.sequence, known=self._known)
        total = Effects()
        self.connection.execute("BEGIN IMMEDIATE")
        answers = [self._run_command(transaction, item, total) for item in group]
        self._write_effects(transaction, total)
        cross("commit.before")
        self.connection.execute("COMMIT")
        self.sequence = transaction.sequence
        cross("commit.after")
        return answers, total

    def _run_command(
        self, transaction: Transaction, item: Waiting, total: Effects
    ) -> tuple[Any, HeadwaterError | None]:
        transaction.effects = Effects()
        self.connection.execute("SAVEPOINT command")
        try:
            outcome = handler_of(item.command)(transaction, item.command)
            if item.operation_id:
                self._remember(item.operation_id, outcome)
            self.connection.execute("RELEASE command")
        except HeadwaterError as error:
            self._undo_command(transaction)
            return None, error
        except (apsw.FullError, apsw.IOError, apsw.CorruptError, apsw.NotADBError):
            raise
        except Exception:
            self._undo_command(transaction)
            log.exception("a command failed", command=type(item.command).__name__)
            return None, InternalServerError(f"{type(item.command).__name__} failed; nothing was stored")
        total.merge(transaction.effects)
        return outcome, None

    def _undo_command(self, transaction: Transaction) -> None:
        self.connection.execute("ROLLBACK TO command")
        self.connection.execute("RELEASE command")
        transaction.forget_cached()

    def _remember(self, operation_id: int, outcome: Any) -> None:
        """Store the outcome for a worker that loses us before the answer. It reads a document itself."""
        if isinstance(outcome, dict) and "document" in outcome:
            outcome = {name: value for name, value in outcome.items() if name != "document"}
        self.connection.execute(
            "INSERT INTO operations (operation_id, outcome) VALUES (?, ?)", (operation_id, _encode(outcome))
        )

    def _write_effects(self, transaction: Transaction, effects: Effects) -> None:
        execute = self.connection.execute
        for collection_row, delta in effects.counts.items():
            execute(
                "INSERT INTO collection_counts (collection_row, documents) VALUES (?1, ?2)"
                " ON CONFLICT (collection_row) DO UPDATE SET documents = documents + ?2",
                (collection_row, delta),
            )
        for collection_row in effects.points:
            execute(
                "INSERT OR IGNORE INTO generations (collection_row, generation, state, sequence, created_at)"
                " SELECT ?1, ?2, 'live', 0, ?3 WHERE NOT EXISTS"
                " (SELECT 1 FROM generations WHERE collection_row = ?1 AND state IN ('live', 'damaged'))",
                (collection_row, transaction.next_sequence(), transaction.now),
            )
        if effects.catalogue_changed:
            execute("UPDATE counters SET value = value + 1 WHERE name = 'catalogue'")
        execute(
            "UPDATE counters SET value = CASE name WHEN 'sequence' THEN ? ELSE ? END"
            " WHERE name IN ('sequence', 'clock')",
            (transaction.sequence, transaction.now),
        )

    def _finish(self, group: list[Waiting], answers: list[tuple[Any, HeadwaterError | None]], effects: Effects) -> None:
        stale = self._apply_effects(effects)
        cross("apply.after")
        for item, (outcome, error) in zip(group, answers, strict=True):
            if stale and isinstance(outcome, dict) and outcome.get("collection_row") in stale:
                outcome["searchable"] = False
            item.answer(outcome, error)
            cross("answer.after")

    def _apply_effects(self, effects: Effects) -> set[int]:
        """Bring the index to what was committed. The group is durable, so no failure here turns into its error.
        Answers the collections whose index is not up to date."""
        try:
            for collection_row in effects.dropped_collections:
                self.index.drop(collection_row)
                effects.points.pop(collection_row, None)
            stale = self.index.apply(effects.points, self.sequence)
            for collection_row, generation in effects.adopted_generations:
                self.index.adopt(collection_row, generation)
            return stale
        except (apsw.FullError, apsw.IOError) as error:
            # The index failed and so did the note that it is damaged. Its next opening catches up or finds out.
            self._roll_back()
            if isinstance(error, apsw.IOError):
                self._trust_no_longer(error)
            return set(effects.points)

    def _trust_no_longer(self, error: apsw.IOError) -> None:
        """After a failed sync the kernel may call pages clean that never reached the disk: no later success counts."""
        self.read_only = f"the disk refused a write ({error}); restart the server when it is sound again"
        log.critical("the store is read-only now", reason=self.read_only)

    def _roll_back(self) -> None:
        self._known.clear()
        # SQLite has rolled back by itself after some errors.
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _fail(self, group: list[Waiting], error: HeadwaterError) -> None:
        for item in group:
            item.answer(None, error)

    # -- between groups -------------------------------------------------------------------------------------------

    def _maintain(self) -> None:
        if self.read_only is not None:
            return
        try:
            # Before the look at the disk: on a full one this makes the room.
            self.index.remove_dropped()
            self.space.restore_reserve()
            if not self.space.enough():
                # Deleting documents must make room, and their pages are of use to nobody inside of the file.
                if give_back(self.connection):
                    self.space.look_again()
                return
            if not self._recovered:
                self._recover_index()
            self.index.maintain(self.sequence)
            if time.monotonic() - self._last_forgotten > _FORGET_SECONDS or self.index.damaged:
                self._last_forgotten = time.monotonic()
                self._forget_operations()
                self._request_builds()
        except apsw.FullError:
            self._roll_back()
        except apsw.IOError as error:
            self._roll_back()
            self._trust_no_longer(error)

    def _recover_index(self) -> None:
        """What a start does to the index needs room on the disk: on a full one it is done as soon as there is some."""
        self.index.recover(self.sequence)
        self._recovered = True

    def _forget_operations(self) -> None:
        oldest = (now_milliseconds() - _OPERATION_MILLISECONDS) << OPERATION_SHIFT
        with self.connection:
            self.connection.execute("DELETE FROM operations WHERE operation_id < ?", (oldest,))

    def _request_builds(self) -> None:
        group = [Waiting(command, 0, 0, _log_failure) for command in self.index.wanted_builds()]
        if group:
            self._group(group)


def _log_failure(_: Any, error: HeadwaterError | None) -> None:
    if error is not None:
        log.warning("a build could not be requested", reason=error.message)


def _unknown_outcome() -> InternalServerError:
    return InternalServerError(
        "the disk failed while this was written and its outcome is not known; read before you repeat it",
        details={"retryable": False},
    )
