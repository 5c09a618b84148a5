"""``Idempotency-Key``: same key and body, same answer, byte for byte, for a day; with another body a 409.

Keys are remembered per organization and scope (method and path) in the transaction of the write itself, so of
any number of simultaneous requests one does the work and the others replay its answer.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import orjson

from headwater.errors import ConflictError, ValidationError
from headwater.store.transaction import Transaction

MAX_KEY_LENGTH = 255
FORGET_JOB = "idempotency.forget"
_HOUR = 3_600_000


def check_key(key: str, location: list[str | int]) -> str:
    """The key, if it is 1 to 255 visible characters."""
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable() or key.isspace():
        raise ValidationError.at(
            location,
            f"an idempotency key has 1 to {MAX_KEY_LENGTH} visible characters, not {len(key)}",
            "idempotency_key",
        )
    return key


def fingerprint(body: Any) -> bytes:
    """32 bytes that are equal for JSON bodies of equal value, whatever their white space and key order."""
    return sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


def replay(tx: Transaction, organization_id: str, scope: str, key: str, fingerprint: bytes) -> bytes | None:
    """The answer given before, None when the key is new, ``ConflictError`` when it came with another body."""
    row = tx.one(
        "SELECT fingerprint, answer FROM idempotency WHERE organization_id = ? AND scope = ? AND key = ?",
        (organization_id, scope, key),
    )
    if row is None:
        return None
    if row[0] != fingerprint:
        raise ConflictError(
            f"the idempotency key {key!r} was used with another body; send the same body or a new key",
            details={"idempotency_key": key},
            code="idempotency_key_reused",
        )
    return bytes(row[1])


def remember(tx: Transaction, organization_id: str, scope: str, key: str, fingerprint: bytes, answer: bytes) -> None:
    """Keep the answer for ``replay``, in the transaction of what it answers."""
    tx.execute(
        "INSERT INTO idempotency (organization_id, scope, key, fingerprint, answer, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (organization_id, scope, key, fingerprint, answer, tx.now),
    )
    enqueue_forgetting(tx)


def enqueue_forgetting(tx: Transaction) -> None:
    """Have old keys forgotten at the next full hour."""
    hour = tx.now // _HOUR + 1
    tx.enqueue(FORGET_JOB, {}, unique_key=f"{FORGET_JOB}:{hour}", delay_milliseconds=hour * _HOUR - tx.now)
