"""A bucket's schema: which fields its objects have, and which files.

A field is ``{"type", "required", "default", "enum", "items", "properties", …}``. Types are metadata types, whose values
are JSON, or file types, which stand for a blob of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.errors import ValidationError

METADATA_TYPES = ("string", "number", "integer", "float", "boolean", "object", "array", "date", "datetime")
FILE_TYPES = ("text", "image", "audio", "video", "pdf", "excel")
TYPES = (*METADATA_TYPES, *FILE_TYPES)
#: Members that an object has by itself, so no field can have their names.
RESERVED = frozenset(
    {
        "_internal",
        "blobs",
        "bucket_id",
        "consistency",
        "created_at",
        "document_count",
        "error",
        "internal_id",
        "lifecycle_state",
        "namespace_id",
        "object_id",
        "source_details",
        "status",
        "updated_at",
    }
)
#: Also members of their own, which requests may send.
SENT_MEMBERS = frozenset({"key_prefix", "edges"})
#: What guides elsewhere call some types.
_OTHER_NAMES = {"json": "object", "url": "string", "keyword": "string", "document": "pdf"}
MAX_FIELDS = 1000
MAX_NAME_LENGTH = 100
MAX_DEPTH = 16

Field = dict[str, Any]
Location = list[str | int]


def normalised_schema(schema: Any, location: Location) -> dict[str, Any]:
    """The schema as it is stored: types in lower case, further keys kept. Raises ``ValidationError``."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        raise ValidationError.at(location, 'a schema is {"properties": {name: {"type": …}}}', "bucket_schema")
    normaliser = _Normaliser()
    properties = normaliser.fields(schema["properties"], [*location, "properties"], depth=1)
    return {**schema, "properties": properties}


class _Normaliser:
    """One schema in the making."""

    def __init__(self) -> None:
        self._count = 0

    def fields(self, fields: Any, location: Location, depth: int) -> dict[str, Field]:
        if not isinstance(fields, dict):
            raise ValidationError.at(location, "properties must be an object of fields", "dict_type")
        for name in fields:
            _check_name(name, location, reserved=depth == 1)
        return {name: self.field(field, [*location, name], depth) for name, field in fields.items()}

    def field(self, field: Any, location: Location, depth: int) -> Field:
        self._count += 1
        if self._count > MAX_FIELDS:
            raise ValidationError.at(location, f"a schema has up to {MAX_FIELDS} fields", "too_long")
        if depth > MAX_DEPTH:
            raise ValidationError.at(location, f"fields nest up to {MAX_DEPTH} deep", "too_deep")
        if not isinstance(field, dict):
            raise ValidationError.at(location, 'a field is an object such as {"type": "string"}', "dict_type")
        found = {**field, "type": _type(field, location)}
        _check_flags(found, location)
        if found.get("properties") is not None:
            found["properties"] = self.fields(found["properties"], [*location, "properties"], depth + 1)
        if found.get("items") is not None:
            found["items"] = self.field(found["items"], [*location, "items"], depth + 1)
        return {key: value for key, value in found.items() if value is not None or key == "default"}


def _check_name(name: str, location: Location, *, reserved: bool) -> None:
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        message = f"the name of a field has 1 to {MAX_NAME_LENGTH} printable characters, not {name[:MAX_NAME_LENGTH]!r}"
        raise ValidationError.at([*location, name[:MAX_NAME_LENGTH]], message, "field_name")
    if reserved and (name in RESERVED or name in SENT_MEMBERS):
        raise ValidationError.at([*location, name], f"{name!r} is a member of every object; choose another", "reserved")


def _type(field: Field, location: Location) -> str:
    given = field.get("type")
    name = given.lower() if isinstance(given, str) else ""
    if name in TYPES:
        return name
    meant = _OTHER_NAMES.get(name)
    hint = "" if meant is None else f"; for {name!r} use {meant!r}"
    message = f"{given!r} is no type of a field{hint}; types are {', '.join(TYPES)}"[:500]
    raise ValidationError.at([*location, "type"], message, "enum")


def _check_flags(field: Field, location: Location) -> None:
    if not isinstance(field.get("required", False), bool | None):
        raise ValidationError.at([*location, "required"], "required must be true or false", "bool_type")
    for name in ("enum", "examples"):
        if field.get(name) is not None and not isinstance(field[name], list):
            raise ValidationError.at([*location, name], f"{name} must be a list of values", "list_type")
    if not isinstance(field.get("description"), str | None):
        raise ValidationError.at([*location, "description"], "description must be text", "string_type")


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What in the new schema some object that fits the old one may contradict, in words."""
    return list(_changes(old["properties"], new["properties"], ""))


def _changes(old: dict[str, Field], new: dict[str, Field], prefix: str) -> Iterator[str]:
    for name, before in old.items():
        path, after = f"{prefix}{name}", new.get(name)
        if after is None:
            yield f"{path} is dropped"
        elif after["type"] != before["type"]:
            yield f"{path} changes from {before['type']} to {after['type']}"
        elif after.get("required") and not before.get("required"):
            yield f"{path} becomes required"
        else:
            yield from _changes(_below(before), _below(after), f"{path}.")
    for name in new.keys() - old.keys():
        if new[name].get("required"):
            yield f"{prefix}{name} is new and required"


def _below(field: Field) -> dict[str, Field]:
    items = field.get("items")
    return {**(field.get("properties") or {}), **({} if items is None else {"[]": items})}
