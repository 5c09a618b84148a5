"""Searches, answered in the storage process: which shard, whether the query fits its index, how it is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.catalog.tables.collections import load_collection
from headwater.errors import ServiceUnavailableError, ValidationError
from headwater.store.costs import is_for_a_graph
from headwater.store.documents.naming import mismatch
from headwater.store.search import SearchRequest, unpacked_rows
from headwater.store.text.indexes import load_text_index
from headwater.store.text.weights import LEXICAL_SPEC
from headwater.vectors.bm25 import query_words
from headwater.vectors.edge import IndexFailedError
from headwater.vectors.interface import Hit, VectorData, VectorSpec

if TYPE_CHECKING:
    from headwater.store.index import Index
    from headwater.store.writer import Writer

_RETRY_SECONDS = 2


def find_nearest(writer: Writer, request: SearchRequest, number: int) -> list[Hit]:
    """The hits of the ``number``-th search of a question."""
    spec, query = _understood(writer, request, ["body", "searches", number, "query"])
    entry = writer.index.entry(request.collection_row, writer.sequence)
    if entry is None:
        if writer.index.is_damaged(request.collection_row):
            raise _rebuilding(writer, request)
        return []
    within = None if request.within is None else unpacked_rows(request.within)
    # An empty filter would be none at all.
    if query is None or within == [] or request.limit < 1:
        return []
    exact = writer.index.is_small(entry)
    # How much a word counts must not depend on where it is looked for, or how far.
    if spec != LEXICAL_SPEC:
        exact = within is not None or not is_for_a_graph(entry.shard.count(), request.limit)
    try:
        hits = entry.shard.search(query, spec.distance, request.limit, within=within, exact=exact)
    except IndexFailedError as error:
        writer.index.give_up(entry)
        raise _rebuilding(writer, request) from error
    if request.min_score is None:
        return hits
    return [hit for hit in hits if hit.score >= request.min_score]


def _understood(
    writer: Writer, request: SearchRequest, location: list[str | int]
) -> tuple[VectorSpec, VectorData | None]:
    """The index that is asked and what it is asked for; None when a text has no word that could be found.

    Raises ``ValidationError`` when there is no such index, or it takes other vectors.
    """
    if isinstance(request.query, str):
        if load_text_index(writer.connection, request.collection_row) is None:
            raise no_text_index(location)
        return LEXICAL_SPEC, query_words(request.query)
    return _spec(writer.index, request.collection_row, request.query, location), request.query


def no_text_index(location: list[str | int]) -> ValidationError:
    return ValidationError.at(
        location,
        "no field of the namespace is searched as text; declare one with"
        ' PATCH /v1/namespaces/{id} {"payload_indexes": [{"field_name": "title", "type": "text"}]}',
        "text_index_missing",
        code="text_index_missing",
    )


def _spec(index: Index, collection_row: int, vector: VectorData, location: list[str | int]) -> VectorSpec:
    spec = index.spec(collection_row, vector.name)
    if spec is None or spec == LEXICAL_SPEC:
        known = ", ".join(spec.name for spec in index.specs(collection_row) if spec != LEXICAL_SPEC) or "none"
        raise ValidationError.at(
            location,
            f"the collection has no vector index {vector.name!r}; it has {known}",
            "vector_name_unknown",
            code="vector_unknown",
        )
    check_query(spec, vector, location)
    return spec


def check_query(spec: VectorSpec, vector: VectorData, location: list[str | int]) -> None:
    """Raise ``ValidationError`` unless the index can compare its vectors with this one."""
    kinds = {"dense", "multi"} if spec.kind == "multi" else {spec.kind}
    width = None if vector.kind == "sparse" else vector.width
    if vector.kind in kinds and spec.dimensions in (None, width):
        return
    expected = {"kind": spec.kind, "dimensions": spec.dimensions}
    raise mismatch("query", spec.name, expected, {"kind": vector.kind, "dimensions": width}, location)


def _rebuilding(writer: Writer, request: SearchRequest) -> ServiceUnavailableError:
    collection = load_collection(writer.connection, request.collection_row)
    identifier = "" if collection is None else collection.collection_id
    return ServiceUnavailableError(
        f"the vector index of the collection {identifier} is damaged and is being built again from the records;"
        " repeat the search",
        details={"retryable": True, "retry_after_seconds": _RETRY_SECONDS, "collection_id": identifier},
        code="index_rebuilding",
        retry_after_seconds=_RETRY_SECONDS,
    )
