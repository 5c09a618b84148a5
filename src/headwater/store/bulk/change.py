"""What is asked for, and how far it has come.

A change is a job from its first moment, whoever works on it: the worker that answers the request while the matches are
few, the job lane when there are many or when the worker died. ``BulkProgress`` moves in the transaction of each slice,
so nothing is done twice and nothing is counted twice.
"""

from __future__ import annotations

import msgspec

from headwater.query import Filter
from headwater.store.documents.update_data import SLICE_WEIGHT, FieldUpdate, weight_of
from headwater.store.find import Position
from headwater.store.find.query import narrowed, writable_by

UPDATE_JOB = "documents.bulk_update"
DELETE_JOB = "documents.bulk_delete"
#: States of a job that somebody works on, or will.
GOES_ON = ("pending", "running")
#: Sentences about documents that could not be changed; the count of them is exact.
_MAX_ERRORS = 10


class BulkChange(msgspec.Struct):
    """What to do to which documents. The arguments of the job."""

    namespace_row: int
    namespace_id: str
    collection_row: int
    collection_id: str
    #: None matches all documents of the collection.
    filter: Filter | None
    #: None deletes them.
    update: FieldUpdate | None
    #: The end user on whose behalf it is done: only documents that it may write are touched.
    principal: str | None = None
    reason: str | None = None
    #: Documents that came after the request are left alone. Both are set by the writer.
    until_row: int = 0
    until: int = 0

    @property
    def kind(self) -> str:
        return DELETE_JOB if self.update is None else UPDATE_JOB

    @property
    def slice_documents(self) -> int:
        """Documents that one transaction takes."""
        return max(1, SLICE_WEIGHT // weight_of(self.update))

    @property
    def whole_filter(self) -> Filter | None:
        """The filter and the right to write in one."""
        return self.filter if self.principal is None else narrowed(writable_by(self.principal), self.filter)


class BulkProgress(msgspec.Struct):
    """Everything up to ``after``, in the order of creation, is dealt with."""

    after: Position | None = None
    changed: int = 0
    failed: int = 0
    errors: list[dict[str, str]] = msgspec.field(default_factory=list)

    def note(self, document_id: str, error: str) -> None:
        self.failed += 1
        if len(self.errors) < _MAX_ERRORS:
            self.errors.append({"document_id": document_id, "error": error})


class Slice(msgspec.Struct, array_like=True):
    """Documents that come next, by their rows. They are looked at again before they are changed."""

    #: Where the slice begins. It is dropped when the job has gone on from there already.
    after: Position | None
    #: Where it ends.
    through: Position | None
    rows: list[int]
    #: Nothing comes after it, so the job is done with it.
    last: bool = False


def decode_progress(stored: bytes | None) -> BulkProgress:
    return BulkProgress() if stored is None else msgspec.json.decode(stored, type=BulkProgress)


def decode_change(arguments: bytes) -> BulkChange:
    return msgspec.json.decode(arguments, type=BulkChange)
