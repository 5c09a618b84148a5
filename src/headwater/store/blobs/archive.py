"""Files of the local blob store in a backup: ``blobs/KEY``, each as its row says."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import apsw

from headwater.blobs.keys import is_key
from headwater.blobs.tree import BLOBS, Tree
from headwater.errors import BadRequestError

_CHUNK_BYTES = 1 << 20


def forget_removed(snapshot: apsw.Connection) -> None:
    """Of a blob that is being removed the bytes may be gone already, and nothing uses it."""
    if _has_blobs(snapshot):
        snapshot.execute("DELETE FROM blobs WHERE state <> 'stored'")


def _has_blobs(snapshot: apsw.Connection) -> bool:
    """Whether the database is of a version that had them."""
    return bool(snapshot.execute("SELECT 1 FROM sqlite_schema WHERE name = 'blobs'").get)


class FilesToArchive:
    """The files that the rows of a snapshot name. Hold ``holding_files`` from before the snapshot on."""

    def __init__(self, snapshot: Path, directory: Path) -> None:
        self._snapshot = snapshot
        self._tree = Tree(directory)

    def summary(self) -> dict[str, Any]:
        """For the manifest. ``missing`` names rows whose file is not there as it should be."""
        count = size_bytes = 0
        missing = []
        for key, size in self._rows():
            if self._size_of(key) == size:
                count, size_bytes = count + 1, size_bytes + size
            else:
                missing.append(key)
        return {"store": "local", "count": count, "size_bytes": size_bytes, "missing": missing}

    def add_to(self, archive: tarfile.TarFile, missing: list[str]) -> None:
        left_out = set(missing)
        for key, size in self._rows():
            if key in left_out:
                continue
            entry = tarfile.TarInfo(f"{BLOBS}/{key}")
            entry.size, entry.mode = size, 0o600
            with self._opened(key) as file:
                archive.addfile(entry, file)

    def close(self) -> None:
        self._tree.close()

    def _rows(self) -> Iterator[tuple[str, int]]:
        connection = apsw.Connection(str(self._snapshot), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            if _has_blobs(connection):
                yield from connection.execute("SELECT blob_key, size_bytes FROM blobs ORDER BY blob_key")
        finally:
            connection.close()

    def _size_of(self, key: str) -> int | None:
        try:
            with self._tree.folder(key) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
        except FileNotFoundError:
            return None

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        with self._tree.folder(key) as (folder, name):
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            yield file


def is_file_member(name: str) -> bool:
    """Whether a member of an archive is a file of the blob store."""
    return name.startswith(f"{BLOBS}/") and is_key(name.removeprefix(f"{BLOBS}/"))


class FilesToRestore:
    """Writes the files of an archive into a new directory, whose database is there already."""

    def __init__(self, directory: Path, database: Path) -> None:
        self._tree = Tree(directory)
        self._connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
        self._count = 0

    def write(self, name: str, source: BinaryIO) -> None:
        """Raises ``BadRequestError`` for a file that no row names, or that is not what its row says."""
        key = name.removeprefix(f"{BLOBS}/")
        row = self._connection.execute("SELECT sha256 FROM blobs WHERE blob_key = ?", (key,)).fetchone()
        if row is None or self._copy(key, source) != row[0]:
            raise BadRequestError(f"{name} in the archive is not what its record says; it was cut or changed")
        self._count += 1

    def _copy(self, key: str, source: BinaryIO) -> bytes:
        hashed = sha256()
        with self._tree.folder(key, create=True) as (folder, name):
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            while chunk := source.read(_CHUNK_BYTES):
                hashed.update(chunk)
                file.write(chunk)
        return hashed.digest()

    def check_complete(self, expected: int) -> None:
        if self._count != expected:
            raise BadRequestError(f"the archive holds {self._count} files, not {expected}; it was cut or changed")
        # All of them at once: one by one would take minutes for many small ones.
        os.sync()

    def close(self) -> None:
        self._connection.close()
        self._tree.close()
