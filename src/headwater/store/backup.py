"""Backup and restore: one tar file with the database as of one moment, the secret that its keys need, and the files of
the local blob store that its rows name.

A backup is taken online, from a snapshot, without holding up the writer. The index is not in it: it is built again from
the records. An archive is checked whole before a byte of it reaches the target directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import apsw

from headwater import __version__
from headwater.catalog.database import DATABASE, open_reader
from headwater.errors import BadRequestError, ConflictError
from headwater.kit.clock import now_milliseconds, to_text
from headwater.kit.secrets import SECRET, sync_directory
from headwater.store.blobs.archive import FilesToArchive, FilesToRestore, forget_removed, is_file_member
from headwater.store.blobs.removal import holding_files

MANIFEST = "manifest.json"
#: 2: with files.
_FORMAT = 2
#: Everything an archive may hold besides the manifest. Anything else makes it a foreign or hostile one.
_MEMBERS = (DATABASE, SECRET, "private-token", "admin-key")
#: What a snapshot holds that says nothing about another machine: index state and operations in flight.
_TRANSIENT = ("generations", "tombstones", "operations")


def backup(
    directory: Path,
    archive: Path,
    *,
    remote_root: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write ``archive`` (mode 0600) and return its manifest. Every write acknowledged before the call is in it.

    ``remote_root``: the files are in another store, of which the manifest only tells the name.

    ``progress(pages_done, pages_total)`` is called as the snapshot is copied. Raises ``ConflictError`` when the archive
    exists already.
    """
    if archive.exists():
        raise ConflictError(f"{archive} exists; give another name, or remove it first")
    with (
        tempfile.TemporaryDirectory(dir=archive.absolute().parent, prefix=".headwater-backup-") as folder,
        holding_files(directory),
    ):
        staging = Path(folder)
        _snapshot(directory, staging / DATABASE, progress)
        for name in _MEMBERS[1:]:
            if (directory / name).exists():
                shutil.copyfile(directory / name, staging / name)
        partial = staging / "archive"
        manifest = _manifest(staging)
        if remote_root is None:
            with contextlib.closing(FilesToArchive(staging / DATABASE, directory)) as files:
                manifest["blobs"] = files.summary()
                _write_archive(staging, manifest, partial, files)
        else:
            manifest["blobs"] = {"store": "s3", "root": remote_root}
            _write_archive(staging, manifest, partial)
        partial.replace(archive)
    sync_directory(archive.absolute().parent)
    return manifest


def _snapshot(directory: Path, target: Path, progress: Callable[[int, int], None] | None) -> None:
    source = open_reader(directory)
    copy = apsw.Connection(str(target))
    try:
        # One read transaction over all steps: the copy is of one moment, and writers go on beside it.
        source.execute("BEGIN")
        with copy.backup("main", source, "main") as copying:
            while not copying.done:
                copying.step(4096)
                if progress is not None:
                    progress(copying.page_count - copying.remaining, copying.page_count)
        source.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")
        with copy:
            for table in _TRANSIENT:
                copy.execute(f"DELETE FROM {table}")
            forget_removed(copy)
    finally:
        copy.close()
        source.close()


