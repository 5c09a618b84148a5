"""A collection as it is shown: what was set, what follows from it, and what moves with its documents."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.collections import Collection
from headwater.catalog.tables.namespaces import Namespace
from headwater.kit.clock import to_text
from headwater.resources.collections.repository import State
from headwater.store.collections.feature_uris import feature_uri, split_extractor_id

_INDEX_TYPES = {"dense": "dense", "sparse": "sparse", "multi": "multi_dense"}
_ECHOED = (
    "description",
    "source_bucket_schemas",
    "index_map",
    "embedding_task",
    "disabled_reason",
    "metadata",
    "schedule",
    "last_lifecycle_transition",
    "tiering",
    "last_schema_sync",
    "document_schema",
    "taxonomy_applications",
    "cluster_applications",
    "alert_applications",
    "retriever_enrichments",
    "retriever_transform",
)


def collection_response(
    collection: Collection, namespace: Namespace, state: State, *, warnings: list[str] | None = None
) -> dict[str, Any]:
    body = collection.body
    indexes = vector_indexes(collection)
    return {
        "collection_id": collection.collection_id,
        "collection_name": collection.collection_name,
        "input_schema": body["input_schema"],
        "output_schema": body["output_schema"],
        "feature_extractor": body["feature_extractor"],
        "source": body["source"],
        "source_lineage": body["source_lineage"],
        "vector_indexes": indexes,
        "payload_indexes": namespace.body.get("payload_indexes") or [],
        "enabled": body.get("enabled", True),
        "trigger_id": None,
        "created_at": to_text(collection.created_at),
        "updated_at": to_text(collection.updated_at),
        "lifecycle_state": collection.lifecycle_state,
        "s3_vector_index": None,
        "tiering_rules": None,
        "document_count": state.documents,
        "vector_count": state.documents * len(indexes),
        "schema_version": body.get("schema_version", 1),
        "schema_sync_enabled": body.get("schema_sync_enabled", True),
        "schema_validation": body.get("schema_validation") or "off",
        "taxonomy_count": len(body.get("taxonomy_applications") or ()),
        "retriever_count": len(body.get("retriever_enrichments") or ()),
        # A write is searchable with its answer, so only a damaged index is ever behind.
        "indexing_status": "indexing" if state.index_damaged else "quiesced",
        "indexing_status_scoped": True,
        "warnings": warnings or [],
        **{name: body.get(name) for name in _ECHOED},
    }


def vector_indexes(collection: Collection) -> list[dict[str, Any]]:
    """The indexes that the collection declared or learned, in the order in which they came."""
    return [_vector_index(vector) for vector in collection.body.get("vectors", ())]


def _vector_index(vector: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "name": vector["output"],
        "feature_uri": feature_uri(vector),
        "type": "multi" if vector["kind"] == "multi" else "single",
        "description": f"Vectors named {vector['output']}",
        "index": index_of(vector),
    }
    return shown | ({"source": vector["source"]} if vector.get("source") else {})


def index_of(vector: dict[str, Any]) -> dict[str, Any]:
    """The stored index behind a vector name."""
    index = {
        "name": vector["name"],
        "type": _INDEX_TYPES[vector["kind"]],
        "distance": vector["distance"],
        "datatype": "float32",
        "description": f"Vectors stored as {vector['name']}",
    }
    return index if vector.get("dimensions") is None else index | {"dimensions": vector["dimensions"]}


def feature_descriptors(collection: Collection) -> list[dict[str, Any]]:
    """What the collection can be searched by; the first index is the primary one."""
    extractor = collection.body["feature_extractor"]
    own = (extractor["feature_extractor_name"], extractor["version"])
    found = []
    for number, vector in enumerate(collection.body.get("vectors", ())):
        name, version = split_extractor_id(vector.get("feature_extractor_id")) or own
        uri = feature_uri(vector)
        found.append(
            {
                "feature_address": uri,
                "feature_uri": uri,
                "feature_extractor_name": name,
                "version": version,
                "vector_index": index_of(vector),
                "primary": number == 0,
            }
        )
    return found
