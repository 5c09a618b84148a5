"""Questions and commands straight to the storage process, past the HTTP workers."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import apsw
import msgspec

from headwater.catalog.database import open_reader
from headwater.store.protocol import Answer, FrameReader, Request, frame, pack
from headwater.store.search import SearchRequest, decode_found, encode_requests
from headwater.vectors.interface import VectorData

from .oracle import DIMENSIONS, VECTOR


class StorageSocket:
    """One connection, one question at a time, and a read-only look at the database."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._socket = _connect(data)
        self._frames = FrameReader()
        self._decode = msgspec.msgpack.Decoder(Answer).decode
        self.database: apsw.Connection = open_reader(data)

    def __enter__(self) -> StorageSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.database.close()

    def ask(self, kind: str, body: Any = None) -> Any:
        """The answer to a query, or a command's outcome with ``execute``. Errors fail the test."""
        self._socket.sendall(frame(Request(1, kind, 0, pack(body))))
        while True:
            for payload in list(self._frames.feed(self._received())):
                answer = self._decode(payload)
                value = msgspec.msgpack.decode(answer.body)
                assert answer.ok, f"{kind}: {value}"
                return value

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the storage process closed the connection")
        return data

    def collection_row(self, collection_id: str) -> int:
        found = self.database.execute(
            "SELECT collection_row FROM collections WHERE collection_id = ?", (collection_id,)
        ).fetchone()
        assert found is not None, collection_id
        return int(found[0])


def nearest(storage: StorageSocket, document_id: str, vector: bytes) -> str | None:
    """The id of the document that a search with that vector finds first, in the collection of ``document_id``."""
    row = storage.database.execute(
        "SELECT collection_row FROM documents WHERE document_id = ?", (document_id,)
    ).fetchone()
    if row is None:
        return None
    query = VectorData(VECTOR, "dense", 1, DIMENSIONS, vector)
    [hits] = decode_found(storage.ask("search", encode_requests([SearchRequest(row[0], query, limit=1)])))
    if not hits:
        return None
    found = storage.database.execute(
        "SELECT document_id FROM documents WHERE document_row = ?", (hits[0].document_row,)
    ).fetchone()
    return None if found is None else str(found[0])


def _connect(data: Path) -> socket.socket:
    """Connect to the process that holds the directory's lock; it may be restarting."""
    deadline = time.monotonic() + 10
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(json.loads((data / "lock").read_text())["socket"])
            connection.settimeout(60)
            return connection
        except (OSError, ValueError, KeyError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