def _manifest(staging: Path) -> dict[str, Any]:
    connection = apsw.Connection(str(staging / DATABASE), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        documents = connection.execute("SELECT count(*) FROM documents").get
        version = connection.pragma("user_version")
    finally:
        connection.close()
    return {
        "format": _FORMAT,
        "headwater_version": __version__,
        "database_format": version,
        "created_at": to_text(now_milliseconds()),
        "documents": documents,
        "files": {
            name: {"size_bytes": (staging / name).stat().st_size, "sha256": _sha256(staging / name)}
            for name in _MEMBERS
            if (staging / name).exists()
        },
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_archive(staging: Path, manifest: dict[str, Any], target: Path, files: FilesToArchive | None = None) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            text = json.dumps(manifest, indent=2).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size, entry.mode = len(text), 0o600
            archive.addfile(entry, io.BytesIO(text))
            for name in manifest["files"]:
                archive.add(staging / name, arcname=name)
            if files is not None:
                files.add_to(archive, manifest["blobs"]["missing"])
        file.flush()
        os.fsync(file.fileno())


def restore(archive: Path, directory: Path) -> dict[str, Any]:
    """Make ``directory`` from an archive and return its manifest. It must not exist, or be empty.

    Raises ``BadRequestError`` for an archive that is cut, changed, of a newer format, or not one of ours; then nothing
    is left behind.
    """
    if directory.exists() and any(directory.iterdir()):
        raise ConflictError(f"{directory} is not empty; restore into a new directory")
    directory.absolute().parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=directory.absolute().parent, prefix=".headwater-restore-"))
    try:
        manifest = _extract(archive, staging)
        _check_database(staging / DATABASE)
        sync_directory(staging)
        if directory.exists():
            directory.rmdir()
        staging.replace(directory)
    except (tarfile.TarError, EOFError, json.JSONDecodeError, KeyError) as error:
        raise BadRequestError(f"{archive} is not a whole backup of Headwater: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    sync_directory(directory.absolute().parent)
    return manifest


def _extract(archive: Path, staging: Path) -> dict[str, Any]:
    with tarfile.open(archive, mode="r:") as tar:
        every = tar.getmembers()
        if not every or every[0].name != MANIFEST:
            raise BadRequestError(f"{archive} does not begin with {MANIFEST}: it is not a backup of Headwater")
        # Every name and kind is looked at before anything is written: no links, no folders, no surprises.
        for member in every:
            known = member.name in (MANIFEST, *_MEMBERS) or is_file_member(member.name)
            if not member.isreg() or not known:
                raise BadRequestError(f"{archive} holds {member.name!r}, which no backup has; nothing was restored")
        members = [member for member in every if not is_file_member(member.name)]
        manifest: dict[str, Any] = json.loads(_read(tar, members[0]))
        if manifest["format"] > _FORMAT:
            raise BadRequestError(f"{archive} has format {manifest['format']}; install a newer Headwater to restore it")
        if (
            sorted(manifest["files"]) != sorted(member.name for member in members[1:])
            or DATABASE not in manifest["files"]
        ):
            raise BadRequestError(
                f"{archive} lacks files that its manifest names, or has others; it was cut or changed"
            )
        for member in members[1:]:
            _extract_file(tar, member, staging / member.name, manifest["files"][member.name])
        _extract_blobs(tar, every, staging, manifest.get("blobs", {}).get("count", 0))
    return manifest


def _extract_blobs(tar: tarfile.TarFile, members: list[tarfile.TarInfo], staging: Path, count: int) -> None:
    named = [member for member in members if is_file_member(member.name)]
    if not named and not count:
        return
    with contextlib.closing(FilesToRestore(staging, staging / DATABASE)) as files:
        for member in named:
            files.write(member.name, _content(tar, member))
        files.check_complete(count)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    file = tar.extractfile(member)
    assert file is not None, "its kind was looked at"
    return cast("BinaryIO", file)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    return _content(tar, member).read(1 << 20)


def _extract_file(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, expected: dict[str, Any]) -> None:
    source = _content(tar, member)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    if target.stat().st_size != expected["size_bytes"] or _sha256(target) != expected["sha256"]:
        raise BadRequestError(f"{member.name} in the archive is not what its manifest says; it was cut or changed")


def _check_database(path: Path) -> None:
    try:
        connection = apsw.Connection(str(path))
        try:
            result = connection.execute("PRAGMA integrity_check(1)").get
        finally:
            connection.close()
    except apsw.Error as error:
        raise BadRequestError(f"the database in the archive cannot be opened: {error}") from error
    if result != "ok":
        raise BadRequestError(f"the database in the archive is damaged: {result}")
