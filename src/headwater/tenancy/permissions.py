"""What a key may do: the four permissions, one above the other, and the scopes that narrow them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args

Permission = Literal["read", "write", "delete", "admin"]

#: From weakest to strongest: holding one grants those before it.
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

#: What a scope that lists ``operations`` must name for each permission.
_OPERATIONS: Mapping[Permission, str] = {
    "read": "read_data",
    "write": "write_data",
    "delete": "delete_data",
    "admin": "manage_permissions",
}


def grants(held: Iterable[str], needed: Permission) -> bool:
    """Whether one of the held permissions is ``needed`` or stronger."""
    sufficient = PERMISSIONS[PERMISSIONS.index(needed) :]
    return any(permission in sufficient for permission in held)


def allows(scope: Mapping[str, Any], needed: Permission) -> bool:
    """Whether the scope's operations, when it lists any, contain the one that ``needed`` stands for."""
    operations = scope.get("operations")
    return operations is None or _OPERATIONS[needed] in operations


def names(scope: Mapping[str, Any], resource_type: str, *identifiers: str) -> bool:
    """Whether the scope is of that type and its id, literal or with ``*``, is one of the identifiers."""
    if scope["resource_type"] != resource_type:
        return False
    pattern = _pattern(scope["resource_id"])
    return any(pattern.fullmatch(identifier) for identifier in identifiers)


@lru_cache(maxsize=4096)
def _pattern(resource_id: str) -> re.Pattern[str]:
    # Only the star is special. Runs of stars mean the same as one, and would make matching slow.
    parts = re.split(r"\*+", resource_id)
    return re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
