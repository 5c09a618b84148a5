"""A bucket's unique key: fields whose values, taken together, at most one object has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Literal, get_args

import orjson

from headwater.catalog.tables.buckets import Bucket
from headwater.errors import BadRequestError, ValidationError
from headwater.store.buckets.schema import Field, Location
from headwater.store.buckets.values import value_at

Policy = Literal["insert", "update", "upsert"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
_SCALARS = ("string", "integer", "float", "number", "date", "datetime", "boolean")
MAX_TEXT_LENGTH = 255
#: Below it each whole number is a float of its own.
_MOST_EXACT = 2**53


def check_unique_key(fields: Sequence[str], properties: Mapping[str, Field], location: Location) -> None:
    """Raises ``ValidationError`` unless the fields can be a key of objects with that schema."""
    for index, name in enumerate(fields):
        field = properties.get(name)
        if field is None:
            message = f"the schema has no field {name!r} to make a unique key of"
        elif field["type"] not in _SCALARS:
            message = f"{name!r} is {field['type']}; a unique key takes {', '.join(_SCALARS)}"
        elif name in fields[:index]:
            message = f"{name!r} is named twice"
        else:
            continue
        raise ValidationError.at([*location, "fields", index], message, "unique_key")


def key_digest(bucket: Bucket, members: Mapping[str, Any]) -> bytes | None:
    """What two objects with the same key have in common; None when the bucket has no key.

    Raises ``ValidationError`` for a value that is missing, empty or too long.
    """
    fields = bucket.key_fields
    if not fields:
        return None
    values = [[name, _identity(name, value_at(name, members))] for name in sorted(fields)]
    return sha256(orjson.dumps(values)).digest()


def _identity(name: str, value: Any) -> Any:
    if value is None or value == "":
        raise _refused(name, "is part of the unique key; send a value that is not empty")
    if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH:
        raise _refused(name, f"is part of the unique key; its text has up to {MAX_TEXT_LENGTH} characters")
    # 1 and 1.0 are one value.
    return int(value) if isinstance(value, float) and abs(value) < _MOST_EXACT and value.is_integer() else value


def _refused(name: str, message: str) -> ValidationError:
    return ValidationError.at(["body", name], f"{name!r} {message}", "unique_key")


def chosen_policy(bucket: Bucket, asked: Policy | None) -> Policy:
    """What to do when the key is taken. ``BadRequestError`` when neither the request nor the bucket says."""
    policy: Policy | None = asked or bucket.body["unique_key"].get("default_policy")
    if policy is None:
        raise BadRequestError(
            f"bucket {bucket.bucket_name!r} has a unique key and no default_policy; send ?policy=, one of"
            f" {', '.join(POLICIES)}",
            details={"bucket_id": bucket.bucket_id},
            code="policy_required",
        )
    return policy
