"""What a PUT or PATCH does to a stored document. Pure: no database, no vectors, no lineage.

Omitted fields keep their values. Inside ``metadata``, sent keys are set and ``null`` removes one. Any other root key
is set whole, ``null`` removes it, and a dotted key sets one nested field. A root key changes the place that supplies
its value: the root, else ``metadata``, else the feature payload that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from headwater.errors import ValidationError
from headwater.store.documents.blobs import without_sources
from headwater.store.documents.content import DocumentChanges, SystemFields
from headwater.store.documents.projection import (
    IGNORED,
    RESERVED,
    payloads_of,
    same_json,
    stored_root,
    supplied,
)
from headwater.store.documents.records import DocumentRow

_decode = msgspec.json.decode

#: Heads of dotted keys that lead into a system map which may be changed field by field.
INTERNAL_METADATA = "internal_metadata"


@dataclass
class Stored:
    """A stored document, decoded so that it can be changed in place."""

    #: The projection as it was before any change.
    shown: dict[str, Any]
    #: The stored root, with ``metadata``.
    own: dict[str, Any]
    internal: dict[str, Any]

    @property
    def features(self) -> list[dict[str, Any]]:
        features: list[dict[str, Any]] = self.internal.get("features", [])
        return features


def decode_stored(document: DocumentRow) -> Stored:
    body = _decode(document.body)
    return Stored(body, stored_root(body, document.derived_names), _decode(document.internal))


def apply_changes(stored: Stored, changes: DocumentChanges) -> None:
    """Change ``own`` and ``internal`` as the request asks, all but lineage and the names of vectors."""
    sent = _decode(changes.root)
    metadata = sent.pop("metadata", None)
    if metadata is not None:
        _merge_map(_metadata_of(stored), metadata, repeats=changes.repeats)
    if changes.features is not None:
        stored.internal["features"] = [_decode(feature.fragment) for feature in changes.features]
    apply_system(stored.internal, changes.system)
    # What the same request says about metadata or features must not be undone by a root key of that name.
    said = supplied(metadata, payloads_of(stored.features) if changes.features is not None else ())
    for name, value in sent.items():
        _apply_root(stored, name, value, said, repeats=changes.repeats)


def _metadata_of(stored: Stored) -> dict[str, Any]:
    # An ``update_data`` may have stored null there.
    if stored.own.get("metadata") is None:
        stored.own["metadata"] = {}
    metadata: dict[str, Any] = stored.own["metadata"]
    return metadata


def _merge_map(target: dict[str, Any], sent: dict[str, Any], *, repeats: bool = False) -> None:
    for name, value in sent.items():
        if repeats and name in target and target[name] is value is None:
            continue
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value


def apply_system(internal: dict[str, Any], system: SystemFields) -> None:
    """Put the system fields that were sent into ``_internal``; lineage is not among them."""
    for name in ("document_schema_version", "content_hash", "modality"):
        value = getattr(system, name)
        if value is not None:
            internal[name] = value
    if system.internal_metadata is not None:
        _merge_map(internal.setdefault("metadata", {}), _decode(system.internal_metadata))
    apply_blobs(internal, system)


def apply_blobs(internal: dict[str, Any], system: SystemFields) -> None:
    """Put the blobs that were sent into ``_internal``; an empty list takes them out."""
    if system.source_blobs is not None:
        internal["source_blobs"] = _decode(system.source_blobs)
    if system.document_blobs is not None:
        sent = _decode(system.document_blobs)
        internal["document_blobs"] = without_sources(sent, internal.get("source_blobs", []))
    for name in ("source_blobs", "document_blobs"):
        if not internal.get(name, True):
            del internal[name]


def _apply_root(stored: Stored, name: str, value: Any, said: dict[str, Any], *, repeats: bool) -> None:
    if repeats and name in stored.shown and same_json(value, stored.shown[name]):
        return
    path = nested_path(stored, name)
    if path is not None:
        _set_nested(stored, path, value)
        return
    if name not in said:
        place = _supplier(stored, name)
        _set(place, name, value)
    elif not same_json(value, said[name]):
        _set(stored.own, name, value)


def _set(place: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        place.pop(name, None)
    else:
        place[name] = value


def _supplier(stored: Stored, name: str) -> dict[str, Any]:
    """The map that supplies the root key: the root itself unless only metadata or a payload has it."""
    if name in stored.own:
        return stored.own
    for place in (stored.own.get("metadata"), *payloads_of(stored.features)):
        if isinstance(place, dict) and name in place:
            return place
    return stored.own


def nested_path(stored: Stored, name: str) -> list[str] | None:
    """The steps of a dotted key; None for the name of a root field, which may itself have dots in it."""
    path = name.split(".")
    nested = len(path) > 1 and all(path) and name not in stored.shown and name not in stored.own
    return path if nested else None


def _set_nested(stored: Stored, path: list[str], value: Any) -> None:
    if path[0] in IGNORED:
        return
    place = nested_place(stored, path, create=value is not None)
    if place is not None:
        _set(place, path[-1], value)


def nested_place(stored: Stored, path: list[str], *, create: bool) -> dict[str, Any] | None:
    """The object that has or gets the last step of the path. Without ``create``, None when there is none.

    Raises ``ValidationError`` when the path leads through something else than objects.
    """
    place, steps = _head_of(stored, path)
    for number, step in enumerate(steps[:-1]):
        inner = place.get(step)
        if inner is None:
            if not create:
                return None
            inner = place[step] = {}
        if not isinstance(inner, dict):
            raise _not_nested(path, f"{'.'.join(path[: number + 1])} is not an object, so it has no field {path[-1]!r}")
        place = inner
    return place


def _head_of(stored: Stored, path: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The object that the path starts from, and its steps from there."""
    head = path[0]
    if head == INTERNAL_METADATA:
        return stored.internal, ["metadata", *path[1:]]
    if head in RESERVED and head != "metadata":
        raise _not_nested(path, f"{head} cannot be changed field by field; send it whole")
    return _supplier(stored, head), path


def _not_nested(path: list[str], message: str) -> ValidationError:
    return ValidationError.at(["body", ".".join(path)], message, "path")
