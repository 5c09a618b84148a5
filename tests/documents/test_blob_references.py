"""Documents keep the blobs that they refer to: recorded in the transaction of each write, let go with the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headwater.store.blobs.references import referred_keys
from headwater.store.blobs.uses import StoredBlob, add_blobs
from headwater.store.documents.records import DocumentRow, delete_document, insert_document, update_document
from tests.documents_read.world import NAMESPACE_ROW, World

KEYS = ["org_a-1/blob_a", "org_a-1/blob_b"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    add_blobs(world.tx, NAMESPACE_ROW, [StoredBlob(key, key.encode(), 5, "text/plain") for key in KEYS])
    add_blobs(world.tx, 99, [StoredBlob("org_b-99/blob_x", b"x", 5, "text/plain")])
    yield world
    world.connection.close()


def insert(world: World, **members: Any) -> DocumentRow:
    document = world.insert("doc_a")
    return change(world, document, **members)


def change(world: World, document: DocumentRow, **members: Any) -> DocumentRow:
    document.body = msgspec.json.encode(members)
    update_document(world.tx, document)
    return document


def used(world: World) -> list[str]:
    return [key for (key,) in world.tx.execute("SELECT blob_key FROM blob_uses ORDER BY blob_key")]


def unused(world: World) -> list[str]:
    return [key for (key,) in world.tx.execute("SELECT blob_key FROM blobs WHERE unused_since IS NOT NULL")]


def reference(number: int) -> str:
    return f"s3://local/{KEYS[number]}"


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ({"preview": "s3://local/org_a-1/blob_a"}, ["org_a-1/blob_a"]),
        ({"deep": [{"down": "s3://bucket/some/prefix/org_a-1/blob_a"}]}, ["org_a-1/blob_a"]),
        ({"one": "s3://local/org_a-1/blob_a", "two": "s3://local/org_a-1/blob_a"}, ["org_a-1/blob_a"]),
        ({"text": "see s3://local/org_a-1/blob_a"}, []),
        ({"text": 'he said "s3://local/org_a-1/blob_a"'}, []),
        ({"other": "s3://bucket/file.txt"}, []),
        ({"name": "s3://org_a-1/blob_\u00e4"}, []),
        ({"long": "s3://" + "a" * 30_000_000, "preview": "s3://local/org_a-1/blob_a"}, ["org_a-1/blob_a"]),
        ({"https": "https://local/org_a-1/blob_a"}, []),
    ],
)
def test_which_texts_are_references(part: dict[str, Any], keys: list[str]) -> None:
    assert referred_keys([msgspec.json.encode(part), None]) == keys


def test_a_document_uses_what_it_refers_to_from_its_creation_on(world: World) -> None:
    document = world.insert("doc_a")
    document.document_row, document.document_id = 900, "doc_b"
    document.body = msgspec.json.encode({"preview": reference(0)})
    insert_document(world.tx, document, ())
    assert used(world) == KEYS[:1]


def test_a_change_moves_the_uses(world: World) -> None:
    document = insert(world, preview=reference(0))
    change(world, document, preview=reference(1))
    assert used(world) == KEYS[1:]
    assert unused(world) == KEYS[:1]
    change(world, document, preview="gone")
    assert (used(world), unused(world)) == ([], KEYS)


def test_blobs_of_a_document_are_uses_too(world: World) -> None:
    document = insert(world)
    document.blobs = msgspec.json.encode([{"field": "page", "url": reference(0)}])
    document.internal = msgspec.json.encode({"source_blobs": [{"properties": {"url": reference(1)}}]})
    update_document(world.tx, document)
    assert used(world) == KEYS


def test_bytes_go_with_the_last_of_two_documents(world: World) -> None:
    first = insert(world, preview=reference(0))
    second = world.insert("doc_b")
    change(world, second, preview=reference(0))
    delete_document(world.tx, first)
    assert unused(world) == []
    delete_document(world.tx, second)
    assert unused(world) == KEYS[:1]


def test_what_another_namespace_has_is_no_use(world: World) -> None:
    insert(world, preview="s3://local/org_b-99/blob_x", missing="s3://local/org_a-1/blob_z")
    assert used(world) == []


def test_what_is_being_removed_gets_no_new_use(world: World) -> None:
    world.tx.execute("UPDATE blobs SET state = 'removing' WHERE blob_key = ?", (KEYS[0],))
    insert(world, preview=reference(0))
    assert used(world) == []


def test_an_object_uses_the_blobs_of_its_namespace(world: World) -> None:
    """It is a row of the namespace's companion."""
    world.tx.execute("INSERT INTO namespaces VALUES (2, 'org_a', 'ns_a', 'a', 'companion', '{}', 0, 0, NULL)")
    world.tx.execute("UPDATE namespaces SET objects_row = 2 WHERE namespace_row = 1")
    document = world.insert("obj_a")
    document.namespace_row = 2
    change(world, document, blobs=[{"properties": {"url": reference(0)}}])
    assert used(world) == KEYS[:1]
