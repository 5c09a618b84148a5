"""What moves with the objects of a bucket, kept in their transactions."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from headwater.store.transaction import Transaction


class BucketStats(NamedTuple):
    objects: int = 0
    size_bytes: int = 0
    #: Objects that lists leave out.
    hidden: int = 0
    last_upload_at: int | None = None


_STATS = (
    "SELECT c.collection_row, coalesce(k.documents, 0), s.size_bytes, s.hidden, s.last_upload_at FROM collections c"
    " JOIN bucket_stats s USING (collection_row) LEFT JOIN collection_counts k USING (collection_row)"
    " WHERE c.namespace_row = ? AND c.state = 'active'"
)


def stats_of(connection: apsw.Connection, objects_row: int, bucket_row: int) -> BucketStats:
    row = connection.execute(f"{_STATS} AND c.collection_row = ?", (objects_row, bucket_row)).fetchone()
    return BucketStats() if row is None else BucketStats(*row[1:])


def all_stats(connection: apsw.Connection, objects_row: int) -> dict[int, BucketStats]:
    """The same for every bucket of the companion, by its row."""
    return {row: BucketStats(*counts) for row, *counts in connection.execute(_STATS, (objects_row,))}


def hidden_objects(connection: apsw.Connection, bucket_row: int) -> int:
    row = connection.execute("SELECT hidden FROM bucket_stats WHERE collection_row = ?", (bucket_row,)).fetchone()
    return 0 if row is None else int(row[0])


def begin(tx: Transaction, bucket_row: int) -> None:
    tx.execute("INSERT INTO bucket_stats (collection_row, size_bytes, hidden) VALUES (?, 0, 0)", (bucket_row,))


def note_upload(tx: Transaction, bucket_row: int, size_bytes: int) -> None:
    """An object came, or got other blobs: its size moved by so many bytes."""
    tx.execute(
        "UPDATE bucket_stats SET size_bytes = size_bytes + ?, last_upload_at = ? WHERE collection_row = ?",
        (size_bytes, tx.now, bucket_row),
    )


def note_removed(tx: Transaction, bucket_row: int, size_bytes: int, hidden: int) -> None:
    tx.execute(
        "UPDATE bucket_stats SET size_bytes = size_bytes - ?, hidden = hidden - ? WHERE collection_row = ?",
        (size_bytes, hidden, bucket_row),
    )


def note_hidden(tx: Transaction, bucket_row: int, objects: int) -> None:
    tx.execute("UPDATE bucket_stats SET hidden = hidden + ? WHERE collection_row = ?", (objects, bucket_row))
