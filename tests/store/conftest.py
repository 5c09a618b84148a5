"""A store with one collection, and small commands that write documents into it without the HTTP surface."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from headwater.errors import ConflictError
from headwater.settings import Settings
from headwater.store.commands.base import Command, handles
from headwater.store.local import LocalStore
from headwater.store.search import SearchRequest, search
from headwater.store.transaction import Transaction
from headwater.vectors.interface import PointChange, VectorData

COLLECTION = 1
WIDTH = 8


class Prepare(Command):
    """Make an organization, a namespace and a collection with one vector index."""


class PutPoint(Command):
    document_id: str
    vector: bytes
    fail: str = ""
    collection_row: int = COLLECTION


class RemovePoint(Command, tag="RemovePoint"):
    document_id: str


@handles(Prepare)
def prepare(tx: Transaction, command: Prepare) -> None:
    tx.execute("INSERT INTO organizations VALUES ('org_1', 'One', '{}', 0, 0)")
    tx.execute("INSERT INTO namespaces VALUES (1, 'org_1', 'ns_1', 'one', 'active', '{}', 0, 0, NULL)")
    body = {"vectors": [{"name": "v", "kind": "dense", "dimensions": WIDTH, "distance": "cosine"}]}
    tx.execute("INSERT INTO collections VALUES (1, 1, 'col_1', 'one', 'active', ?, 0, 0)", (msgspec.json.encode(body),))
    tx.catalogue_changed()


@handles(PutPoint)
def put_point(tx: Transaction, command: PutPoint) -> dict[str, Any]:
    number, row = tx.next_sequence(), command.collection_row
    vectors = [VectorData("v", "dense", 1, WIDTH, command.vector)]
    packed = msgspec.msgpack.encode(vectors)
    body, internal = b"{}", b'{"lineage":{}}'
    tx.execute(
        "INSERT INTO documents (document_row, namespace_row, collection_row, document_id, sequence, created_at,"
        " updated_at, body, internal, checksum) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            row,
            command.document_id,
            number,
            tx.now,
            tx.now,
            body,
            internal,
            zlib.crc32(internal, zlib.crc32(body)),
        ),
    )
    tx.execute("INSERT INTO vectors VALUES (?, ?, ?, ?, ?, NULL)", (number, row, number, packed, zlib.crc32(packed)))
    tx.point_changed(row, PointChange(number, number, vectors))
    tx.count_documents(row, 1)
    if command.fail == "conflict":
        raise ConflictError("asked to fail")
    if command.fail:
        raise ZeroDivisionError
    return {"sequence": number, "collection_row": row}


@handles(RemovePoint, frees_space=True)
def remove_point(tx: Transaction, command: RemovePoint) -> dict[str, Any]:
    row = tx.one("SELECT document_row FROM documents WHERE document_id = ?", (command.document_id,))
    assert row is not None
    tx.execute("DELETE FROM documents WHERE document_row = ?", row)
    tx.execute("DELETE FROM vectors WHERE document_row = ?", row)
    number = tx.next_sequence()
    tx.execute("INSERT INTO tombstones VALUES (?, ?, ?)", (COLLECTION, number, row[0]))
    tx.point_changed(COLLECTION, PointChange(row[0], number, None))
    tx.count_documents(COLLECTION, -1)
    return {"collection_row": COLLECTION}


class Harness:
    """A store in this process that can be closed, killed and opened again on its directory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = settings.data
        self.store = LocalStore(self.directory, settings)

    async def put(self, name: str, seed: int, fail: str = "", collection_row: int = COLLECTION) -> Any:
        command = PutPoint(document_id=name, vector=vector(seed).data, fail=fail, collection_row=collection_row)
        return await self.store.execute(command)

    async def remove(self, name: str) -> Any:
        return await self.store.execute(RemovePoint(document_id=name))

    async def nearest(self, seed: int) -> int | None:
        """The row whose vector was made from this seed, if the index finds it."""
        [hits] = await search(self.store, [SearchRequest(COLLECTION, vector(seed), limit=1, min_score=0.9999)])
        return hits[0].document_row if hits else None

    async def reopen(self, settings: Settings | None = None) -> None:
        await self.store.close()
        self.store = LocalStore(self.directory, settings or self.settings)

    async def reopen_at(self, directory: Path) -> None:
        await self.store.close()
        self.directory = directory
        self.store = LocalStore(directory, self.settings)

    async def open(self) -> None:
        self.store = LocalStore(self.directory, self.settings)

    def index_directories(self) -> list[Path]:
        return sorted((self.directory / "vectors").iterdir())


def vector(seed: int) -> VectorData:
    values = np.random.default_rng(seed).standard_normal(WIDTH).astype("<f4")
    return VectorData("v", "dense", 1, WIDTH, values.tobytes())


@pytest.fixture
async def harness(settings: Settings, anyio_backend: str) -> AsyncIterator[Harness]:
    made = Harness(settings)
    await made.store.execute(Prepare())
    yield made
    await made.store.close()


@pytest.fixture
def rows(harness: Harness) -> Callable[[str], list[tuple[Any, ...]]]:
    """Rows of a query on a connection of its own."""
    from headwater.catalog.database import fetch_all, open_reader

    def read(sql: str) -> list[tuple[Any, ...]]:
        connection = open_reader(harness.directory)
        try:
            return fetch_all(connection, sql)
        finally:
            connection.close()

    return read
