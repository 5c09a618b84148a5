"""The stored document and its projection: the one place that knows how the two follow from each other.

The *stored* document is what was sent: user fields at the root, among them ``metadata``, and features with payloads.
The *projection* is what is read and filtered: it also shows every ``metadata`` key, then every feature payload key,
at the root where nothing earlier has that name. ``documents.body`` holds the projection, ``documents.derived`` the
names in it that are not stored at the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Root names with a meaning of their own, in requests or in answers. No user field has one of them at the root.
RESERVED = frozenset(
    {
        # answers only
        "_internal",
        "_vectors",
        "_expanded",
        "_schema_violations",
        "searchable_at",
        "vector_hydration_incomplete",
        # both
        "document_id",
        "collection_id",
        "document_blobs",
        "metadata",
        # requests only
        "root_object_id",
        "root_bucket_id",
        "source_type",
        "source_collection_id",
        "source_document_id",
        "source_object_id",
        "lineage_path",
        "lineage_chain",
        "document_schema_version",
        "content_hash",
        "features",
        "vectors",
        "source_blobs",
        "internal_metadata",
    }
)

#: Root names of answers that mean nothing in a request: a fetched document can be posted back.
IGNORED = frozenset(
    {
        "_internal",
        "_vectors",
        "_expanded",
        "_schema_violations",
        "searchable_at",
        "vector_hydration_incomplete",
    }
)

#: Kept in the body beside the derived names, so that a read need not look it up.
VIOLATIONS = "_schema_violations"


def supplied(metadata: Any, payloads: Iterable[Any]) -> dict[str, Any]:
    """What ``metadata`` and the feature payloads show at the root where nothing else has the name."""
    found: dict[str, Any] = {}
    for source in (metadata, *payloads):
        if isinstance(source, dict):
            for name, value in source.items():
                if name not in RESERVED:
                    found.setdefault(name, value)
    return found


def payloads_of(features: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [feature.get("payload") for feature in features]


def project(own: dict[str, Any], payloads: Iterable[Any]) -> tuple[dict[str, Any], list[str]]:
    """The projection's root members and the names of those that are derived. ``own`` is the stored root."""
    derived = {name: value for name, value in supplied(own.get("metadata"), payloads).items() if name not in own}
    return {**own, **derived}, list(derived)


def without_echoes(own: dict[str, Any], payloads: Iterable[Any]) -> dict[str, Any]:
    """``own`` without the members that the projection would show just the same."""
    shown = supplied(own.get("metadata"), payloads)
    if not shown:
        return own
    return {name: value for name, value in own.items() if name not in shown or not same_json(value, shown[name])}


def stored_root(body: dict[str, Any], derived: Iterable[str]) -> dict[str, Any]:
    """The stored document's root, from the two columns."""
    hidden = {*derived, VIOLATIONS}
    return {name: value for name, value in body.items() if name not in hidden}


def same_json(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_json(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other)
