"""Files of the local store are in the backup as their rows say, and nothing else of it is."""

from __future__ import annotations

import io
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import pytest

from headwater.blobs.digests import chunks_of
from headwater.blobs.local import LocalBlobs
from headwater.catalog.database import DATABASE, open_writer
from headwater.errors import BadRequestError
from headwater.kit.secrets import Secret
from headwater.reconcile import verify
from headwater.settings import Settings
from headwater.store.backup import backup, restore
from headwater.store.blobs.uses import StoredBlob, add_blobs, record_uses
from headwater.store.transaction import Transaction

pytestmark = pytest.mark.anyio
CONTENTS = {"org_a-1/blob_a": b"first", "org_a-1/blob_b": b"second" * 100_000, "org_b-2/blob_c": b""}


@pytest.fixture
async def directory(tmp_path: Path, settings: Settings) -> Path:
    """A stopped data directory with three blobs, one of which is being removed, and a file that no row names."""
    settings.data.mkdir()
    secret = Secret.load_or_create(settings.data)
    connection = open_writer(settings.data)
    blobs = LocalBlobs(settings, secret)
    with connection:
        tx = Transaction(connection, now=1, sequence=1)
        for number, (key, content) in enumerate(CONTENTS.items()):
            await blobs.put(key, chunks_of(content))
            add_blobs(tx, 1, [StoredBlob(key, sha256(content).digest(), len(content), "text/plain")])
            record_uses(tx, 1, "upload", number, [key])
            connection.execute(
                "INSERT INTO uploads (upload_row, upload_id, namespace_row, bucket_row, state, staged_key, expires_at,"
                " created_at, updated_at, body) VALUES (?, ?, 1, 1, 'COMPLETED', '', 0, 0, 0, '{}')",
                (number, f"upl_{number}"),
            )
        connection.execute("INSERT INTO blobs VALUES ('org_a-1/blob_r', 1, x'00', 9, '', NULL, 1, 1, 'removing')")
    await blobs.put("org_a-1/blob_stray", chunks_of(b"stray"))
    await blobs.close()
    connection.close()
    return settings.data


async def test_files_come_back_as_they_were(directory: Path, tmp_path: Path, settings: Settings) -> None:
    manifest = backup(directory, tmp_path / "b.tar")
    assert manifest["blobs"] == {"store": "local", "count": 3, "size_bytes": 600_005, "missing": []}
    restored = tmp_path / "restored"
    assert restore(tmp_path / "b.tar", restored) == manifest
    report = await verify(restored, settings, deep=True)
    assert (report.blobs, report.differences) == (3, [])
    names = {path.name for path in (restored / "blobs").rglob("*") if path.is_file()}
    assert names == {key.partition("/")[2] for key in CONTENTS}
    connection = apsw.Connection(str(restored / DATABASE))
    assert connection.execute("SELECT count(*) FROM blobs").get == 3
    connection.close()


async def test_a_row_without_its_file_is_named(directory: Path, tmp_path: Path, settings: Settings) -> None:
    next((directory / "blobs").rglob("blob_a")).unlink()
    manifest = backup(directory, tmp_path / "b.tar")
    assert manifest["blobs"]["missing"] == ["org_a-1/blob_a"]
    restore(tmp_path / "b.tar", tmp_path / "restored")
    report = await verify(tmp_path / "restored", settings)
    assert [difference.identifier for difference in report.differences] == ["org_a-1/blob_a"]


async def test_files_elsewhere_are_only_named(directory: Path, tmp_path: Path) -> None:
    manifest = backup(directory, tmp_path / "b.tar", remote_root="bucket/prefix/")
    assert manifest["blobs"] == {"store": "s3", "root": "bucket/prefix/"}
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert not [name for name in archive.getnames() if name.startswith("blobs/")]
    restore(tmp_path / "b.tar", tmp_path / "restored")


@pytest.mark.parametrize("change", ["byte", "left out", "stranger"])
async def test_changed_files_are_refused_whole(directory: Path, tmp_path: Path, change: str) -> None:
    backup(directory, tmp_path / "b.tar")
    _rewrite(tmp_path / "b.tar", tmp_path / "c.tar", change)
    target = tmp_path / "restored"
    with pytest.raises(BadRequestError):
        restore(tmp_path / "c.tar", target)
    assert not target.exists()


def _rewrite(source: Path, target: Path, change: str) -> None:
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            content: Any = old.extractfile(member)
            if member.name == "blobs/org_a-1/blob_a":
                if change == "left out":
                    continue
                if change == "byte":
                    content = io.BytesIO(b"First")
            new.addfile(member, content)
        if change == "stranger":
            stranger = tarfile.TarInfo("blobs/org_a-1/blob_x")
            stranger.size = 3
            new.addfile(stranger, io.BytesIO(b"abc"))
