"""Commands that remove blobs which nobody uses any more, around the removal of their bytes.

A row is marked, then its bytes go, then the row: whatever dies in between is done again from the mark. Nothing can
begin to use a marked blob.
"""

from __future__ import annotations

import json
from typing import Any

from headwater.store.commands.base import Command, handles
from headwater.store.transaction import Transaction


class MarkUnusedBlobs(Command):
    """Answers ``{"keys"}``: up to ``limit`` blobs whose bytes are to be removed now, those marked earlier first."""

    limit: int = 100


class ForgetBlobs(Command):
    """Remove the rows of marked blobs whose bytes are gone."""

    keys: list[str]


@handles(MarkUnusedBlobs, frees_space=True)
def mark_unused_blobs(tx: Transaction, command: MarkUnusedBlobs) -> dict[str, Any]:
    # A blob is unused from the moment on that its last use went away, and marked ones never get another.
    rows = tx.execute(
        "UPDATE blobs SET state = 'removing' WHERE blob_key IN (SELECT blob_key FROM blobs"
        " WHERE unused_since IS NOT NULL ORDER BY unused_since LIMIT ?) RETURNING blob_key",
        (command.limit,),
    )
    return {"keys": [key for (key,) in rows.fetchall()]}


@handles(ForgetBlobs, frees_space=True)
def forget_blobs(tx: Transaction, command: ForgetBlobs) -> None:
    tx.execute(
        "DELETE FROM blobs WHERE state = 'removing' AND blob_key IN (SELECT value FROM json_each(?))",
        (json.dumps(command.keys),),
    )
