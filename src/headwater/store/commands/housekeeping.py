"""Forgetting what was kept only for a while."""

from __future__ import annotations

from typing import Any

from headwater.store.commands.base import Command, handles
from headwater.store.documents.idempotency import enqueue_forgetting
from headwater.store.transaction import Transaction


class ForgetIdempotencyKeys(Command):
    """Forget up to ``limit`` keys that are older than ``age_milliseconds``."""

    age_milliseconds: int
    limit: int = 1000


@handles(ForgetIdempotencyKeys, frees_space=True)
def forget_idempotency_keys(tx: Transaction, command: ForgetIdempotencyKeys) -> dict[str, Any]:
    tx.execute(
        "DELETE FROM idempotency WHERE (organization_id, scope, key) IN (SELECT organization_id, scope, key"
        " FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?)",
        (tx.now - command.age_milliseconds, command.limit),
    )
    forgotten = tx.connection.changes()
    if tx.one("SELECT 1 FROM idempotency LIMIT 1") is not None:
        enqueue_forgetting(tx)
    return {"forgotten": forgotten}
