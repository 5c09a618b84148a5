"""JSON values as keys of dictionaries and sets."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from headwater.query.aggregate.keys import key_of


def json_key(value: Any, *, case_sensitive: bool = True) -> Hashable:
    """Equal for values that are equal as JSON: 1 is 1.0, but neither "1" nor true."""
    if isinstance(value, list):
        return "list", tuple(json_key(item, case_sensitive=case_sensitive) for item in value)
    if isinstance(value, dict):
        members = ((name, json_key(item, case_sensitive=case_sensitive)) for name, item in value.items())
        return "object", frozenset(members)
    if isinstance(value, str) and not case_sensitive:
        return value.lower()
    return key_of(value)
