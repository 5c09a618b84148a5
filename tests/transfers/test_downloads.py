"""Links to the files of exports: what they open, for how long, and what they never open."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from headwater.kit.clock import now_milliseconds
from headwater.runtime import Runtime
from headwater.store.transfer.files import EXPORTS, LINK_SECONDS, new_export, sweep
from headwater.store.transfer.links import PATH, Link, read_link, write_link

from .conftest import export, fetch

pytestmark = pytest.mark.anyio


@pytest.fixture
async def link(client: httpx2.AsyncClient, filled: dict[str, Any]) -> dict[str, Any]:
    """An export's answer, its token and the bytes of the file."""
    answer = await export(client, "things", include_vectors=True)
    content = (await fetch(client, answer["download_url"])).content
    return answer | {"token": answer["download_url"].rpartition("/")[2], "content": content}


async def test_file_is_an_attachment_that_no_browser_reads(client: httpx2.AsyncClient, link: dict[str, Any]) -> None:
    answer = await fetch(client, link["download_url"], **{"Accept-Encoding": "gzip"})
    assert answer.headers["content-disposition"] == 'attachment; filename="things.jsonl"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-encoding" not in answer.headers
    vectors = await fetch(client, link["vectors_download_url"])
    assert vectors.headers["content-disposition"] == 'attachment; filename="things_vectors.jsonl"'


async def test_name_of_the_file_has_no_surprises(client: httpx2.AsyncClient) -> None:
    name = '../"é\r\nSet-Cookie: a'
    await client.post("/v1/collections", json={"collection_name": name, "source": {"type": "none"}})
    answer = await client.post(f"/v1/collections/{quote(name, safe='')}/export", json={"format": "json"})
    file = await fetch(client, answer.json()["download_url"])
    assert "set-cookie" not in file.headers
    assert ".." not in file.headers["content-disposition"]


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=10-", 206, slice(10, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=0-99999999", 206, slice(0, None)),
        ("bytes=99999999-", 416, None),
        ("lines=1-2", 200, slice(0, None)),
    ],
)
async def test_ranges(
    client: httpx2.AsyncClient, link: dict[str, Any], asked: str, status: int, part: slice | None
) -> None:
    answer = await fetch(client, link["download_url"], Range=asked, **{"Accept-Encoding": "gzip"})
    assert answer.status_code == status
    if part is not None:
        assert answer.content == link["content"][part]


async def test_head_says_how_long_it_is(client: httpx2.AsyncClient, link: dict[str, Any]) -> None:
    answer = await client.head(link["download_url"], headers={"Authorization": ""})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(link["content"])


def hostile_tokens(token: str) -> Iterator[str]:
    yield from ("x", "../x", "../../secret", "%00", "\x00", "é", "=", token + "=", token[:-1], token + "A", "A" * 5000)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        yield base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()


async def test_changed_links_are_refused(client: httpx2.AsyncClient, link: dict[str, Any]) -> None:
    seen = set()
    for token in hostile_tokens(link["token"]):
        answer = await fetch(client, f"{PATH}/{quote(token, safe='')}")
        seen.add((answer.status_code, answer.json()["error"]["type"]))
    assert seen == {(403, "SignatureError")}


async def test_links_expire(client: httpx2.AsyncClient, link: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    later = now_milliseconds() + LINK_SECONDS * 1000
    monkeypatch.setattr("headwater.store.transfer.links.now_milliseconds", lambda: later)
    answer = await fetch(client, link["download_url"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "link_expired")


async def test_signed_link_to_what_is_not_there_is_missing(
    client: httpx2.AsyncClient, link: dict[str, Any], runtime: Runtime
) -> None:
    good = read_link(runtime.secret, link["token"])
    soon = now_milliseconds() + 60_000
    for wrong in (
        Link(good.organization_id, "exp_gone", good.name, soon),
        Link(good.organization_id, good.export_id, "manifest.json", soon),
        Link(good.organization_id, "..", "secret", soon),
        # A link is bound to the organization: another one's is of no use, however it was come by.
        Link("org_other", good.export_id, good.name, soon),
    ):
        answer = await fetch(client, f"{PATH}/{write_link(runtime.secret, wrong)}")
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "NotFoundError"), wrong


async def test_exports_are_private_to_the_process_owner(link: dict[str, Any], runtime: Runtime) -> None:
    assert (runtime.settings.data / EXPORTS).stat().st_mode & 0o077 == 0


async def test_sweep_takes_dead_exports_only(
    client: httpx2.AsyncClient, link: dict[str, Any], runtime: Runtime
) -> None:
    exports = runtime.settings.data / EXPORTS
    (exports / ".partial-exp_a").mkdir()
    with new_export(runtime.settings.data, "exp_b") as partial:
        assert sweep(runtime.settings.data) == [".partial-exp_a"]
        assert (await fetch(client, link["download_url"])).status_code == 200
        for entry in exports.iterdir():
            os.utime(entry, (time.time() - 2 * LINK_SECONDS,) * 2)
        sweep(runtime.settings.data)
        assert list(exports.iterdir()) == [partial]
    assert (await fetch(client, link["download_url"])).status_code == 404
