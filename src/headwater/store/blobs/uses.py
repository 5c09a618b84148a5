"""Which bytes are referred to, kept in the transaction of whatever refers to them.

The bytes of a blob are stored first, then its row is written together with the first use of it. A blob whose last use
goes away is only marked with ``unused_since``: its bytes are removed after the commit, by somebody who looks again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import apsw
import msgspec

from headwater.errors import ConflictError
from headwater.store.transaction import Transaction

#: ``document``: a document or an object, by its document_row.
OwnerKind = Literal["document", "upload"]
#: The code of the refusal to use bytes that were removed in the meantime: store them again under another key.
BLOB_GONE = "blob_gone"


class StoredBlob(msgspec.Struct, frozen=True):
    """Bytes in the blob store."""

    blob_key: str
    sha256: bytes
    size_bytes: int
    content_type: str
    filename: str | None = None


_COLUMNS = "blob_key, sha256, size_bytes, content_type, filename"


def find_by_content(connection: apsw.Connection, namespace_row: int, sha256: bytes) -> StoredBlob | None:
    """Bytes of the namespace with that hash, if it has them."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM blobs WHERE namespace_row = ? AND sha256 = ? AND state = 'stored' LIMIT 1",
        (namespace_row, sha256),
    ).fetchone()
    return None if row is None else StoredBlob(*row)


def find_by_key(connection: apsw.Connection, namespace_row: int, blob_key: str) -> StoredBlob | None:
    """The namespace's blob with that key."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM blobs WHERE namespace_row = ? AND blob_key = ? AND state = 'stored'",
        (namespace_row, blob_key),
    ).fetchone()
    return None if row is None else StoredBlob(*row)


def add_blobs(tx: Transaction, namespace_row: int, blobs: Iterable[StoredBlob]) -> None:
    """Write the rows of bytes that were just stored. Call ``record_uses`` in the same transaction."""
    tx.connection.executemany(
        f"INSERT INTO blobs ({_COLUMNS}, namespace_row, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
        # The same command may be sent a second time.
        " ON CONFLICT DO NOTHING",
        [
            (blob.blob_key, blob.sha256, blob.size_bytes, blob.content_type, blob.filename, namespace_row, tx.now)
            for blob in blobs
        ],
    )


def record_uses(
    tx: Transaction, namespace_row: int, owner_kind: OwnerKind, owner_row: int, blob_keys: Collection[str]
) -> None:
    """From now on the owner refers to these bytes and no others. ``ConflictError`` when some of them are gone."""
    before = _uses(tx, owner_kind, owner_row)
    for blob_key in dict.fromkeys(blob_keys):
        if blob_key in before:
            before.remove(blob_key)
            continue
        require_stored(tx, namespace_row, blob_key)
        tx.execute("INSERT INTO blob_uses VALUES (?, ?, ?)", (owner_kind, owner_row, blob_key))
        tx.execute("UPDATE blobs SET unused_since = NULL WHERE blob_key = ? AND unused_since IS NOT NULL", (blob_key,))
    _remove(tx, owner_kind, owner_row, before)


def drop_uses(tx: Transaction, owner_kind: OwnerKind, owner_row: int) -> None:
    """The owner goes away."""
    _remove(tx, owner_kind, owner_row, _uses(tx, owner_kind, owner_row))


def _uses(tx: Transaction, owner_kind: OwnerKind, owner_row: int) -> set[str]:
    rows = tx.execute("SELECT blob_key FROM blob_uses WHERE owner_kind = ? AND owner_row = ?", (owner_kind, owner_row))
    return {blob_key for (blob_key,) in rows}


def require_stored(tx: Transaction, namespace_row: int, blob_key: str) -> None:
    """Raise ``ConflictError`` unless the namespace has those bytes."""
    if find_by_key(tx.connection, namespace_row, blob_key) is None:
        raise ConflictError(
            f"the bytes {blob_key} are no longer stored; send them again",
            details={"resource": "blob", "id": blob_key},
            code=BLOB_GONE,
        )


def _remove(tx: Transaction, owner_kind: OwnerKind, owner_row: int, blob_keys: Collection[str]) -> None:
    for blob_key in blob_keys:
        tx.execute(
            "DELETE FROM blob_uses WHERE (owner_kind, owner_row, blob_key) = (?, ?, ?)",
            (owner_kind, owner_row, blob_key),
        )
        tx.execute(
            "UPDATE blobs SET unused_since = ?1 WHERE blob_key = ?2"
            " AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE blob_key = ?2)",
            (tx.now, blob_key),
        )
