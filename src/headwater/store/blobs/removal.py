"""Removing bytes from the blob store: of blobs that nobody uses any more, and those that never became a blob.

Both happen long after the commits that they follow from, and each step may be done again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from headwater.blobs.interface import BlobStore
from headwater.catalog.database import fetch_all, fetch_one
from headwater.kit.failpoints import cross
from headwater.store.commands.blobs import ForgetBlobs, MarkUnusedBlobs
from headwater.store.interface import Store

#: Bytes are there before the row that names them. What has none after this time will not get one: the longest way
#: to a row is that of a large upload which is read once to be hashed.
ORPHAN_SECONDS = 3600
_SLICE = 500


@contextmanager
def holding_files(directory: Path) -> Iterator[None]:
    """Meanwhile no blob of a row that is there now loses its bytes. Waits for a removal that is going on."""
    with _locked(directory, fcntl.LOCK_SH):
        yield


async def remove_unused(connection: apsw.Connection, store: Store, blobs: BlobStore, directory: Path) -> int:
    """Remove the blobs that nothing refers to. Answers how many; none while a backup copies files."""
    removed = 0
    while fetch_one(connection, "SELECT 1 FROM blobs WHERE unused_since IS NOT NULL LIMIT 1"):
        try:
            with _locked(directory, fcntl.LOCK_EX | fcntl.LOCK_NB):
                removed += await _remove_some(store, blobs)
        except BlockingIOError:
            break
    return removed


async def _remove_some(store: Store, blobs: BlobStore) -> int:
    keys = (await store.execute(MarkUnusedBlobs()))["keys"]
    cross("blobs.marked")
    for key in keys:
        await blobs.delete(key)
    cross("blobs.removed")
    await store.execute(ForgetBlobs(keys=keys))
    return len(keys)


async def remove_orphans(connection: apsw.Connection, blobs: BlobStore, latest: float) -> int:
    """Remove files that no row names and that were written until then (seconds since 1970). Answers how many."""
    removed = 0
    async for keys in old_files(blobs, latest):
        for key in orphans(connection, keys):
            await blobs.delete(key)
            removed += 1
    return removed


async def old_files(blobs: BlobStore, latest: float) -> AsyncIterator[list[str]]:
    """The keys of all files that were written until then, some at a time."""
    keys: list[str] = []
    async for file in blobs.files():
        if file.modified_at <= latest:
            keys.append(file.key)
        if len(keys) == _SLICE:
            yield keys
            keys = []
    yield keys


def orphans(connection: apsw.Connection, keys: Sequence[str]) -> list[str]:
    """Those of the keys that are neither a blob's nor where an upload that may still be confirmed has its bytes."""
    rows = fetch_all(
        connection,
        "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blob_key = value)"
        " AND NOT EXISTS (SELECT 1 FROM uploads WHERE upload_id = substr(value, instr(value, '/') + 1)"
        " AND staged_key = value AND state IN ('PENDING', 'PROCESSING'))",
        (json.dumps(keys),),
    )
    return [key for (key,) in rows]


@contextmanager
def _locked(directory: Path, operation: int) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)
