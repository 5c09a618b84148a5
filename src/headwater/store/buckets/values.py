"""Whether an object fits its bucket's schema."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from headwater.errors import ValidationError, ValidationItem
from headwater.store.buckets.schema import FILE_TYPES, METADATA_TYPES, Field, Location

_MAX_ERRORS = 100
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class BlobLike(Protocol):
    """What of a blob the schema is about."""

    property_name: str
    type: str
    #: The value of a blob with a metadata type.
    value: Any


def checked_defaults(
    properties: Mapping[str, Field], members: Mapping[str, Any], blobs: Sequence[BlobLike]
) -> dict[str, Any]:
    """The defaults of fields that the object lacks. Raises ``ValidationError`` with every place that does not fit."""
    found = list(_blob_errors(properties, blobs))
    defaults: dict[str, Any] = {}
    by_property = {blob.property_name for blob in blobs}
    for name, field in properties.items():
        if name in by_property:
            continue
        value, location = _value_of(name, members)
        if value is None and field.get("default") is not None:
            value = defaults[name] = field["default"]
        found += _errors(field, value, location)
        if len(found) >= _MAX_ERRORS:
            break
    if found:
        raise ValidationError(found[:_MAX_ERRORS], code="bucket_schema_violated")
    return defaults


def check_defaults(properties: Mapping[str, Field], location: Location) -> None:
    """Raises ``ValidationError`` for defaults that no object could have."""
    found: list[ValidationItem] = []
    for name, field in properties.items():
        found += _errors({**field, "required": False}, field.get("default"), [*location, name, "default"])
    if found:
        raise ValidationError(found[:_MAX_ERRORS], code="default_invalid")


def value_at(name: str, members: Mapping[str, Any]) -> Any:
    """The object's value for a field: at its root, else in ``metadata``; None where there is none."""
    return _value_of(name, members)[0]


def _value_of(name: str, members: Mapping[str, Any]) -> tuple[Any, Location]:
    value = members.get(name)
    metadata = members.get("metadata")
    if value is None and isinstance(metadata, Mapping) and metadata.get(name) is not None:
        return metadata[name], ["body", "metadata", name]
    return value, ["body", name]


def _blob_errors(properties: Mapping[str, Field], blobs: Sequence[BlobLike]) -> Iterator[ValidationItem]:
    for index, blob in enumerate(blobs):
        at: Location = ["body", "blobs", index]
        field = properties.get(blob.property_name)
        if field is None:
            known = ", ".join(list(properties)[:20]) or "none"
            message = f"the bucket's schema has no property {blob.property_name!r}; it has {known}"
            yield {"type": "unknown_property", "location": [*at, "property"], "message": message}
        elif blob.type != field["type"]:
            message = f"the schema says that {blob.property_name!r} is {field['type']}, not {blob.type}"
            yield {"type": "blob_type", "location": [*at, "type"], "message": message}
        elif blob.type in METADATA_TYPES:
            yield from _errors(field, blob.value, [*at, "data"])


def _errors(field: Field, value: Any, location: Location) -> Iterator[ValidationItem]:
    if value is None:
        if field.get("required"):
            name = location[-1]
            message = f"{name!r} is required: send it as a field{_or_blob(field)}"
            yield {"type": "missing", "location": location, "message": message}
        return
    mismatch = _MISMATCH[field["type"]](value)
    if mismatch is not None:
        yield {"type": f"{field['type']}_type", "location": location, "message": f"{location[-1]!r} {mismatch}"}
        return
    if field.get("enum") and not any(_same(value, allowed) for allowed in field["enum"]):
        message = f"{location[-1]!r} must be one of {field['enum'][:20]!r}, not {value!r}"[:500]
        yield {"type": "enum", "location": location, "message": message}
    yield from _inner_errors(field, value, location)


def _or_blob(field: Field) -> str:
    return " or a blob of that property" if field["type"] in FILE_TYPES else ""


def _inner_errors(field: Field, value: Any, location: Location) -> Iterator[ValidationItem]:
    if isinstance(value, dict):
        for name, inner in (field.get("properties") or {}).items():
            yield from _errors(inner, value.get(name), [*location, name])
    elif isinstance(value, list) and field.get("items"):
        for index, item in enumerate(value):
            yield from _errors(field["items"], item, [*location, index])


def _same(one: Any, other: Any) -> bool:
    # True is not 1.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _must_be(kind: str, fits: Callable[[Any], bool]) -> Callable[[Any], str | None]:
    return lambda value: None if fits(value) else f"must be {kind}, not {_shown(value)}"


def _shown(value: Any) -> str:
    return repr(value)[:80]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None and _parses(datetime.date, value)


def _is_datetime(value: Any) -> bool:
    return isinstance(value, str) and "-" in value and _parses(datetime.datetime, value)


def _parses(kind: type[datetime.date], value: str) -> bool:
    try:
        kind.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_url(value: Any) -> bool:
    scheme, colon, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    return bool(colon) and scheme.lower() in ("http", "https", "s3", "data") and bool(rest)


_URL = _must_be("a URL, or come as a blob", _is_url)
_MISMATCH: Mapping[str, Callable[[Any], str | None]] = {
    "string": _must_be("text", lambda value: isinstance(value, str)),
    "number": _must_be("a number", _is_number),
    "float": _must_be("a number", _is_number),
    "integer": _must_be("a whole number", lambda value: _is_number(value) and value == int(value)),
    "boolean": _must_be("true or false", lambda value: isinstance(value, bool)),
    "object": _must_be("an object", lambda value: isinstance(value, dict)),
    "array": _must_be("a list", lambda value: isinstance(value, list)),
    "date": _must_be("a date such as 2026-01-05", _is_date),
    "datetime": _must_be("a time such as 2026-01-05T10:00:00Z", _is_datetime),
    "text": _must_be("text", lambda value: isinstance(value, str)),
    **dict.fromkeys(("image", "audio", "video", "pdf", "excel"), _URL),
}
