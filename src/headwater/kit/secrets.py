"""The data directory's one secret and the keys derived from it, one a purpose."""

from __future__ import annotations

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

SECRET = "secret"


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, durably and whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make renames and removals in the directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Secret:
    """32 random bytes in ``DIR/secret``. It is part of every backup: without it all API keys are dead."""

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._derived: dict[str, bytes] = {}

    @classmethod
    def load(cls, directory: Path) -> Secret:
        return cls(bytes.fromhex((directory / SECRET).read_text().strip()))

    @classmethod
    def load_or_create(cls, directory: Path) -> Secret:
        if not (directory / SECRET).exists():
            write_private(directory / SECRET, secrets.token_hex(32).encode() + b"\n")
        return cls.load(directory)

    def derive(self, purpose: str) -> bytes:
        """The 32-byte key for one purpose, such as ``api-keys`` or ``cursors``."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = hmac.digest(self._value, purpose.encode(), sha256)
        return key
