"""From a stored document to what filters see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from headwater.query import Fields, compile_filter, compile_search
from headwater.query.fields import body_decoder
from headwater.store.documents.records import DocumentRow
from headwater.store.find.query import Query


def fields_of(document: DocumentRow, decode: Callable[[bytes], dict[str, Any]] = msgspec.json.decode) -> Fields:
    """The document as filters see it. ``decode`` may leave out members that nobody will ask for."""
    return Fields(
        document.document_id, document.collection_id, document.body, document.internal, document.blobs, decode
    )


def decoder_of(query: Query, further_paths: Iterable[str] = ()) -> Callable[[bytes], dict[str, Any]]:
    """A decoder of what the query and the further paths look at."""
    if query.search is not None:
        return msgspec.json.decode
    return body_decoder(tuple(sorted({*query.paths, *further_paths})))


def compile_query(query: Query) -> Callable[[Fields], bool] | None:
    """A function that says whether a document belongs in the answer; None when all of the collections do."""
    tests: list[Callable[[Fields], bool]] = []
    if query.partition is not None:
        holds = query.partition.holds
        tests.append(lambda fields: holds(fields.document_id))
    if query.whole_filter is not None:
        tests.append(compile_filter(query.whole_filter))
    if query.search is not None:
        tests.append(compile_search(query.search))
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda fields: all(test(fields) for test in tests)
