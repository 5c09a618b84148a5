"""Values at dotted paths of plain JSON."""

from __future__ import annotations

from typing import Any

#: What stands at a path that leads nowhere; null is a value.
MISSING: Any = object()


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted path, or ``MISSING``. A key that holds dots itself is found too."""
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return MISSING
        value = value[step]
    return value
