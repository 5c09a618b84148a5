"""A file on its way into the local store. Everything here waits for the disk, so it runs in a thread."""

from __future__ import annotations

import contextlib
import os

from headwater.blobs.digests import Digests
from headwater.blobs.interface import BlobInfo, Expected
from headwater.blobs.space import full_disk, require_space
from headwater.blobs.tree import Tree
from headwater.kit.failpoints import cross
from headwater.settings import Settings

#: How often the room on the disk is looked at while a file grows.
_LOOK_BYTES = 16 * 1024 * 1024
_WHAT = "the file"


class Incoming:
    """Written under a name that nobody reads; ``commit`` gives it its own."""

    def __init__(self, tree: Tree, settings: Settings, key: str, expected: Expected) -> None:
        self._tree = tree
        self._settings = settings
        self._key = key
        self._expected = expected
        self._digests = Digests()
        self._look_at = 0
        self._descriptor: int | None = None
        self._name = ""

    def write(self, chunks: list[bytes]) -> None:
        """Append. Raises for what is not as expected, and when there is no room."""
        if self._descriptor is None:
            require_space(self._settings, self._expected.size_bytes or 0, _WHAT)
            with full_disk(_WHAT):
                self._descriptor, self._name = self._tree.new_partial()
        with full_disk(_WHAT):
            for chunk in chunks:
                self._append(self._descriptor, chunk)
        if self._digests.size_bytes >= self._look_at:
            require_space(self._settings, 0, _WHAT)
            self._look_at = self._digests.size_bytes + _LOOK_BYTES

    def _append(self, descriptor: int, chunk: bytes) -> None:
        self._digests.update(chunk)
        self._digests.check_size(self._expected)
        left = memoryview(chunk)
        while left:
            left = left[os.write(descriptor, left) :]

    def write_last(self, chunks: list[bytes]) -> BlobInfo:
        """Append, make it durable, and give it its name in place of whatever has that name."""
        self.write(chunks)
        self._digests.check_whole(self._expected)
        assert self._descriptor is not None, "write opened it"
        cross("blob.written")
        with full_disk(_WHAT):
            os.fsync(self._descriptor)
            with self._tree.folder(self._key, create=True) as (folder, name):
                os.replace(self._name, name, src_dir_fd=self._tree.partial, dst_dir_fd=folder)
                self._name = ""
                os.fsync(folder)
        cross("blob.stored")
        modified_at = os.fstat(self._descriptor).st_mtime
        self._close()
        digests = self._digests
        return BlobInfo(self._key, digests.size_bytes, digests.md5, modified_at, digests.sha256)

    def discard(self) -> None:
        """Remove what has not got its name."""
        if self._name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._tree.partial)
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
