"""A request's body → what the writer needs of it, checked and packed, with everything slow done here, in the worker.

``parse`` accepts any JSON object: what it does not know is a user field. It refuses only what has a meaning and
does not fit it, with a location for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.errors import ValidationError
from headwater.kit.clock import from_text, to_text
from headwater.store.documents.blobs import parse_document_blobs, parse_source_blobs
from headwater.store.documents.lineage import LineageSent
from headwater.store.documents.projection import RESERVED, payloads_of, project, without_echoes
from headwater.store.documents.vector_forms import (
    Location,
    SentVector,
    is_shaped_like,
    json_type,
    pack_feature_vectors,
    pack_vector,
    pack_vector_map,
)

_encode = msgspec.json.Encoder().encode

SOURCE_TYPES = ("bucket", "collection", "direct_upsert", "signal")
_LINEAGE_TEXTS = (
    "root_object_id",
    "root_bucket_id",
    "source_type",
    "source_collection_id",
    "source_document_id",
    "source_object_id",
    "lineage_path",
)
_MAX_ID_LENGTH = 512


class SentFeature(msgspec.Struct, array_like=True):
    """A feature: its JSON object without ``vectors``, as it is kept in ``_internal.features``, and the vectors."""

    feature_extractor_id: str
    fragment: bytes
    vectors: list[SentVector]


class SystemFields(msgspec.Struct, omit_defaults=True):
    """The fields of a body that belong in ``_internal``. Lists and maps are JSON. None was not sent."""

    lineage: LineageSent | None = None
    document_schema_version: str | None = None
    content_hash: str | None = None
    modality: str | None = None
    internal_metadata: bytes | None = None
    source_blobs: bytes | None = None
    document_blobs: bytes | None = None


class ParsedBody(msgspec.Struct):
    """A request's body, taken apart."""

    #: The stored root: user fields, and ``metadata`` if it was sent.
    root: dict[str, Any]
    features: list[SentFeature] | None
    payloads: list[Any]
    #: Vectors outside the features, under names that the collection knows.
    vectors: list[SentVector]
    system: SystemFields
    document_id: str | None
    collection_id: str | None


class DocumentContent(msgspec.Struct, omit_defaults=True):
    """A new document on its way to the writer: the projection is made, the vectors have no storage names yet."""

    body: bytes
    derived: bytes | None
    features: list[SentFeature]
    vectors: list[SentVector]
    system: SystemFields


class DocumentChanges(msgspec.Struct, omit_defaults=True):
    """What a PUT or PATCH wants changed. ``root`` is a JSON object; ``features`` None was not sent."""

    root: bytes
    features: list[SentFeature] | None
    vectors: list[SentVector]
    system: SystemFields
    #: A PUT may repeat what was read: values that are already shown change nothing.
    repeats: bool = False

    @property
    def empty(self) -> bool:
        return self.root == b"{}" and self.features is None and not self.vectors and self.system == SystemFields()


def parse(
    body: dict[str, Any], *, indexes: Sequence[dict[str, Any]], max_width: int, location: Location | None = None
) -> ParsedBody:
    """Take a body apart. ``indexes`` are the collection's, for vectors at the root. Raises ``ValidationError``."""
    at: Location = ["body"] if location is None else location
    features = _features(body.get("features"), [*at, "features"], max_width)
    vectors = pack_vector_map(body.get("vectors"), [*at, "vectors"], max_width)
    root = _root(body, at)
    root = _take_vectors(root, vectors, indexes, at, max_width)
    sent_features = body.get("features") or []
    return ParsedBody(
        root=root,
        features=features,
        payloads=payloads_of(sent_features),
        vectors=vectors,
        system=_system(body, sent_features, at),
        document_id=_document_id(body, at),
        collection_id=_text(body, "collection_id", at),
    )


def content_of(parsed: ParsedBody) -> DocumentContent:
    """The parsed body as a new document, with its projection."""
    own = without_echoes(parsed.root, parsed.payloads)
    members, derived = project(own, parsed.payloads)
    return DocumentContent(
        body=_encode(members),
        derived=_encode(derived) if derived else None,
        features=parsed.features or [],
        vectors=parsed.vectors,
        system=parsed.system,
    )


def changes_of(parsed: ParsedBody, *, repeats: bool) -> DocumentChanges:
    """The parsed body as changes of a stored document."""
    return DocumentChanges(
        root=_encode(parsed.root),
        features=parsed.features,
        vectors=parsed.vectors,
        system=parsed.system,
        repeats=repeats,
    )


def _root(body: dict[str, Any], at: Location) -> dict[str, Any]:
    root = {name: value for name, value in body.items() if name not in RESERVED}
    metadata = _object(body, "metadata", at)
    if metadata is not None:
        root["metadata"] = metadata
    return root


def _take_vectors(
    root: dict[str, Any],
    vectors: list[SentVector],
    indexes: Sequence[dict[str, Any]],
    at: Location,
    max_width: int,
) -> dict[str, Any]:
    """Root members that are named like a vector index and shaped like its vectors are vectors: so they were read."""
    for index in indexes:
        name = index["name"]
        if name in root and is_shaped_like(root[name], index["kind"]):
            vectors.append(pack_vector(name, root[name], [*at, name], max_width))
            root = {key: value for key, value in root.items() if key != name}
    return root


