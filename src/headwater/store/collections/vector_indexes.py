"""The vector indexes that a new collection knows from its namespace."""

from __future__ import annotations

from typing import Any

#: Names of distances on the wire of a namespace → names of distances of an index.
DISTANCES = {"cosine": "cosine", "euclidean": "euclidean", "dot_product": "dot"}
NAMESPACE_VECTOR_CONFIG = "namespace_vector_config"


def declared_vectors(namespace_body: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of ``body["vectors"]`` for the namespace's ``vector_configs``, in their order."""
    return [_declared(config) for config in namespace_body.get("vector_configs") or ()]


def _declared(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": config["name"],
        "kind": "dense",
        "dimensions": config["dimension"],
        "distance": DISTANCES[config.get("metric") or "cosine"],
        "output": config["name"],
        "feature_extractor_id": None,
        "declared": True,
        "source": NAMESPACE_VECTOR_CONFIG,
    }
