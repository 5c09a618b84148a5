"""Files in a directory. Whoever has opened it writes straight into it: workers, the job lane, the command."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from headwater.blobs.incoming import Incoming
from headwater.blobs.interface import CHUNK_BYTES, BlobInfo, Content, Expected
from headwater.blobs.keys import References
from headwater.blobs.links import LocalSigner, signing_key
from headwater.blobs.reading import open_file
from headwater.blobs.space import full_disk
from headwater.blobs.tree import Tree
from headwater.errors import NotFoundError
from headwater.kit.secrets import Secret
from headwater.kit.threads import finish, settle
from headwater.settings import Settings

T = TypeVar("T")

#: They wait for the disk most of the time, so that many small files can be synced at once.
_THREADS = 16
_ANYTHING = Expected()


class LocalBlobs:
    """See ``BlobStore``."""

    references = References("local/")

    def __init__(self, settings: Settings, secret: Secret) -> None:
        self._settings = settings
        self._secret = secret
        self._tree = Tree(settings.data)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._tree.sweep()

    async def put(
        self, key: str, chunks: AsyncIterator[bytes], expected: Expected = _ANYTHING, *, content_type: str = ""
    ) -> BlobInfo:
        incoming = Incoming(self._tree, self._settings, key, expected)
        writing: asyncio.Future[None] | None = None
        held: list[bytes] = []
        try:
            # One batch is written while the next arrives; the last is written, synced and named in one go.
            async for batch in _batches(chunks):
                if writing is not None:
                    await finish(writing)
                if held:
                    writing = self._start(incoming.write, held)
                held = batch
            if writing is not None:
                await finish(writing)
            return await finish(self._start(incoming.write_last, held))
        except BaseException:
            if writing is not None:
                await settle(writing)
            await settle(self._start(incoming.discard))
            raise

    @asynccontextmanager
    async def open(self, key: str, start: int = 0, stop: int | None = None) -> AsyncIterator[Content]:
        async with open_file(self._threads, partial(self._open, key), start, stop) as file:
            yield Content(_info(key, file.status), file.chunks)

    def _open(self, key: str) -> int:
        try:
            with self._tree.folder(key) as (folder, name):
                return os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        except FileNotFoundError:
            raise NotFoundError.of("file", key) from None

    async def stat(self, key: str) -> BlobInfo | None:
        return await finish(self._start(self._stat, key))

    def _stat(self, key: str) -> BlobInfo | None:
        try:
            with self._tree.folder(key) as (folder, name):
                return _info(key, os.stat(name, dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None

    async def copy(self, source: str, target: str) -> BlobInfo:
        return await finish(self._start(self._link, source, target))

    def _link(self, source: str, target: str) -> BlobInfo:
        # A second name of the same bytes: a PUT gives the first name to other bytes and never writes into these.
        with full_disk("the file"), self._tree.folder(target, create=True) as (target_folder, target_name):
            try:
                with self._tree.folder(source) as (folder, name):
                    os.link(name, target_name, src_dir_fd=folder, dst_dir_fd=target_folder, follow_symlinks=False)
            except FileNotFoundError:
                raise NotFoundError.of("file", source) from None
            # Whoever looks for files that never got a row goes by their age, and this one is new.
            os.utime(target_name, dir_fd=target_folder, follow_symlinks=False)
            os.fsync(target_folder)
            return _info(target, os.stat(target_name, dir_fd=target_folder, follow_symlinks=False))

    async def delete(self, key: str) -> None:
        await finish(self._start(self._delete, key))

    def _delete(self, key: str) -> None:
        try:
            with self._tree.folder(key) as (folder, name):
                os.unlink(name, dir_fd=folder)
                os.fsync(folder)
        except FileNotFoundError:
            return

    async def files(self, folder: str | None = None) -> AsyncIterator[BlobInfo]:
        folders = self._tree.files(folder)
        while (files := await finish(self._start(next, folders, None))) is not None:
            for key, status in files:
                yield _info(key, status)

    def signer(self, public_url: str, key_id: str) -> LocalSigner:
        return LocalSigner(signing_key(self._secret), public_url, key_id, self.references)

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._tree.close()

    def _start(self, function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _info(key: str, status: os.stat_result) -> BlobInfo:
    # A file that takes another's place has another time or size; its MD5 would have to be read.
    return BlobInfo(key, status.st_size, f"{status.st_size:x}-{status.st_mtime_ns:x}", status.st_mtime)


async def _batches(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    async for chunk in chunks:
        batch.append(chunk)
        size += len(chunk)
        if size >= CHUNK_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
