"""The files of exports: ``DIR/exports/EXPORT_ID/``, there whole or not at all, and removed when their links are dead.

An export is written into ``.partial-EXPORT_ID`` and renamed when every byte of it is on the disk. So a process that
dies in the middle leaves nothing that anybody could fetch, only something for ``sweep`` to remove: whoever writes holds
a lock on the folder, and the system takes that from the dead.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from headwater.kit.secrets import sync_directory

EXPORTS = "exports"
MANIFEST = "manifest.json"
#: How long a link to an export is good for.
LINK_SECONDS = 3600
#: Whoever began a download in the last moment of its link may finish it.
_GRACE_SECONDS = 600
_PARTIAL = ".partial-"
_BUFFER_BYTES = 1024 * 1024


class ExportFile(msgspec.Struct, frozen=True):
    """One file of an export: its name in the folder, the name to save it under, and its size."""

    name: str
    download_name: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True):
    """What an export holds and whose it is. It is written last and read before anything of it is handed out."""

    export_id: str
    organization_id: str
    namespace_id: str
    collection_row: int
    format: str
    document_count: int
    #: Milliseconds.
    exported_at: int
    documents: ExportFile
    vectors: ExportFile | None = None

    @property
    def files(self) -> list[ExportFile]:
        return [self.documents] if self.vectors is None else [self.documents, self.vectors]


def load_manifest(directory: Path, export_id: str) -> Manifest | None:
    """The manifest of a complete export; None when there is none (any more)."""
    # An id is a name in the folder, and nothing that leads out of it.
    if not export_id.isidentifier():
        return None
    try:
        return msgspec.json.decode((directory / EXPORTS / export_id / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None


def path_of(directory: Path, export_id: str, name: str) -> Path:
    return directory / EXPORTS / export_id / name


@contextmanager
def new_export(directory: Path, export_id: str) -> Iterator[Path]:
    """A folder to write an export into. It becomes the export when the block ends well, and is removed otherwise."""
    exports = directory / EXPORTS
    exports.mkdir(mode=0o700, exist_ok=True)
    partial = exports / f"{_PARTIAL}{export_id}"
    with ExitStack() as held:
        with _locked(exports):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700)
            held.enter_context(_locked(partial))
        try:
            yield partial
            sync_directory(partial)
            partial.rename(exports / export_id)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    sync_directory(exports)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, once nobody else does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class SyncedFile:
    """A new file that is on the disk when the block ends well."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> BinaryIO:
        self._file = self._path.open("xb", buffering=_BUFFER_BYTES)
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    with SyncedFile(folder / MANIFEST) as file:
        file.write(msgspec.json.encode(manifest))


def sweep(directory: Path) -> list[str]:
    """Remove exports whose links are dead, and what dead processes left; the names of what went."""
    exports = directory / EXPORTS
    if not exports.is_dir():
        return []
    with _locked(exports):
        gone = [entry for entry in exports.iterdir() if _abandoned(entry)]
        for entry in gone:
            shutil.rmtree(entry, ignore_errors=True)
    return [entry.name for entry in gone]


def _abandoned(entry: Path) -> bool:
    if entry.name.startswith(_PARTIAL):
        return not _in_use(entry)
    try:
        age = time.time() - entry.stat().st_mtime
    except FileNotFoundError:
        return False
    return age > LINK_SECONDS + _GRACE_SECONDS


def _in_use(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True  # Its writer has just given it its name.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
