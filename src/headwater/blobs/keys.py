"""The names of files in a store: ``NAMESPACE_ID/BLOB_ID``, made by us and opaque. A user's file name is never one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_SCHEME = "s3://"
#: No dots, so that no part of a key leads anywhere but to itself.
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}/[A-Za-z0-9_-]{1,64}")


def new_key(namespace_id: str) -> str:
    """A key that nothing was ever stored under, in that namespace."""
    return f"{namespace_id}/blob_{secrets.token_hex(16)}"


def is_key(text: str) -> bool:
    """Whether this could be a key of ours. Whatever reaches a store has to be one."""
    return _KEY.fullmatch(text) is not None


def namespace_of(key: str) -> str:
    """The id of the namespace that the key belongs to."""
    return key.partition("/")[0]


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

        That it looks like a key says nothing about whose it is: compare ``namespace_of`` before anything is read.
        """
        start = _SCHEME + self.root
        key = reference.removeprefix(start)
        return key if reference.startswith(start) and is_key(key) else None
