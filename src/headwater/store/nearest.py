"""Searches, answered in the storage process: which shard, whether the query fits its index, how it is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.catalog.tables.collections import load_collection
from headwater.errors import ServiceUnavailableError, ValidationError
from headwater.store.documents.naming import mismatch
from headwater.store.search import SearchRequest, unpacked_rows
from headwater.vectors.edge import IndexFailedError
from headwater.vectors.interface import Hit, VectorData, VectorSpec

if TYPE_CHECKING:
    from headwater.store.index import Index
    from headwater.store.writer import Writer

_RETRY_SECONDS = 2


def find_nearest(writer: Writer, request: SearchRequest, number: int) -> list[Hit]:
    """The hits of the ``number``-th search of a question."""
    index = writer.index
    spec = _spec(index, request, number)
    entry = index.entry(request.collection_row, writer.sequence)
    if entry is None:
        if index.is_damaged(request.collection_row):
            raise _rebuilding(writer, request)
        return []
    within = None if request.within is None else unpacked_rows(request.within)
    # An empty filter would be none at all.
    if within == [] or request.limit < 1:
        return []
    try:
        hits = entry.shard.search(
            request.query,
            spec.distance,
            request.limit,
            within=within,
            exact=within is not None or index.is_small(entry),
        )
    except IndexFailedError as error:
        index.give_up(entry)
        raise _rebuilding(writer, request) from error
    if request.min_score is None:
        return hits
    return [hit for hit in hits if hit.score >= request.min_score]


def _spec(index: Index, request: SearchRequest, number: int) -> VectorSpec:
    """The index that the vector is for. Raises ``ValidationError`` when there is none, or it takes other vectors."""
    location: list[str | int] = ["body", "searches", number, "query"]
    spec = index.spec(request.collection_row, request.query.name)
    if spec is None:
        known = ", ".join(spec.name for spec in index.specs(request.collection_row)) or "none"
        raise ValidationError.at(
            location,
            f"the collection has no vector index {request.query.name!r}; it has {known}",
            "vector_name_unknown",
            code="vector_unknown",
        )
    check_query(spec, request.query, location)
    return spec


def check_query(spec: VectorSpec, vector: VectorData, location: list[str | int]) -> None:
    """Raise ``ValidationError`` unless the index can compare its vectors with this one."""
    kinds = {"dense", "multi"} if spec.kind == "multi" else {spec.kind}
    width = None if vector.kind == "sparse" else vector.width
    if vector.kind in kinds and spec.dimensions in (None, width):
        return
    expected = {"kind": spec.kind, "dimensions": spec.dimensions}
    raise mismatch("the query", spec.name, expected, {"kind": vector.kind, "dimensions": width}, location)


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
