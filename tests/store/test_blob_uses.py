"""Who refers to which bytes, and when nobody does any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.catalog.database import open_writer
from headwater.errors import ConflictError
from headwater.store.blobs.uses import StoredBlob, add_blobs, drop_uses, find_by_content, find_by_key, record_uses
from headwater.store.transaction import Transaction

NAMESPACE, OTHER = 1, 2
BYTES = StoredBlob("1/a", b"\x01" * 32, 5, "text/plain", "a.txt")


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    connection = open_writer(tmp_path)
    yield Transaction(connection, now=1_700_000_000_000, sequence=10)
    connection.close()


def unused_since(tx: Transaction, blob_key: str = "1/a") -> int | None:
    row = tx.one("SELECT unused_since FROM blobs WHERE blob_key = ?", (blob_key,))
    assert row is not None
    return None if row[0] is None else int(row[0])


def test_bytes_are_found_by_content_and_key_in_their_namespace_only(tx: Transaction) -> None:
    add_blobs(tx, NAMESPACE, [BYTES])
    assert find_by_content(tx.connection, NAMESPACE, BYTES.sha256) == BYTES
    assert find_by_key(tx.connection, NAMESPACE, "1/a") == BYTES
    assert find_by_content(tx.connection, OTHER, BYTES.sha256) is None
    assert find_by_key(tx.connection, OTHER, "1/a") is None


def test_the_last_use_that_goes_away_marks_the_bytes(tx: Transaction) -> None:
    add_blobs(tx, NAMESPACE, [BYTES])
    record_uses(tx, NAMESPACE, "document", 7, ["1/a", "1/a"])
    record_uses(tx, NAMESPACE, "upload", 7, ["1/a"])
    drop_uses(tx, "document", 7)
    assert unused_since(tx) is None
    drop_uses(tx, "upload", 7)
    assert unused_since(tx) == tx.now
    record_uses(tx, NAMESPACE, "document", 8, ["1/a"])
    assert unused_since(tx) is None


def test_an_owner_that_changes_drops_what_it_no_longer_names(tx: Transaction) -> None:
    add_blobs(tx, NAMESPACE, [BYTES, StoredBlob("1/b", b"\x02" * 32, 5, "text/plain")])
    record_uses(tx, NAMESPACE, "document", 7, ["1/a", "1/b"])
    record_uses(tx, NAMESPACE, "document", 7, ["1/b"])
    assert unused_since(tx, "1/a") == tx.now
    assert unused_since(tx, "1/b") is None


@pytest.mark.parametrize("namespace_row", [NAMESPACE, OTHER])
def test_bytes_that_are_being_removed_or_of_another_namespace_cannot_be_used(
    tx: Transaction, namespace_row: int
) -> None:
    add_blobs(tx, NAMESPACE, [BYTES])
    if namespace_row == NAMESPACE:
        tx.execute("UPDATE blobs SET state = 'removing'")
    assert find_by_content(tx.connection, namespace_row, BYTES.sha256) is None
    with pytest.raises(ConflictError) as refused:
        record_uses(tx, namespace_row, "document", 7, ["1/a"])
    assert refused.value.code == "blob_gone"
