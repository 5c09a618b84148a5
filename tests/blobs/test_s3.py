"""The S3 store: that its links cannot be changed, and what becomes of requests while it is away."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from headwater.app import create_app
from headwater.blobs.digests import chunks_of, digest
from headwater.blobs.interface import BlobStore, Expected, Signer
from headwater.blobs.keys import new_key
from headwater.blobs.opening import open_blobs
from headwater.blobs.s3_signing import S3Signer
from headwater.errors import BadRequestError, ServiceUnavailableError
from headwater.kit.clock import now_milliseconds
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope
from headwater.settings import Settings
from headwater.supervisor.children import StartError
from headwater.supervisor.serve import refuse_unusable_blobs

from .conftest import SECRET
from .proxy import Proxy, proxying
from .seaweed import BUCKET, SECRET_KEY, Seaweed

pytestmark = pytest.mark.anyio

SCOPE = NamespaceScope("org_a", 1, "ns_a")
LARGE = 12 * 1024 * 1024


@pytest.fixture
def signer(s3: BlobStore) -> S3Signer:
    found = s3.signer("http://headwater", "key_of_nobody")
    assert isinstance(found, S3Signer)
    return found


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


async def test_link_shows_the_file_as_it_was_asked_to(
    s3: BlobStore, signer: Signer, browser: httpx2.AsyncClient
) -> None:
    key = new_key(SCOPE)
    await s3.put(key, chunks_of(b"<svg/>"), content_type="image/svg+xml")
    answer = await browser.get(signer.download(key, content_type="image/svg+xml", filename='é"\r\n.svg'))
    assert (answer.status_code, answer.content) == (200, b"<svg/>")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9.svg"
    answer = await browser.get(signer.download(key, content_type="text/plain"), headers={"Range": "bytes=1-3"})
    assert (answer.status_code, answer.content) == (206, b"svg")
    assert answer.headers["content-disposition"] == "inline"
    assert len(signer.download(key, filename="é" * 255)) <= 2083


def changed(url: str) -> Iterator[str]:
    """The URL with characters of its path and of each of its parameters changed."""
    start = url.index(BUCKET)
    for place in range(start, len(url), 3):
        if url[place].isalnum():
            yield url[:place] + ("0" if url[place] != "0" else "1") + url[place + 1 :]
    for name in re.findall(r"[?&]([\w-]+)=", url):
        yield re.sub(rf"([?&]){name}=[^&]*&?", r"\1", url)


async def test_any_change_of_a_link_is_refused(s3: BlobStore, signer: Signer, browser: httpx2.AsyncClient) -> None:
    key = new_key(SCOPE)
    await s3.put(key, chunks_of(b"bytes"))
    url = signer.download(key, content_type="text/plain", filename="a.txt")
    assert (await browser.get(url)).status_code == 200
    seen = {(await browser.get(other)).status_code for other in changed(url)}
    assert seen <= {400, 403, 404}
    for method in ("PUT", "DELETE", "POST", "HEAD"):
        assert (await browser.request(method, url)).status_code in (400, 403, 405)
    assert (await browser.get(url)).content == b"bytes"
    assert SECRET_KEY not in url


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("image/png", b"12345", 200), ("image/jpeg", b"12345", 403), ("image/png", b"123456", 403), ("", b"12345", 403)],
)
async def test_upload_has_the_type_and_length_that_were_signed(
    s3: BlobStore, signer: Signer, browser: httpx2.AsyncClient, content_type: str, body: bytes, status: int
) -> None:
    key = new_key(SCOPE)
    headers = {"Content-Type": content_type} if content_type else {}
    url = signer.upload(key, content_type="image/png", size_bytes=5)
    assert (await browser.put(url, content=body, headers=headers)).status_code == status
    found = await s3.stat(key)
    assert (found is None) == (status != 200)
    assert (await browser.get(url)).status_code == 403


@pytest.mark.parametrize(("age", "status"), [(3590, 200), (3602, 403)])
async def test_links_expire(
    s3: BlobStore,
    signer: Signer,
    browser: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    age: int,
    status: int,
) -> None:
    key = new_key(SCOPE)
    await s3.put(key, chunks_of(b"x"))
    moment = now_milliseconds() - age * 1000
    monkeypatch.setattr("headwater.blobs.s3_signing.now_milliseconds", lambda: moment)
    assert (await browser.get(signer.download(key))).status_code == status


@pytest.mark.parametrize("seconds", [59, 86_401])
def test_links_are_neither_short_nor_eternal(signer: Signer, seconds: int) -> None:
    with pytest.raises(ValueError, match="is good for 60 to 86400 seconds"):
        signer.upload(new_key(SCOPE), expires_seconds=seconds, content_type="image/png")


def test_secret_is_not_shown(signer: S3Signer, seaweed: Seaweed, tmp_path: Path) -> None:
    assert SECRET_KEY not in repr(signer)
    assert SECRET_KEY not in repr(seaweed.settings(tmp_path))


async def test_prefix_keeps_servers_apart(s3: BlobStore, seaweed: Seaweed, tmp_path: Path, signer: S3Signer) -> None:
    key = new_key(SCOPE)
    other = open_blobs(seaweed.settings(tmp_path, s3_prefix="/second/"), SECRET)
    await other.put(key, chunks_of(b"x"))
    assert other.references.of(key) == f"s3://{BUCKET}/second/{key}"
    assert await s3.stat(key) is None
    assert [info.key async for info in other.files()] == [key]
    assert s3.references.key_of(other.references.of(key)) is None
    link = other.signer("", "").download(key)
    assert httpx2.get(link, trust_env=False).content == b"x"
    assert replace(signer, base_url=f"{signer.base_url}/second").base_url == other.signer("", "").base_url  # type: ignore[attr-defined]


@pytest.fixture
def proxy(seaweed: Seaweed) -> Iterator[Proxy]:
    with proxying(seaweed.port) as proxy:
        yield proxy


@pytest.fixture
def away(seaweed: Seaweed, proxy: Proxy, tmp_path: Path) -> BlobStore:
    """The same store behind a proxy that can misbehave."""
    settings = seaweed.settings(tmp_path, s3_endpoint=f"http://127.0.0.1:{proxy.port}", s3_timeout_seconds=0.5)
    return open_blobs(settings, SECRET)


@pytest.mark.parametrize("how", ["refuse", "reset", "silent", "unavailable"])
async def test_store_that_is_away_is_told_and_nothing_is_stored(
    s3: BlobStore, away: BlobStore, proxy: Proxy, how: str
) -> None:
    kept, key = new_key(SCOPE), new_key(SCOPE)
    await away.put(kept, chunks_of(b"kept"))
    proxy.behave(how)
    for content in (b"small", secrets.token_bytes(LARGE)):
        with pytest.raises(ServiceUnavailableError) as raised:
            await away.put(key, chunks_of(content))
        assert raised.value.retry_after_seconds is not None
        assert raised.value.retry_after_seconds <= 5
    for call in (away.stat(kept), away.delete(kept), away.copy(kept, key), digest(away, kept)):
        with pytest.raises(ServiceUnavailableError):
            await call
    proxy.behave("well")
    assert await s3.stat(key) is None
    assert (await digest(away, kept)).size_bytes == 4


async def test_store_that_fails_once_is_asked_again(away: BlobStore, proxy: Proxy) -> None:
    key = new_key(SCOPE)
    for how in ("reset", "unavailable"):
        proxy.behave(how, times=1)
        await away.put(key, chunks_of(b"bytes"), Expected(size_bytes=5))
        proxy.behave(how, times=1)
        assert (await digest(away, key)).size_bytes == 5


async def test_large_file_whose_end_fails_is_not_there(s3: BlobStore, away: BlobStore, proxy: Proxy) -> None:
    key = new_key(SCOPE)
    content = secrets.token_bytes(LARGE)

    async def stream() -> AsyncIterator[bytes]:
        yield content[: LARGE - 10]
        proxy.behave("unavailable")
        yield content[LARGE - 10 :]

    with pytest.raises(ServiceUnavailableError):
        await away.put(key, stream())
    proxy.behave("well")
    assert await s3.stat(key) is None


@pytest.fixture
async def on_s3(runtime: Runtime, admin_key: str, s3: BlobStore) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that keeps its files in S3, with a bucket ``shop``."""
    transport = httpx2.ASGITransport(app=create_app(replace(runtime, blobs=s3)))
    headers = {"Authorization": f"Bearer {admin_key}", "X-Namespace": "shop"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        await client.post("/v1/namespaces", json={"namespace_name": "shop"})
        schema = {"properties": {"photo": {"type": "image"}}}
        made = await client.post("/v1/buckets", json={"bucket_name": "shop", "bucket_schema": schema})
        assert made.status_code == 200, made.text
        yield client


async def test_object_is_kept_and_linked_there(on_s3: httpx2.AsyncClient, browser: httpx2.AsyncClient) -> None:
    photo = {"base64": "iVBORw==", "mime_type": "image/png", "filename": "a.png"}
    blobs = [{"property": "photo", "type": "image", "data": photo}]
    made = await on_s3.post("/v1/buckets/shop/objects", json={"blobs": blobs})
    assert made.status_code == 200, made.text
    assert made.json()["blobs"][0]["properties"]["url"].startswith(f"s3://{BUCKET}/")
    shown = await on_s3.get(
        f"/v1/buckets/shop/objects/{made.json()['object_id']}", params={"return_presigned_urls": True}
    )
    (blob,) = shown.json()["blobs"]
    answer = await browser.get(blob["presigned_url"])
    assert (answer.status_code, answer.content) == (200, b"\x89PNG")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'inline; filename="a.png"'


async def test_upload_goes_there_and_is_sealed_when_it_is_confirmed(
    on_s3: httpx2.AsyncClient, browser: httpx2.AsyncClient
) -> None:
    announced = {"filename": "photo.png", "content_type": "image/png", "file_size_bytes": 5}
    upload = (await on_s3.post("/v1/buckets/shop/uploads", json=announced)).json()
    headers = {"Content-Type": "image/png"}
    assert (await browser.put(upload["presigned_url"], content=b"12345", headers=headers)).status_code == 200
    confirmed = await on_s3.post(f"/v1/buckets/shop/uploads/{upload['upload_id']}/confirm")
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "COMPLETED"), confirmed.text
    # S3 itself takes another file by the same link, but it is nobody's any more.
    assert (await browser.put(upload["presigned_url"], content=b"other", headers=headers)).status_code == 200
    path = f"/v1/buckets/shop/objects/{confirmed.json()['object_id']}"
    (blob,) = (await on_s3.get(path, params={"return_presigned_urls": True})).json()["blobs"]
    assert (await browser.get(blob["presigned_url"])).content == b"12345"


@pytest.mark.parametrize("missing", ["s3_bucket", "s3_access_key_id", "s3_secret_access_key"])
def test_missing_settings_are_named(tmp_path: Path, missing: str) -> None:
    given = {name: "x" for name in ("s3_bucket", "s3_access_key_id", "s3_secret_access_key") if name != missing}
    settings = Settings(data=tmp_path, blobs="s3").model_copy(update=given)
    with pytest.raises(BadRequestError, match=f"HEADWATER_{missing.upper()}"):
        open_blobs(settings, SECRET)


def test_server_does_not_start_with_half_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartError, match="HEADWATER_S3_BUCKET"):
        refuse_unusable_blobs(Settings(data=tmp_path, blobs="s3"))
    whole = dict.fromkeys(("s3_bucket", "s3_access_key_id", "s3_secret_access_key"), "x")
    settings = Settings(data=tmp_path, blobs="s3").model_copy(update=whole)
    refuse_unusable_blobs(settings)
    monkeypatch.setattr("headwater.blobs.opening.find_spec", lambda name: None)
    with pytest.raises(StartError, match=r"pip install 'headwater\[s3\]'"):
        refuse_unusable_blobs(settings)
