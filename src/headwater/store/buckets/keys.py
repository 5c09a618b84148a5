"""What a new object is compared with: unique keys, idempotency keys and the hashes of its bytes."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Literal

import orjson

from headwater.store.transaction import Transaction

Kind = Literal["unique", "idempotency", "content"]


def find_object(tx: Transaction, bucket_row: int, kind: Kind, digest: bytes) -> int | None:
    """The document_row of the object that has it; the oldest of several."""
    row = tx.one(
        "SELECT object_row FROM object_keys WHERE collection_row = ? AND kind = ? AND digest = ?"
        " ORDER BY object_row LIMIT 1",
        (bucket_row, kind, digest),
    )
    return None if row is None else int(row[0])


def add_key(tx: Transaction, bucket_row: int, kind: Kind, digest: bytes | None, object_row: int) -> None:
    if digest is not None:
        tx.execute("INSERT INTO object_keys VALUES (?, ?, ?, ?)", (bucket_row, kind, digest, object_row))


def drop_keys(tx: Transaction, object_row: int, kind: Kind | None = None) -> None:
    """Forget all keys of an object, or those of one kind."""
    tx.execute("DELETE FROM object_keys WHERE object_row = ?1 AND (?2 IS NULL OR kind = ?2)", (object_row, kind))


def idempotency_digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


def content_digest(blobs: Iterable[dict[str, Any]]) -> bytes | None:
    """The same for two objects with the same properties and bytes; None when some bytes are not known."""
    pairs = sorted([blob["property"], blob["details"].get("hash")] for blob in blobs)
    if not pairs or any(hash_ is None for _, hash_ in pairs):
        return None
    return sha256(orjson.dumps(pairs)).digest()
