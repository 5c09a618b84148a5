"""Where a file goes in an object: the property and type of its blob, from its name, its MIME type and the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from headwater.errors import ValidationError
from headwater.store.buckets.schema import FILE_TYPES, Field, Location

_EXCEL = (
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/csv",
)


class Place(NamedTuple):
    blob_property: str
    #: None for a file that fits no type.
    blob_type: str | None


def file_types(content_type: str) -> tuple[str, ...]:
    """The types of properties that such a file fits, the likeliest first."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _EXCEL:
        return ("excel", "text") if media_type == "text/csv" else ("excel",)
    if media_type == "image/gif":
        return ("image", "video")
    if media_type == "application/pdf":
        return ("pdf",)
    family = media_type.partition("/")[0]
    return (family,) if family in ("text", "image", "audio", "video") else ()


def place_in(
    properties: Mapping[str, Field],
    filename: str,
    content_type: str,
    blob_property: str | None,
    blob_type: str | None,
    location: Location,
) -> Place:
    """Which of the schema's properties the file is for. Raises ``ValidationError`` when none is."""
    fitting = file_types(content_type)
    name = blob_property or _guessed(properties, filename, fitting)
    field = properties.get(name)
    if field is None:
        known = ", ".join(list(properties)[:20]) or "none"
        message = f"the bucket's schema has no property {name!r}; it has {known}. Send blob_property"
        raise ValidationError.at([*location, "blob_property"], message, "unknown_property")
    kind = field["type"]
    if blob_type is not None and blob_type.lower() != kind:
        message = f"the schema says that {name!r} is {kind}, not {blob_type[:40]}"
        raise ValidationError.at([*location, "blob_type"], message, "blob_type")
    if kind not in fitting:
        message = f"{content_type} does not fit {name!r}, which is {kind}"
        raise ValidationError.at([*location, "content_type"], message, "content_type")
    return Place(name, kind)


def _guessed(properties: Mapping[str, Field], filename: str, fitting: tuple[str, ...]) -> str:
    stem = stem_of(filename)
    taking = [name for name, field in properties.items() if field["type"] in fitting]
    return taking[0] if stem not in properties and len(taking) == 1 else stem


def stem_of(filename: str) -> str:
    """The file's name without its ending, as it could be the name of a property."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", PurePosixPath(filename).stem)


def unplaced_type(content_type: str, blob_type: str | None, location: Location) -> str | None:
    """The type of a file that is for no object yet. Raises ``ValidationError`` for one that there is not."""
    if blob_type is None:
        return next(iter(file_types(content_type)), None)
    if blob_type.lower() not in FILE_TYPES:
        message = f"{blob_type[:40]!r} is no type of a file; types are {', '.join(FILE_TYPES)}"
        raise ValidationError.at([*location, "blob_type"], message, "enum")
    return blob_type.lower()


def moved(error: ValidationError, location: Location) -> ValidationError:
    """The violations of a request's body, as those of a member of another request."""
    items: list[Any] = (error.details or {})["validation_errors"]
    placed: list[Any] = [{**item, "location": [*location, *item["location"][1:]]} for item in items]
    return ValidationError(placed, code=error.code)
