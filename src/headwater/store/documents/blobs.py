"""References to files: ``source_blobs`` as they come, ``document_blobs`` as ``BlobURLRef``, and what is shown."""

from __future__ import annotations

from typing import Any

from headwater.errors import ValidationError
from headwater.store.documents.vector_forms import Location, json_type

ROLES = ("source", "processed", "thumbnail", "artifact", "aux")
TYPES = ("video", "image", "audio", "text", "pdf", "other")
_TEXTS = ("filename", "content_type", "checksum", "created_at", "source_blob_id", "unavailable_reason")

Blob = dict[str, Any]


def parse_source_blobs(value: Any, at: Location) -> list[Blob] | None:
    """A list of objects of any shape; None was not sent."""
    blobs = _objects(value, at)
    return None if blobs is None else [_unsigned(blob) for blob in blobs]


def parse_document_blobs(value: Any, at: Location) -> list[Blob] | None:
    """``BlobURLRef`` items with their defaults filled in; None was not sent. Raises ``ValidationError``."""
    blobs = _objects(value, at)
    return None if blobs is None else [_reference(blob, [*at, number]) for number, blob in enumerate(blobs)]


def shown_blobs(source_blobs: list[Blob], document_blobs: list[Blob]) -> list[Blob]:
    """Root ``document_blobs``: the source blobs that have a URL, as references, then the document's own."""
    return [*_references(source_blobs, document_blobs), *document_blobs]


def without_sources(document_blobs: list[Blob], source_blobs: list[Blob]) -> list[Blob]:
    """The sent references less those that only repeat a source blob: a fetched document can be posted back."""
    repeated = _references(source_blobs, [])
    return [blob for blob in document_blobs if blob not in repeated]


def _references(source_blobs: list[Blob], shown: list[Blob]) -> list[Blob]:
    references = [_reference_of_source(blob) for blob in source_blobs]
    return [blob for blob in references if blob is not None and blob not in shown]


def _reference_of_source(blob: Blob) -> Blob | None:
    url = _first_text(blob, "url", "data", "uri")
    if url is None:
        return None
    kind = str(blob.get("type", "")).lower()
    reference: Blob = {
        "field": _first_text(blob, "field", "property", "blob_property", "key") or "source",
        "role": "source",
        "type": kind if kind in TYPES else "other",
        "url": url,
    }
    reference |= {name: blob[name] for name in _TEXTS if isinstance(blob.get(name), str)}
    size = blob.get("size_bytes")
    if type(size) is int and size >= 0:
        reference["size_bytes"] = size
    if "source_blob_id" not in reference and isinstance(blob.get("blob_id"), str):
        reference["source_blob_id"] = blob["blob_id"]
    return reference


def _first_text(blob: Blob, *names: str) -> str | None:
    return next((blob[name] for name in names if isinstance(blob.get(name), str) and blob[name]), None)


def _objects(value: Any, at: Location) -> list[Blob] | None:
    if value is None:
        return None
    if type(value) is not list:
        raise ValidationError.at(at, f"{at[-1]} must be a list, not {json_type(value)}", "list_type")
    for number, item in enumerate(value):
        if type(item) is not dict:
            raise ValidationError.at([*at, number], f"a blob must be an object, not {json_type(item)}", "object_type")
    return value


def _unsigned(blob: Blob) -> Blob:
    """A signed URL is made for each answer and never stored."""
    return {name: value for name, value in blob.items() if name != "presigned_url"}


def _reference(blob: Blob, at: Location) -> Blob:
    for name in ("field", "url"):
        _check_text(blob, name, at, required=True)
    for name in _TEXTS:
        _check_text(blob, name, at, required=False)
    size = blob.get("size_bytes")
    if size is not None and (type(size) is not int or size < 0):
        raise ValidationError.at([*at, "size_bytes"], "size_bytes must be a whole number, 0 or more", "int_type")
    given = {name: value for name, value in _unsigned(blob).items() if value is not None}
    reference = {"role": "source", "type": "other", **given}
    _check_one_of(reference, "role", ROLES, at)
    _check_one_of(reference, "type", TYPES, at)
    return reference


def _check_text(blob: Blob, name: str, at: Location, *, required: bool) -> None:
    value = blob.get(name)
    if value is None:
        if required:
            raise ValidationError.at([*at, name], f"{name} is required", "missing")
    elif type(value) is not str:
        raise ValidationError.at([*at, name], f"{name} must be a string, not {json_type(value)}", "string_type")
    elif required and not value:
        raise ValidationError.at([*at, name], f"{name} must not be empty", "string_too_short")


def _check_one_of(blob: Blob, name: str, allowed: tuple[str, ...], at: Location) -> None:
    if blob[name] not in allowed:
        raise ValidationError.at(
            [*at, name], f"{name} must be one of {', '.join(allowed)}, not {blob[name]!r:.80}", "enum"
        )
