"""Where the files of the local store are: ``DIR/blobs/NAMESPACE/XX/BLOB``, and ``DIR/blobs/.partial/``.

Every step goes through a descriptor of the folder before it and follows no link, so nothing that somebody planted
there leads out of the directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from headwater.blobs.keys import is_key, require_key

BLOBS = "blobs"
PARTIAL = ".partial"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Tree:
    def __init__(self, directory: Path) -> None:
        self._path = directory / BLOBS
        above = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._root = _enter(BLOBS, above, create=True)
        finally:
            os.close(above)
        self.partial = _enter(PARTIAL, self._root, create=True)

    @contextmanager
    def folder(self, key: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that the key's file is in, and its name there.

        Without ``create``, ``FileNotFoundError`` when the folder is missing.
        """
        namespace, _, name = require_key(key).partition("/")
        # A folder of a million names is slow to list, and on some file systems to look up in.
        shard = sha256(name.encode()).hexdigest()[:2]
        with contextlib.ExitStack() as opened:
            descriptor = self._root
            for part in (namespace, shard):
                descriptor = _enter(part, descriptor, create=create)
                opened.callback(os.close, descriptor)
            yield descriptor, name

    def new_partial(self) -> tuple[int, str]:
        """A new file to write to, and its name in ``partial``. It is locked for as long as it is open."""
        while True:
            name = secrets.token_hex(16)
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.partial)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_nlink:
                    return descriptor, name
            # A sweep came between the two steps.
            os.close(descriptor)

    def sweep(self) -> int:
        """Remove what processes that died have left half-written: the system took their locks. Returns how many."""
        return sum(self._sweep_one(entry.name) for entry in (self._path / PARTIAL).iterdir())

    def _sweep_one(self, name: str) -> bool:
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.partial)
        except OSError:
            return False  # It has its place in the store by now, or is no file of ours.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=self.partial)
        except (BlockingIOError, FileNotFoundError):
            return False
        finally:
            os.close(descriptor)
        return True

    def files(self, folder: str | None = None) -> Iterator[list[tuple[str, os.stat_result]]]:
        """Keys and properties of the whole files, a folder at a time."""
        for namespace in _folders(self._path):
            if folder not in (None, namespace.name):
                continue
            for shard in _folders(namespace.path):
                yield list(_files(namespace.name, shard))

    def close(self) -> None:
        os.close(self.partial)
        os.close(self._root)


def _enter(name: str, inside: int, *, create: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=inside)
    except FileNotFoundError:
        if not create:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=inside)
    # Whoever made it: what is about to be stored in it is only as durable as it is.
    os.fsync(inside)
    return os.open(name, _FOLDER, dir_fd=inside)


def _folders(path: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return [entry for entry in entries if entry.name != PARTIAL and entry.is_dir(follow_symlinks=False)]


def _files(namespace: str, shard: os.DirEntry[str]) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(shard.path) as entries:
        for entry in entries:
            key = f"{namespace}/{entry.name}"
            if is_key(key) and entry.is_file(follow_symlinks=False):
                # One that goes away while the folder is read was there or was not.
                with contextlib.suppress(FileNotFoundError):
                    yield key, entry.stat(follow_symlinks=False)
