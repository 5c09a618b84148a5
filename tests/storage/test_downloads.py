"""Downloads: parts, conditions, and what a browser makes of a file."""

from __future__ import annotations

import httpx2
import pytest

from headwater.blobs.digests import chunks_of
from headwater.blobs.interface import Signer
from headwater.blobs.keys import new_key
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope

from .conftest import Stored

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=10-", slice(10, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=-99999999", slice(0, None)),
        ("bytes=2000000-3000000", slice(2_000_000, 3_000_001)),
        ("bytes=0-99999999", slice(0, None)),
        ("Bytes= 3-4 ", slice(3, 5)),
    ],
)
async def test_one_part(browser: httpx2.AsyncClient, stored: Stored, asked: str, part: slice) -> None:
    answer = await browser.get(stored.url, headers={"Range": asked, "Accept-Encoding": "gzip"})
    assert answer.status_code == 206
    assert answer.content == stored.content[part]
    start, stop, _ = part.indices(len(stored.content))
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(stored.content)}"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=", "bytes=x-y", "bytes=5-2", "bytes=-", "0-5", "bytes 0-5"])
async def test_what_is_no_range_is_ignored(browser: httpx2.AsyncClient, stored: Stored, asked: str) -> None:
    answer = await browser.get(stored.url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, stored.content)


@pytest.mark.parametrize(
    "asked", ["bytes=99999999-", "bytes=3600000-", "bytes=-0", "bytes=0-1,5-6", "bytes=" + ",".join(["0-"] * 10_000)]
)
async def test_ranges_that_are_not_served(browser: httpx2.AsyncClient, stored: Stored, asked: str) -> None:
    answer = await browser.get(stored.url, headers={"Range": asked})
    assert (answer.status_code, answer.json()["error"]["type"]) == (416, "RangeNotSatisfiableError")
    assert answer.headers["content-range"] == f"bytes */{len(stored.content)}"


async def test_conditions(browser: httpx2.AsyncClient, stored: Stored) -> None:
    whole = await browser.get(stored.url)
    tag = whole.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await browser.get(stored.url, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
    for condition, status in ((tag, 206), (whole.headers["last-modified"], 206), ('"other"', 200)):
        answer = await browser.get(stored.url, headers={"If-Range": condition, "Range": "bytes=0-9"})
        assert answer.status_code == status


async def test_head_says_what_a_get_would(browser: httpx2.AsyncClient, stored: Stored) -> None:
    whole, head = await browser.get(stored.url), await browser.head(stored.url, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.content) == (200, b"")
    told = {name: value for name, value in whole.headers.items() if name != "x-request-id"}
    assert {name: value for name, value in head.headers.items() if name != "x-request-id"} == told
    assert head.headers["content-length"] == str(len(stored.content))
    assert head.headers["accept-ranges"] == "bytes"


async def test_empty_file(browser: httpx2.AsyncClient, runtime: Runtime, scope: NamespaceScope, signer: Signer) -> None:
    key = new_key(scope)
    await runtime.blobs.put(key, chunks_of(b""))
    answer = await browser.get(signer.download(key))
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert (await browser.get(signer.download(key), headers={"Range": "bytes=0-"})).status_code == 416


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [
        ("image/png", True),
        ("video/mp4", True),
        ("audio/ogg", True),
        ("application/pdf", True),
        ("text/plain", True),
        ("text/x-python", True),
        ("image/svg+xml", False),
        ("IMAGE/SVG+XML; charset=utf-8", False),
        ("text/html", False),
        ("text/html ;charset=utf-8", False),
        ("text/xml", False),
        ("text/javascript", False),
        ("application/xhtml+xml", False),
        ("application/zip", False),
        ("", False),
        ("multipart/x-mixed-replace", False),
    ],
)
async def test_what_browsers_show_and_what_they_save(
    browser: httpx2.AsyncClient, stored: Stored, signer: Signer, content_type: str, shown: bool
) -> None:
    answer = await browser.head(signer.download(stored.key, content_type=content_type, filename="a.b"))
    disposition = "inline" if shown else "attachment"
    assert answer.headers["content-disposition"] == f'{disposition}; filename="a.b"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert ("content-security-policy" in answer.headers) == (content_type != "application/pdf")
    assert answer.headers["content-type"].startswith(content_type or "application/octet-stream")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain\r\nSet-Cookie: a=b",
        "text/plain\nX: y",
        'text/plain; charset="\r\nX: y"',
        "text/plain; charset=utf-8\x00",
        "тип/текст",
        "image",
        "image/png, text/html",
        "text/plain text/html",
        "/",
    ],
)
async def test_what_is_no_type_is_served_as_any_bytes(
    browser: httpx2.AsyncClient, stored: Stored, signer: Signer, content_type: str
) -> None:
    answer = await browser.head(signer.download(stored.key, content_type=content_type))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert not {"set-cookie", "x"} & set(answer.headers)


@pytest.mark.parametrize(
    ("filename", "saved"),
    [
        ("report.pdf", 'filename="report.pdf"'),
        ("../../etc/passwd", 'filename="passwd"'),
        ("..\\..\\boot.ini", 'filename="boot.ini"'),
        ("/", ""),
        ("..", ""),
        ('a"; filename="b', 'filename="a; filename=b"'),
        ("a\r\nSet-Cookie: x", 'filename="aSet-Cookie: x"'),
        ("a\x00b\u202ecod.exe", 'filename="abcod.exe"'),
        ("été.txt", "filename*=UTF-8''%C3%A9t%C3%A9.txt"),
        ("e" * 4096, f'filename="{"e" * 255}"'),
    ],
)
async def test_names_have_no_surprises(
    browser: httpx2.AsyncClient, stored: Stored, signer: Signer, filename: str, saved: str
) -> None:
    if len(filename) > 255:
        # Names are short before they get into a link; whatever is in one is made harmless again.
        from headwater.blobs.presentation import disposition

        assert disposition("text/plain", filename) == f"inline; {saved}"
        return
    answer = await browser.head(signer.download(stored.key, content_type="text/plain", filename=filename))
    assert answer.headers["content-disposition"] == ("inline; " + saved if saved else "inline")
    assert "set-cookie" not in answer.headers


async def test_pages_of_other_origins_may_use_links(
    browser: httpx2.AsyncClient, stored: Stored, signer: Signer
) -> None:
    answer = await browser.get(stored.url, headers={"Origin": "https://app.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    asked = await browser.options(
        signer.upload(stored.key, content_type="video/mp4"),
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert asked.status_code == 200
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert (await browser.get("/v1/health/liveness", headers={"Origin": "https://a"})).headers.get(
        "access-control-allow-origin"
    ) is None
