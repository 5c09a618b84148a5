"""Commands of a change to all documents that a filter matches, one slice a transaction."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.errors import HeadwaterError
from headwater.query import compile_filter
from headwater.query.matching import Predicate
from headwater.store.bulk.change import GOES_ON, BulkChange, BulkProgress, Slice, decode_change, decode_progress
from headwater.store.commands.base import Command, handles
from headwater.store.commands.documents import collection_of
from headwater.store.commands.tasks import enqueue_forgetting
from headwater.store.documents import write
from headwater.store.documents.records import DocumentRow, delete_document, load_by_row
from headwater.store.find import fields_of
from headwater.store.transaction import Transaction

#: How long a worker may take from one slice to the next before the job lane goes on in its place.
_LEASE_MILLISECONDS = 15_000


class StartBulkUpdate(Command):
    """Begin a change. With a ``first`` slice the caller goes on with the others itself; without, the job lane does.

    Answers and raises like ``BulkUpdateSlice``; ``ConflictError`` for a frozen collection, then there is no job.
    """

    organization_id: str
    change: BulkChange
    owner: str
    first: Slice | None = None


class StartBulkDelete(StartBulkUpdate):
    """The same for a deletion, which a full disk does not stop."""


def start_command(change: BulkChange, organization_id: str, owner: str, first: Slice | None) -> Command:
    kind = StartBulkDelete if change.update is None else StartBulkUpdate
    return kind(organization_id=organization_id, change=change, owner=owner, first=first)


class BulkUpdateSlice(Command):
    """Deal with a slice. Answers ``{"task_id", "state", "error", "progress"}``.

    The state is ``failed`` when the collection is gone or frozen by now, ``canceled`` when somebody stopped the task.
    """

    job_id: str
    slice: Slice


class BulkDeleteSlice(BulkUpdateSlice):
    """The same for a deletion, which a full disk does not stop."""


def slice_command(change: BulkChange, job_id: str, slice_: Slice) -> Command:
    kind = BulkDeleteSlice if change.update is None else BulkUpdateSlice
    return kind(job_id=job_id, slice=slice_)


class _Job(msgspec.Struct):
    job_id: str
    state: str
    change: BulkChange
    progress: BulkProgress
    error: str | None = None

    def outcome(self) -> dict[str, Any]:
        progress = msgspec.to_builtins(self.progress)
        return {"task_id": self.job_id, "state": self.state, "error": self.error, "progress": progress}


@handles(StartBulkDelete, frees_space=True)
@handles(StartBulkUpdate)
def start_bulk(tx: Transaction, command: StartBulkUpdate) -> dict[str, Any]:
    change = command.change
    tx.namespace(change.namespace_row)
    write.require_writable(collection_of(tx, change.namespace_row, change.collection_row))
    change.until_row, change.until = tx.sequence, tx.now
    job_id = tx.enqueue(
        change.kind,
        msgspec.to_builtins(change),
        organization_id=command.organization_id,
        namespace_row=change.namespace_row,
    )
    enqueue_forgetting(tx)
    if command.first is None:
        return _Job(job_id, "pending", change, BulkProgress()).outcome()
    tx.execute("UPDATE jobs SET state = 'running', lease_owner = ? WHERE job_id = ?", (command.owner, job_id))
    return _run(tx, _Job(job_id, "running", change, BulkProgress()), command.first)


@handles(BulkDeleteSlice, frees_space=True)
@handles(BulkUpdateSlice)
def bulk_slice(tx: Transaction, command: BulkUpdateSlice) -> dict[str, Any]:
    row = tx.one("SELECT state, arguments, progress, error FROM jobs WHERE job_id = ?", (command.job_id,))
    # A task may be forgotten, but not before it has ended.
    assert row is not None, "a slice of no job"
    job = _Job(command.job_id, row[0], decode_change(row[1]), decode_progress(row[2]), row[3])
    if job.state not in GOES_ON or job.progress.after != command.slice.after:
        return job.outcome()
    return _run(tx, job, command.slice)


def _run(tx: Transaction, job: _Job, slice_: Slice) -> dict[str, Any]:
    change = job.change
    try:
        namespace = tx.namespace(change.namespace_row)
        collection = collection_of(tx, change.namespace_row, change.collection_row)
        write.require_writable(collection)
    except HeadwaterError as error:
        job.state, job.error = "failed", error.message
    else:
        _Worker(tx, namespace, collection, job).work(slice_)
        if slice_.last:
            job.state = "completed"
    _save(tx, job)
    return job.outcome()


class _Worker:
    """Deals with the documents of one slice."""

    def __init__(self, tx: Transaction, namespace: Namespace, collection: Collection, job: _Job) -> None:
        self._tx = tx
        self._namespace = namespace
        self._collection = collection
        self._change = job.change
        self._progress = job.progress
        self._matches: Predicate = compile_filter(job.change.whole_filter)

    def work(self, slice_: Slice) -> None:
        for row in slice_.rows:
            if row <= self._change.until_row:
                self._one(row)
        self._progress.after = slice_.through

    def _one(self, row: int) -> None:
        document = load_by_row(self._tx.connection, self._collection.collection_row, row)
        # It may have been deleted or changed since it was found.
        if document is None or not self._matches(fields_of(document)):
            return
        try:
            with self._tx.part():
                self._apply(document)
        except HeadwaterError as error:
            self._progress.note(document.document_id, error.message)
        else:
            self._progress.changed += 1

    def _apply(self, document: DocumentRow) -> None:
        change = self._change
        if change.update is None:
            delete_document(self._tx, document)
            return
        write.change_fields(self._tx, self._namespace, self._collection, document, change.update, change.principal)


def _save(tx: Transaction, job: _Job) -> None:
    tx.execute(
        "UPDATE jobs SET state = ?, progress = ?, error = ?, leased_until = max(coalesce(leased_until, 0), ?),"
        " updated_at = ? WHERE job_id = ?",
        (
            job.state,
            msgspec.json.encode(job.progress),
            job.error,
            tx.now + _LEASE_MILLISECONDS,
            tx.now,
            job.job_id,
        ),
    )