def _features(value: Any, at: Location, max_width: int) -> list[SentFeature] | None:
    if value is None:
        return None
    if type(value) is not list:
        raise ValidationError.at(at, f"features must be a list, not {json_type(value)}", "list_type")
    return [_feature(item, [*at, number], max_width) for number, item in enumerate(value)]


def _feature(value: Any, at: Location, max_width: int) -> SentFeature:
    if type(value) is not dict:
        raise ValidationError.at(at, f"a feature must be an object, not {json_type(value)}", "object_type")
    extractor = _required_text(value, "feature_extractor_id", at)
    _object(value, "payload", at)
    vectors = pack_feature_vectors(value.get("vectors"), [*at, "vectors"], max_width)
    kept = {name: member for name, member in value.items() if name != "vectors"}
    return SentFeature(extractor, _encode(kept), vectors)


def _system(body: dict[str, Any], features: list[dict[str, Any]], at: Location) -> SystemFields:
    source_blobs = parse_source_blobs(body.get("source_blobs"), [*at, "source_blobs"])
    document_blobs = parse_document_blobs(body.get("document_blobs"), [*at, "document_blobs"])
    internal_metadata = _object(body, "internal_metadata", at)
    return SystemFields(
        lineage=parse_lineage(body, at),
        document_schema_version=_text(body, "document_schema_version", at),
        content_hash=_text(body, "content_hash", at),
        modality=_modality(body, features),
        internal_metadata=None if internal_metadata is None else _encode(internal_metadata),
        source_blobs=None if source_blobs is None else _encode(source_blobs),
        document_blobs=None if document_blobs is None else _encode(document_blobs),
    )


def _modality(body: dict[str, Any], features: list[dict[str, Any]]) -> str | None:
    for source in (body, *features):
        modality = source.get("modality")
        if isinstance(modality, str) and modality:
            return modality
    return None


def parse_lineage(body: dict[str, Any], at: Location) -> LineageSent | None:
    """The lineage fields of a body, None when there are none."""
    if not any(body.get(name) is not None for name in (*_LINEAGE_TEXTS, "lineage_chain")):
        return None
    texts = {name: _text(body, name, at) for name in _LINEAGE_TEXTS}
    if texts["source_type"] is not None and texts["source_type"] not in SOURCE_TYPES:
        raise ValidationError.at(
            [*at, "source_type"],
            f"source_type must be one of {', '.join(SOURCE_TYPES)}, not {texts['source_type'][:80]!r}",
            "enum",
        )
    return LineageSent(**texts, chain=_chain(body.get("lineage_chain"), [*at, "lineage_chain"]))


def _chain(value: Any, at: Location) -> list[dict[str, Any]] | None:
    if value is None:
        return None
    if type(value) is not list:
        raise ValidationError.at(at, f"lineage_chain must be a list, not {json_type(value)}", "list_type")
    return [_step(item, [*at, number]) for number, item in enumerate(value)]


def _step(value: Any, at: Location) -> dict[str, Any]:
    if type(value) is not dict:
        raise ValidationError.at(at, f"a lineage step must be an object, not {json_type(value)}", "object_type")
    for name in ("collection_id", "feature_extractor_id"):
        _required_text(value, name, at)
    _text(value, "document_id", at)
    timestamp = _text(value, "timestamp", at)
    step = {name: member for name, member in value.items() if member is not None}
    if timestamp is not None:
        step["timestamp"] = _normal_time(timestamp, [*at, "timestamp"])
    return step


def _normal_time(text: str, at: Location) -> str:
    try:
        return to_text(from_text(text))
    except (ValueError, OverflowError):
        message = f"timestamp must be an RFC 3339 time such as 2026-01-05T09:30:00Z, not {text[:80]!r}"
        raise ValidationError.at(at, message, "datetime") from None


def _document_id(body: dict[str, Any], at: Location) -> str | None:
    document_id = _text(body, "document_id", at)
    if document_id is not None and not 1 <= len(document_id) <= _MAX_ID_LENGTH:
        raise ValidationError.at(
            [*at, "document_id"],
            f"document_id has 1 to {_MAX_ID_LENGTH} characters, not {len(document_id)}",
            "string_length",
        )
    return document_id


def _text(body: dict[str, Any], name: str, at: Location) -> str | None:
    value = body.get(name)
    if value is not None and type(value) is not str:
        raise ValidationError.at([*at, name], f"{name} must be a string, not {json_type(value)}", "string_type")
    return value


def _required_text(body: dict[str, Any], name: str, at: Location) -> str:
    value = _text(body, name, at)
    if value is None:
        raise ValidationError.at([*at, name], f"{name} is required", "missing")
    return value


def _object(body: dict[str, Any], name: str, at: Location) -> dict[str, Any] | None:
    value = body.get(name)
    if value is not None and type(value) is not dict:
        raise ValidationError.at([*at, name], f"{name} must be an object, not {json_type(value)}", "object_type")
    return value
