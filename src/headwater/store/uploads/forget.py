"""Forgetting uploads, with their hold on what they were confirmed to be."""

from __future__ import annotations

from collections.abc import Iterable

from headwater.catalog.database import fetch_all
from headwater.store.blobs.uses import drop_uses
from headwater.store.transaction import Transaction


def remove_uploads(tx: Transaction, upload_rows: Iterable[int]) -> int:
    """Returns how many there were."""
    removed = 0
    for upload_row in upload_rows:
        drop_uses(tx, "upload", upload_row)
        tx.execute("DELETE FROM uploads WHERE upload_row = ?", (upload_row,))
        removed += 1
    return removed


def remove_uploads_of(tx: Transaction, bucket_row: int, limit: int) -> int:
    """Forget up to ``limit`` uploads of a bucket that is being deleted. Returns how many."""
    rows = fetch_all(tx.connection, "SELECT upload_row FROM uploads WHERE bucket_row = ? LIMIT ?", (bucket_row, limit))
    return remove_uploads(tx, [row for (row,) in rows])
