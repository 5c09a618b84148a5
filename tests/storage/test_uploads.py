"""Uploads by signed link: exactly what was announced, whole or not at all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from headwater.app import create_app
from headwater.blobs.interface import Signer
from headwater.blobs.keys import new_key
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope

pytestmark = pytest.mark.anyio

TYPE = {"Content-Type": "image/png"}


@pytest.fixture
def key(scope: NamespaceScope) -> str:
    return new_key(scope)


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["type"]


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    """A body without a length of its own."""
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


@pytest.mark.parametrize("size", [0, 10, 2_500_000])
async def test_file_is_stored(browser: httpx2.AsyncClient, signer: Signer, key: str, size: int) -> None:
    content = secrets.token_bytes(size)
    answer = await browser.put(signer.upload(key, content_type="image/png"), content=content, headers=TYPE)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == f'"{hashlib.md5(content).hexdigest()}"'
    assert (await browser.get(signer.download(key))).content == content


async def test_file_may_be_sent_again_until_it_is_confirmed(
    browser: httpx2.AsyncClient, signer: Signer, key: str
) -> None:
    url = signer.upload(key, content_type="image/png")
    for content in (b"first", b"second"):
        assert (await browser.put(url, content=content, headers=TYPE)).status_code == 200
    assert (await browser.get(signer.download(key))).content == b"second"


@pytest.mark.parametrize("headers", [{"Content-Type": "image/jpeg"}, {"Content-Type": "image/png; a=b"}, {}])
async def test_another_type_than_was_signed(
    browser: httpx2.AsyncClient, runtime: Runtime, signer: Signer, key: str, headers: dict[str, str]
) -> None:
    answer = await browser.put(signer.upload(key, content_type="image/png"), content=b"x", headers=headers)
    assert told(answer) == (403, "SignatureError")
    assert await runtime.blobs.stat(key) is None


@pytest.mark.parametrize("content", [b"", b"123456789", b"12345678901"])
async def test_another_length_than_was_signed(
    browser: httpx2.AsyncClient, runtime: Runtime, signer: Signer, key: str, content: bytes
) -> None:
    url = signer.upload(key, content_type="image/png", size_bytes=10)
    assert told(await browser.put(url, content=content, headers=TYPE)) == (403, "SignatureError")
    answer = await browser.put(url, content=in_pieces(content), headers=TYPE)
    assert told(answer) == (400, "BadRequestError")
    assert await runtime.blobs.stat(key) is None
    assert (await browser.put(url, content=in_pieces(b"1234567890"), headers=TYPE)).status_code == 200


async def test_larger_than_any_file_may_be(
    runtime: Runtime, client: httpx2.AsyncClient, signer: Signer, key: str
) -> None:
    small = replace(runtime, settings=runtime.settings.model_copy(update={"blobs_max_bytes": 1000}))
    transport = httpx2.ASGITransport(app=create_app(small))
    url = signer.upload(key, content_type="image/png")
    async with httpx2.AsyncClient(transport=transport) as browser:
        for content in (b"x" * 1001, in_pieces(b"x" * 1001)):
            answer = await browser.put(url, content=content, headers=TYPE)
            assert told(answer) == (413, "PayloadTooLargeError")
        assert (await browser.put(url, content=b"x" * 1000, headers=TYPE)).status_code == 200


async def test_compressed_bodies_are_not_read(
    browser: httpx2.AsyncClient, runtime: Runtime, signer: Signer, key: str
) -> None:
    url = signer.upload(key, content_type="image/png")
    answer = await browser.put(url, content=b"x", headers=TYPE | {"Content-Encoding": "gzip"})
    assert told(answer) == (415, "UnsupportedMediaTypeError")
    assert await runtime.blobs.stat(key) is None
