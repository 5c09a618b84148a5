"""Retrievers as answers show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.catalog.tables.retrievers import Retriever
from headwater.kit.clock import to_text
from headwater.retrieval.forms import shown_stage
from headwater.store.collections.feature_uris import parse_feature_uri

_URI_KEYS = frozenset({"feature_uri", "uri", "feature_address", "diversity_feature_uri"})
_SHOWN = ("budget_limits", "display_config", "cache_config", "marketplace_listing_id", "description")


def retriever_response(retriever: Retriever, warnings: list[str] | None = None) -> dict[str, Any]:
    body = retriever.body
    collections = body.get("collection_ids") or []
    stages = body["stages"]
    return {
        "retriever_id": retriever.retriever_id,
        "retriever_name": retriever.retriever_name,
        "collection_ids": collections,
        "collection_identifiers": collections,
        "stages": [shown_stage(stage) for stage in stages],
        "input_schema": body.get("input_schema") or {},
        "feature_dependencies": _dependencies(stages),
        "tags": body.get("tags") or [],
        "metadata": body.get("metadata") or {},
        "version": retriever.version,
        "created_at": to_text(retriever.created_at),
        "updated_at": to_text(retriever.updated_at),
        "created_by": body.get("created_by"),
        "updated_by": body.get("updated_by"),
        "fusion": _fusion(stages),
        "visibility": body.get("visibility") or "private",
        "requires_subscription": bool(body.get("requires_subscription")),
        "is_published": False,
        **{name: body.get(name) for name in _SHOWN},
        "warnings": warnings or [],
    }


def _fusion(stages: list[dict[str, Any]]) -> str | None:
    for stage in stages:
        if stage["config"]["stage_id"] == "feature_search":
            parameters = stage["config"]["parameters"]
            return str(parameters.get("fusion") or parameters.get("fusion_method") or "rrf")
    return None


def _dependencies(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [parsed for uri in dict.fromkeys(_uris(stages)) if (parsed := parse_feature_uri(uri)) is not None]
    return [
        {"scheme": "mixpeek", "extractor": uri.extractor, "version": uri.version, "output": uri.output} for uri in found
    ]


def _uris(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _uris(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _URI_KEYS and isinstance(item, str):
                yield item
            else:
                yield from _uris(item)
