"""Backups hold everything that was acknowledged; hostile, cut and changed archives are refused whole."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import BadRequestError, ConflictError
from headwater.reconcile import verify
from headwater.store.backup import backup, restore

pytestmark = pytest.mark.anyio


async def test_backup_under_writes_holds_all_that_was_acknowledged_before(harness: Any, tmp_path: Path) -> None:
    for number in range(50):
        await harness.put(f"before{number}", number)
    writing = asyncio.create_task(_write_on(harness))
    manifest = await asyncio.to_thread(backup, harness.directory, tmp_path / "b.tar")
    writing.cancel()
    assert manifest["documents"] >= 50
    restored = tmp_path / "restored"
    assert restore(tmp_path / "b.tar", restored) == manifest
    await harness.reopen_at(restored)
    assert [await harness.nearest(seed) is not None for seed in range(50)] == [True] * 50
    await harness.store.close()
    assert (await verify(restored, harness.settings)).ok
    await harness.open()


async def _write_on(harness: Any) -> None:
    number = 1000
    while True:
        await harness.put(f"during{number}", number)
        number += 1


@pytest.fixture
async def archive(harness: Any, tmp_path: Path) -> Path:
    await harness.put("a", 1)
    backup(harness.directory, tmp_path / "b.tar")
    return tmp_path / "b.tar"


async def test_backup_is_private_and_never_overwrites(harness: Any, archive: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError, match="exists"):
        backup(harness.directory, archive)


async def test_restore_into_a_directory_with_files_is_refused(archive: Path, harness: Any) -> None:
    with pytest.raises(ConflictError, match="not empty"):
        restore(archive, harness.directory)


@pytest.mark.parametrize("cut", [100, 2_000, 9_000])
async def test_cut_archive_is_refused_and_leaves_nothing(archive: Path, tmp_path: Path, cut: int) -> None:
    archive.write_bytes(archive.read_bytes()[:cut])
    _refused(archive, tmp_path / "target")


async def test_changed_byte_is_noticed(archive: Path, tmp_path: Path) -> None:
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    _refused(archive, tmp_path / "target")


@pytest.mark.parametrize("kind", ["parent", "absolute", "link", "folder", "stranger"])
async def test_hostile_member_is_refused_whole(archive: Path, tmp_path: Path, kind: str) -> None:
    member = tarfile.TarInfo({"parent": "../evil", "absolute": "/tmp/evil"}.get(kind, "evil"))
    if kind == "link":
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    if kind == "folder":
        member.type = tarfile.DIRTYPE
    with tarfile.open(archive, "a:") as tar:
        tar.addfile(member, io.BytesIO(b""))
    _refused(archive, tmp_path / "target")
    assert not (tmp_path / "evil").exists()


def _refused(archive: Path, target: Path) -> None:
    with pytest.raises(BadRequestError):
        restore(archive, target)
    assert not target.exists()
    assert list(target.parent.glob(".headwater-restore-*")) == []
