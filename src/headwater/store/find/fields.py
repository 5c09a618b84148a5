"""From a stored document to what filters see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from headwater.query import Fields, compile_filter, compile_search
from headwater.query.fields import Decode, body_decoder, internal_decoder
from headwater.store.documents.records import DocumentRow, Record
from headwater.store.find.query import Query


def fields_of(document: DocumentRow) -> Fields:
    """The document as filters see it."""
    return Fields(document.document_id, document.collection_id, document.body, document.internal, document.blobs)


def viewer_of(query: Query, further_paths: Iterable[str] = ()) -> Callable[[Record], Fields]:
    """From a record to what filters see of its document, as far as the query and the further paths look at it."""
    paths = tuple(sorted({*query.paths, *further_paths}))
    decode: Decode = body_decoder(paths) if query.search is None else msgspec.json.decode
    decode_internal = internal_decoder(paths)
    return lambda record: Fields(record[3], record[15], record[7], record[9], record[10], decode, decode_internal)


def compile_query(query: Query) -> Callable[[Fields], bool] | None:
    """A function that says whether a document belongs in the answer; None when all of the collections do."""
    tests: list[Callable[[Fields], bool]] = []
    if query.partition is not None:
        holds = query.partition.holds
        tests.append(lambda fields: holds(fields.document_id))
    if query.whole_filter is not None:
        tests.append(compile_filter(query.whole_filter))
    if query.search is not None:
        tests.append(compile_search(query.search, query.unsearched))
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda fields: all(test(fields) for test in tests)
