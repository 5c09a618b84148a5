"""Do the rows of blobs, their bytes and their uses agree? Every difference, both ways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

import apsw

from headwater.blobs.digests import digest
from headwater.blobs.interface import BlobStore
from headwater.catalog.database import fetch_all, fetch_one
from headwater.errors import NotFoundError
from headwater.store.blobs.removal import ORPHAN_SECONDS, old_files, orphans

_SLICE = 64
_OWNERLESS = (
    "SELECT blob_key, owner_kind || ' row ' || owner_row FROM blob_uses u WHERE CASE owner_kind WHEN 'document'"
    " THEN NOT EXISTS (SELECT 1 FROM documents WHERE document_row = u.owner_row)"
    " ELSE NOT EXISTS (SELECT 1 FROM uploads WHERE upload_row = u.owner_row) END"
)

_UNKNOWN = (
    "SELECT DISTINCT blob_key FROM blob_uses u WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blob_key = u.blob_key)"
)
_UNMARKED = (
    "SELECT blob_key FROM blobs b WHERE unused_since IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM blob_uses WHERE blob_key = b.blob_key)"
)


class Problem(NamedTuple):
    blob_key: str
    problem: str


class _Row(NamedTuple):
    blob_key: str
    size_bytes: int
    sha256: bytes


def count_blobs(connection: apsw.Connection) -> int:
    row = fetch_one(connection, "SELECT count(*) FROM blobs WHERE state = 'stored'")
    return 0 if row is None else int(row[0])


async def problems(connection: apsw.Connection, blobs: BlobStore, *, deep: bool) -> AsyncIterator[Problem]:
    """What is wrong, on a running server too. ``deep`` reads all bytes and compares their hashes."""
    for problem in _of_uses(connection):
        yield problem
    async for problem in _of_rows(connection, blobs, deep):
        yield problem
    async for keys in old_files(blobs, time.time() - ORPHAN_SECONDS):
        for key in orphans(connection, keys):
            yield Problem(key, "is a file that no row names; the running server removes it within the hour")


def _of_uses(connection: apsw.Connection) -> Iterator[Problem]:
    for blob_key, owner in fetch_all(connection, _OWNERLESS):
        yield Problem(blob_key, f"is used by {owner}, which is not there")
    for (blob_key,) in fetch_all(connection, _UNKNOWN):
        yield Problem(blob_key, "is used and has no row")
    for (blob_key,) in fetch_all(connection, _UNMARKED):
        yield Problem(blob_key, "is used by nobody and not marked for its removal")


async def _of_rows(connection: apsw.Connection, blobs: BlobStore, deep: bool) -> AsyncIterator[Problem]:
    last = ""
    while rows := fetch_all(
        connection,
        "SELECT blob_key, size_bytes, sha256 FROM blobs WHERE blob_key > ? AND state = 'stored'"
        " ORDER BY blob_key LIMIT ?",
        (last, _SLICE),
    ):
        found = await asyncio.gather(*(_of_row(blobs, _Row(*row), deep) for row in rows))
        for problem in found:
            if problem is not None and _is_stored(connection, problem.blob_key):
                yield problem
        last = rows[-1][0]


async def _of_row(blobs: BlobStore, row: _Row, deep: bool) -> Problem | None:
    try:
        info = await (digest(blobs, row.blob_key) if deep else blobs.stat(row.blob_key))
    except NotFoundError:
        info = None
    if info is None:
        return Problem(row.blob_key, "has a row and no bytes")
    if info.size_bytes != row.size_bytes:
        return Problem(row.blob_key, f"has {info.size_bytes} bytes, its row says {row.size_bytes}")
    if deep and info.sha256 != row.sha256.hex():
        return Problem(row.blob_key, "its bytes have another hash than its row says")
    return None


def _is_stored(connection: apsw.Connection, blob_key: str) -> bool:
    """It may have been removed while its bytes were looked at."""
    return fetch_one(connection, "SELECT 1 FROM blobs WHERE blob_key = ? AND state = 'stored'", (blob_key,)) is not None
