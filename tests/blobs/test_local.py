"""The local store and the disk: nothing outside its folder, nothing half-written, nothing on a full disk."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.blobs.digests import chunks_of
from headwater.blobs.interface import CHUNK_BYTES, Expected
from headwater.blobs.keys import new_key
from headwater.blobs.local import LocalBlobs
from headwater.blobs.tree import BLOBS, PARTIAL
from headwater.errors import InsufficientStorageError, NotFoundError
from headwater.scope import NamespaceScope
from headwater.settings import Settings

from .conftest import SECRET

pytestmark = pytest.mark.anyio

SCOPE = NamespaceScope("org_a", 1, "ns_a")
_opened: list[str] | None = None


def _audit(event: str, arguments: Any) -> None:
    if _opened is not None and event in ("open", "os.mkdir", "os.rename", "os.remove", "os.link"):
        _opened.extend(os.fspath(part) for part in arguments if isinstance(part, str | bytes | os.PathLike))


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every path that Python opens, makes, renames or removes while the test runs."""
    global _opened
    if not getattr(sys, "headwater_audited", False):
        sys.addaudithook(_audit)  # It cannot be taken away again.
        sys.headwater_audited = True  # type: ignore[attr-defined]
    _opened = []
    yield _opened
    _opened = None


def half_written(directory: Path) -> list[Path]:
    return list((directory / BLOBS / PARTIAL).iterdir())


def files(directory: Path) -> list[Path]:
    return [path for path in (directory / BLOBS).rglob("*") if path.is_file()]


async def test_no_path_leads_outside(local: LocalBlobs, opened: list[str]) -> None:
    key = new_key(SCOPE)
    await local.put(key, chunks_of(b"x"))
    await local.copy(key, new_key(SCOPE))
    async with local.open(key) as content:
        assert [chunk async for chunk in content.chunks] == [b"x"]
    await local.delete(key)
    # All are single names below a descriptor: nothing absolute, nothing that climbs.
    assert len(opened) > 8
    assert [path for path in opened if "/" in path or ".." in path] == []


async def test_files_are_private(local: LocalBlobs, directory: Path) -> None:
    await local.put(new_key(SCOPE), chunks_of(b"x"))
    paths = [directory / BLOBS, *(directory / BLOBS).rglob("*")]
    assert len(paths) == 5
    assert [path for path in paths if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


async def test_planted_links_lead_nowhere(local: LocalBlobs, directory: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(b"secret")
    key = new_key(SCOPE)
    await local.put(key, chunks_of(b"x"))
    (path,) = files(directory)
    path.unlink()
    path.symlink_to(elsewhere / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        async with local.open(key):
            pass
    # A PUT replaces the link and leaves alone what it leads to.
    await local.put(key, chunks_of(b"mine"))
    assert (elsewhere / "secret").read_bytes() == b"secret"
    foreign = new_key(NamespaceScope("org_b", 1, "ns_b"))
    (directory / BLOBS / "org_b-1").symlink_to(elsewhere)
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        await local.put(foreign, chunks_of(b"x"))
    assert [info.key async for info in local.files()] == [key]


async def test_half_written_files_of_the_dead_are_removed(
    settings: Settings, local: LocalBlobs, directory: Path
) -> None:
    writer = "import os, sys, signal; from pathlib import Path; from headwater.blobs.tree import Tree\n"
    writer += "Tree(Path(sys.argv[1])).new_partial(); print('open', flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", writer, str(directory)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        await LocalBlobs(settings, SECRET).close()
        assert len(half_written(directory)) == 1, "its writer lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
    await LocalBlobs(settings, SECRET).close()
    assert half_written(directory) == []


async def test_upload_in_progress_survives_the_start_of_another_process(
    settings: Settings, local: LocalBlobs, directory: Path
) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * CHUNK_BYTES
        await LocalBlobs(settings, SECRET).close()
        yield b"end"

    info = await local.put(new_key(SCOPE), slow())
    assert info.size_bytes == 3 * CHUNK_BYTES + 3


@pytest.mark.parametrize("expected", [Expected(), Expected(size_bytes=4 * CHUNK_BYTES)])
async def test_nothing_is_written_below_the_watermark(settings: Settings, directory: Path, expected: Expected) -> None:
    full = settings.model_copy(update={"free_space_bytes": 1 << 60})
    store = LocalBlobs(full, SECRET)
    with pytest.raises(InsufficientStorageError, match="HEADWATER_FREE_SPACE_BYTES"):
        await store.put(new_key(SCOPE), chunks_of(b"x" * 4 * CHUNK_BYTES), expected)
    assert files(directory) == []
    await store.close()


@contextlib.contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file of this process may grow further, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [2 * CHUNK_BYTES, 9 * CHUNK_BYTES])
async def test_disk_that_fills_up_in_the_middle(local: LocalBlobs, directory: Path, size: int) -> None:
    key = new_key(SCOPE)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(0, size, CHUNK_BYTES):
            yield secrets.token_bytes(CHUNK_BYTES)

    with largest_file(3 * CHUNK_BYTES // 2), pytest.raises(InsufficientStorageError, match="took no more bytes"):
        await local.put(key, parts())
    assert files(directory) == []
    # Deleting and what fits go on.
    with largest_file(3 * CHUNK_BYTES // 2):
        await local.put(key, chunks_of(b"small"))
        await local.delete(key)
    with pytest.raises(NotFoundError):
        async with local.open(key):
            pass
