"""What the records say about a file."""

from __future__ import annotations

from typing import Literal

import apsw

#: ``new``: no record names it yet, as while an upload waits to be confirmed. ``used``: some object or document has it.
#: ``dropped``: nobody has it any more, and it is about to be removed.
FileState = Literal["new", "used", "dropped"]


def state_of(connection: apsw.Connection, blob_key: str) -> FileState:
    row = connection.execute(
        "SELECT state = 'stored' AND unused_since IS NULL FROM blobs WHERE blob_key = ?", (blob_key,)
    ).fetchone()
    if row is None:
        return "new"
    return "used" if row[0] else "dropped"
