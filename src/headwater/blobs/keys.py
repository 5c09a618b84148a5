"""The names of files in a store: ``ORGANIZATION_ID-NAMESPACE_ROW/BLOB_ID``, made by us and opaque.

A user's file name is never part of one, nor is the id of a namespace: users choose it, and two organizations may
choose the same.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from headwater.scope import NamespaceScope

_SCHEME = "s3://"
#: No dots, so that no part of a key leads anywhere but to itself.
_KEY = re.compile(r"[A-Za-z0-9_]{1,64}-[0-9]{1,18}/[A-Za-z0-9_-]{1,64}", re.ASCII)


def new_key(scope: NamespaceScope) -> str:
    """A key that nothing was ever stored under, in that namespace."""
    return f"{folder_of(scope)}/blob_{secrets.token_hex(16)}"


def folder_of(scope: NamespaceScope) -> str:
    """What the keys of the namespace begin with, up to the slash."""
    return f"{scope.organization_id}-{scope.namespace_row}"


def is_key(text: str) -> bool:
    """Whether this could be a key of ours. Whatever reaches a store has to be one."""
    return _KEY.fullmatch(text) is not None


def belongs_to(key: str, scope: NamespaceScope) -> bool:
    """Whether the key is one of that namespace: to be asked before anything is done for its callers."""
    return key.partition("/")[0] == folder_of(scope)


def owner_of(key: str) -> tuple[str, int]:
    """The id of the organization and the row of the namespace."""
    organization_id, _, row = require_key(key).partition("/")[0].rpartition("-")
    return organization_id, int(row)


def require_key(text: str) -> str:
    """The key; ``ValueError`` when the text is none, which no caller of ours may let happen."""
    if not is_key(text):
        raise ValueError(f"{text[:200]!r} is not a key of a file")
    return text


@dataclass(frozen=True, slots=True)
class References:
    """How the records name the files of one store: ``s3://local/KEY``, ``s3://BUCKET/PREFIX/KEY``."""

    #: What stands before the key, such as ``local/``.
    root: str

    def of(self, key: str) -> str:
        """The reference to that key."""
        return f"{_SCHEME}{self.root}{key}"

    def key_of(self, reference: str) -> str | None:
        """The key that the reference names; None when it is not one of this store's.

        That it looks like a key says nothing about whose it is: ask ``belongs_to``.
        """
        start = _SCHEME + self.root
        key = reference.removeprefix(start)
        return key if reference.startswith(start) and is_key(key) else None
