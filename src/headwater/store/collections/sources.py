"""Where a collection's documents come from: resolving upstream collections, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from headwater.catalog.tables.collections import Collection, find_collection
from headwater.errors import ConflictError, NotFoundError


def upstream_ids(source: dict[str, Any]) -> list[str]:
    """The collections that a source names, as ids or names, in their order."""
    if source.get("type") != "collection":
        return []
    return [source["collection_id"]] if source.get("collection_id") else list(source.get("collection_ids") or ())


def resolve_upstream(
    connection: apsw.Connection, namespace_row: int, collection_name: str, source: dict[str, Any]
) -> list[Collection]:
    """The collections that a new collection's source names.

    Raises ``NotFoundError`` for one that does not exist, ``ConflictError`` for one that is the new collection itself:
    sources never change, so that is the only way to close a cycle.
    """
    return [_resolve(connection, namespace_row, collection_name, identifier) for identifier in upstream_ids(source)]


def _resolve(connection: apsw.Connection, namespace_row: int, collection_name: str, identifier: str) -> Collection:
    found = find_collection(connection, namespace_row, identifier)
    if found is not None:
        return found
    if identifier == collection_name:
        raise ConflictError(
            f"collection {collection_name!r} cannot be its own source: {collection_name} -> {collection_name}",
            details={"cycle": [collection_name, collection_name]},
            code="source_cycle",
        )
    raise NotFoundError.of("collection", identifier)


def normalised_source(source: dict[str, Any], upstream: Sequence[Collection]) -> dict[str, Any]:
    """The source with ids in place of names and the buckets that its collections come from."""
    if not upstream:
        return source
    found = [collection.collection_id for collection in upstream]
    named = {"collection_id": found[0]} if source.get("collection_id") else {"collection_ids": found}
    inherited = source.get("inherited_bucket_ids") or _unique(
        bucket_id for collection in upstream for bucket_id in _bucket_ids(collection)
    )
    return source | named | ({"inherited_bucket_ids": inherited} if inherited else {})


def _bucket_ids(collection: Collection) -> list[str]:
    source = collection.body.get("source", {})
    return list(source.get("bucket_ids") or source.get("inherited_bucket_ids") or ())


def _unique(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def input_schema(given: dict[str, Any] | None, upstream: Sequence[Collection]) -> dict[str, Any]:
    """The fields that come in: the given ones, else all that the upstream collections put out."""
    if given is not None:
        return given
    properties: dict[str, Any] = {}
    for collection in upstream:
        properties |= (collection.body.get("output_schema") or {}).get("properties", {})
    return {"properties": properties}


def output_schema(extractor: dict[str, Any], fields_in: dict[str, Any]) -> dict[str, Any]:
    """The fields that come out: those passed through. The extractors of this version put out none of their own."""
    known = fields_in.get("properties", {})
    passed = dict(known) if extractor.get("include_all_source_fields") else {}
    for entry in extractor.get("field_passthrough") or ():
        path = entry["source_path"]
        target = entry.get("target_path") or path.rpartition(".")[2]
        passed[target] = known.get(path) or {"type": "string"}
    return {"properties": passed}


def source_lineage(
    source: dict[str, Any], extractor: dict[str, Any], fields_out: dict[str, Any], upstream: Sequence[Collection]
) -> list[dict[str, Any]]:
    """One entry for each processing stage from the buckets on, the collection's own last."""
    own = {"source_config": source, "feature_extractor": extractor, "output_schema": fields_out}
    earlier = _unique(entry for collection in upstream for entry in collection.body.get("source_lineage", ()))
    return [*earlier, own]


def downstream(collections: Sequence[Collection], collection_id: str) -> list[Collection]:
    """The collections that are sourced from this one, directly or further down, nearest first."""
    found: dict[str, Collection] = {}
    reached = [collection_id]
    while reached:
        upstream_id = reached.pop(0)
        for collection in collections:
            if collection.collection_id in found or collection.collection_id == collection_id:
                continue
            if upstream_id in upstream_ids(collection.body.get("source", {})):
                found[collection.collection_id] = collection
                reached.append(collection.collection_id)
    return list(found.values())
