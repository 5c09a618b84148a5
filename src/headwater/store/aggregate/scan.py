"""The documents of a query, with no more decoded of each than an aggregation looks at.

A walk makes a whole ``DocumentRow`` of each document; where every document of a collection is looked at, that would be
most of the work.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import islice

import apsw

from headwater.errors import StorageCorruptedError
from headwater.query import Fields
from headwater.query.aggregate import Row
from headwater.query.fields import internal_decoder
from headwater.store.find.budget import Budget
from headwater.store.find.candidates import choose_driver, in_creation_order
from headwater.store.find.fields import compile_query, decoder_of, fields_of
from headwater.store.find.query import Explain, Query

#: Records between two looks at the budget.
_BATCH = 100
_ALL = (
    "SELECT d.document_id, c.collection_id, d.body, d.internal, d.blobs, d.checksum FROM documents d"
    " JOIN collections c ON c.collection_row = d.collection_row AND c.state = 'active'"
    " WHERE d.collection_row = ? ORDER BY d.created_at, d.document_id"
)


def scan(
    connection: apsw.Connection, query: Query, paths: Sequence[str], budget: Budget, explain: Explain
) -> Iterator[Row]:
    """The values at the paths of each matching document, in the order of creation, collection by collection."""
    accepts = compile_query(query)
    for collection_row in query.collection_rows:
        candidates = _candidates(connection, query, collection_row, paths, explain)
        while batch := list(islice(candidates, _BATCH)):
            budget.spend(len(batch))
            explain.rows_read += len(batch)
            for fields in batch:
                if accepts is None or accepts(fields):
                    yield {path: fields.values_at(path) for path in paths}


def _candidates(
    connection: apsw.Connection, query: Query, collection_row: int, paths: Sequence[str], explain: Explain
) -> Iterator[Fields]:
    driver = choose_driver(connection, query, collection_row, explain, sized=True)
    decode = decoder_of(query, paths)
    if driver.small:
        documents = in_creation_order(connection, driver, descending=False, after=None)
        return (fields_of(document, decode) for document in documents)
    decode_internal = internal_decoder(tuple(sorted({*query.paths, *paths})))
    return (Fields(*record, decode, decode_internal) for record in _records(connection, collection_row))


def _records(connection: apsw.Connection, collection_row: int) -> Iterator[tuple[str, str, bytes, bytes, bytes | None]]:
    for document_id, collection_id, body, internal, blobs, checksum in connection.execute(_ALL, (collection_row,)):
        if zlib.crc32(blobs or b"", zlib.crc32(internal, zlib.crc32(body))) != checksum:
            raise StorageCorruptedError(
                f"the stored document {document_id} fails its checksum; run `headwater verify`, then restore a backup",
                details={"document": document_id},
            )
        yield document_id, collection_id, body, internal, blobs
