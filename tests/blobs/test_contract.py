"""What every store of files does. A difference between two of them belongs in here first."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from headwater.blobs.digests import chunks_of, digest
from headwater.blobs.interface import CHUNK_BYTES, BlobStore, Expected
from headwater.blobs.keys import belongs_to, folder_of, is_key, new_key, owner_of
from headwater.errors import BadRequestError, HeadwaterError, NotFoundError, PayloadTooLargeError
from headwater.scope import NamespaceScope

pytestmark = pytest.mark.anyio

SIZES = (0, 1, 20_000, CHUNK_BYTES, CHUNK_BYTES + 1, 7 * CHUNK_BYTES + 12_345)


@pytest.fixture
def namespace() -> NamespaceScope:
    """A namespace of this test alone: a store may be shared by many."""
    return NamespaceScope(f"org_{secrets.token_hex(5)}", 7, "chosen by users/..")


async def stream(content: bytes, step: int = 60_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), step):
        yield content[start : start + step]


async def broken(content: bytes) -> AsyncIterator[bytes]:
    async for chunk in stream(content):
        yield chunk
    raise ConnectionError("the client went away")


async def read(store: BlobStore, key: str, start: int = 0, stop: int | None = None) -> bytes:
    async with store.open(key, start, stop) as content:
        return b"".join([chunk async for chunk in content.chunks])


async def keys_of(store: BlobStore, namespace: NamespaceScope) -> list[str]:
    return sorted([info.key async for info in store.files(folder_of(namespace))])


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_put_is_read_back(store: BlobStore, namespace: NamespaceScope, size: int) -> None:
    key, content = new_key(namespace), secrets.token_bytes(size)
    put = await store.put(key, stream(content))
    assert (put.key, put.size_bytes) == (key, size)
    assert put.sha256 == hashlib.sha256(content).hexdigest()
    assert put.etag == hashlib.md5(content).hexdigest()
    assert await read(store, key) == content
    found = await store.stat(key)
    assert found is not None and found.size_bytes == size
    again = await digest(store, key)
    assert (again.sha256, again.etag) == (put.sha256, put.etag)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 5), (99_999, 100_000), (50_000, None), (0, None), (7, 7)])
async def test_parts(store: BlobStore, namespace: NamespaceScope, start: int, stop: int | None) -> None:
    key, content = new_key(namespace), secrets.token_bytes(100_000)
    await store.put(key, stream(content))
    assert await read(store, key, start, stop) == content[start:stop]


async def test_reading_may_be_given_up(store: BlobStore, namespace: NamespaceScope) -> None:
    key, content = new_key(namespace), secrets.token_bytes(5 * CHUNK_BYTES)
    await store.put(key, stream(content))
    async with store.open(key) as opened:
        async for chunk in opened.chunks:
            assert content.startswith(bytes(chunk))
            break
    assert await read(store, key) == content


async def test_missing_files(store: BlobStore, namespace: NamespaceScope) -> None:
    key = new_key(namespace)
    assert await store.stat(key) is None
    with pytest.raises(NotFoundError):
        await read(store, key)
    with pytest.raises(NotFoundError):
        await store.copy(key, new_key(namespace))
    await store.delete(key)


async def test_deleted_files_are_gone(store: BlobStore, namespace: NamespaceScope) -> None:
    key = new_key(namespace)
    await store.put(key, chunks_of(b"x"))
    await store.delete(key)
    await store.delete(key)
    assert await store.stat(key) is None
    assert await keys_of(store, namespace) == []


@pytest.mark.parametrize(
    ("expected", "error", "code"),
    [
        (Expected(size_bytes=99_999), BadRequestError, "size_mismatch"),
        (Expected(size_bytes=100_001), BadRequestError, "size_mismatch"),
        (Expected(max_bytes=99_999), PayloadTooLargeError, None),
        (Expected(size_bytes=100_000, sha256="0" * 64), BadRequestError, "hash_mismatch"),
    ],
)
async def test_what_is_not_as_announced_is_not_stored(
    store: BlobStore, namespace: NamespaceScope, expected: Expected, error: type[HeadwaterError], code: str | None
) -> None:
    key = new_key(namespace)
    with pytest.raises(error) as raised:
        await store.put(key, stream(b"x" * 100_000), expected)
    assert raised.value.code == code
    assert await keys_of(store, namespace) == []


async def test_what_is_as_announced_is_stored(store: BlobStore, namespace: NamespaceScope) -> None:
    key, content = new_key(namespace), b"x" * 100_000
    expected = Expected(100_000, hashlib.sha256(content).hexdigest(), 100_000)
    await store.put(key, stream(content), expected)
    assert await read(store, key) == content


@pytest.mark.parametrize("size", [0, 1000, 7 * CHUNK_BYTES])
async def test_upload_that_breaks_off_leaves_what_was_there(
    store: BlobStore, namespace: NamespaceScope, size: int
) -> None:
    kept, other = new_key(namespace), new_key(namespace)
    await store.put(kept, chunks_of(b"first"))
    for key in (kept, other):
        with pytest.raises(ConnectionError):
            await store.put(key, broken(b"y" * size))
    assert await read(store, kept) == b"first"
    assert await keys_of(store, namespace) == [kept]


async def test_cancelled_upload_leaves_nothing(store: BlobStore, namespace: NamespaceScope) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"z" * CHUNK_BYTES
        arrived.set()
        await asyncio.sleep(60)

    putting = asyncio.create_task(store.put(new_key(namespace), endless()))
    await arrived.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await keys_of(store, namespace) == []


async def test_of_racing_uploads_one_wins_whole(store: BlobStore, namespace: NamespaceScope) -> None:
    key = new_key(namespace)
    contents = [bytes([number]) * (2 * CHUNK_BYTES + number) for number in range(6)]
    await asyncio.gather(*(store.put(key, stream(content)) for content in contents))
    assert await read(store, key) in contents
    assert await keys_of(store, namespace) == [key]


async def test_copy_is_independent_of_what_is_put_later(store: BlobStore, namespace: NamespaceScope) -> None:
    upload, final = new_key(namespace), new_key(namespace)
    await store.put(upload, chunks_of(b"confirmed"))
    copied = await store.copy(upload, final)
    assert (copied.key, copied.size_bytes) == (final, 9)
    await store.put(upload, chunks_of(b"a later PUT"))
    assert await read(store, final) == b"confirmed"
    await store.delete(upload)
    assert await read(store, final) == b"confirmed"


async def test_files_of_one_namespace_or_of_all(store: BlobStore, namespace: NamespaceScope) -> None:
    other = replace(namespace, namespace_row=70)
    keys = [new_key(namespace), new_key(namespace), new_key(other)]
    for key in keys:
        await store.put(key, chunks_of(b"x"))
    assert await keys_of(store, namespace) == sorted(keys[:2])
    assert await keys_of(store, other) == keys[2:]
    assert set(keys) <= {info.key async for info in store.files()}
    assert [belongs_to(key, other) for key in keys] == [False, False, True]
    assert owner_of(keys[2]) == (namespace.organization_id, 70)


async def test_references_lead_back_to_their_keys(store: BlobStore, namespace: NamespaceScope) -> None:
    key = new_key(namespace)
    reference = store.references.of(key)
    assert reference.startswith("s3://")
    assert store.references.key_of(reference) == key
    for foreign in (
        "", key, f"s3://{key}", f"https://{store.references.root}{key}", reference + "/x", reference + "?x",
        reference.replace("blob_", "../"), reference.replace("blob_", "%2e%2e%2f"), reference.upper(), reference + "\n",
    ):  # fmt: skip
        assert store.references.key_of(foreign) is None, foreign


HOSTILE = (
    "", "x", "o-1/b/c", "../secret", "o-1/..", "o-1/../b", "/etc/passwd", "o-1//b", "o-1/b\x00", "o-1/b\n", "o-1\\b",
    "o-1/%2e%2e", "o-1/é", "o-1/" + "b" * 5000, ".partial/x", "o-1/.b", "o/b", "o-x/b", "o-٣/b",
)  # fmt: skip


@pytest.mark.parametrize("key", HOSTILE)
async def test_what_is_no_key_is_refused(store: BlobStore, key: str) -> None:
    assert not is_key(key)
    with pytest.raises(ValueError, match="is not a key"):
        await store.put(key, chunks_of(b"x"))
    for call in (store.stat, store.delete):
        with pytest.raises(ValueError, match="is not a key"):
            await call(key)
    with pytest.raises(ValueError, match="is not a key"):
        await read(store, key)
