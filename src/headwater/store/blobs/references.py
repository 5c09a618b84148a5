"""Which blobs a document refers to: every text in it that is the reference of one, wherever it stands.

Too many are no harm: bytes stay that somebody named in passing. A reference to what is not there is just a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from headwater.blobs.keys import is_key
from headwater.store.blobs.uses import find_by_key, record_uses
from headwater.store.transaction import Transaction

#: A whole JSON string: inside of one the quotes are escaped. Nothing in it is read twice, for it may be megabytes long
#: and the writer waits.
_REFERENCE = re.compile(rb'"s3://([^"\\]*+)"')
_MARK = b'"s3://'


def referred_keys(parts: Iterable[bytes | None]) -> list[str]:
    """The keys in these pieces of JSON, each once. Whether there is such a blob is another question."""
    found = (match for part in parts if part is not None and _MARK in part for match in _REFERENCE.findall(part))
    return [key for key in dict.fromkeys(map(_key_of, found)) if is_key(key)]


def _key_of(path: bytes) -> str:
    """The last two parts, whatever the store's name."""
    return b"/".join(path.rsplit(b"/", 2)[-2:]).decode("ascii", "replace")


def keep_references(tx: Transaction, namespace_row: int, document_row: int, keys: list[str]) -> None:
    """From now on the document uses those of the blobs that its namespace has, and no others."""
    owner_row = _owner_row(tx, namespace_row) if keys else namespace_row
    stored = [key for key in keys if find_by_key(tx.connection, owner_row, key) is not None]
    record_uses(tx, owner_row, "document", document_row, stored)


def _owner_row(tx: Transaction, namespace_row: int) -> int:
    """The namespace that has the blobs: for objects the one whose companion they are in."""
    row = tx.one("SELECT namespace_row FROM namespaces WHERE objects_row = ?", (namespace_row,))
    return namespace_row if row is None else int(row[0])
