"""Signed links: what they open, for how long, and that nothing about them can be changed."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from urllib.parse import quote

import apsw
import httpx2
import pytest

from headwater import ids
from headwater.blobs.digests import chunks_of
from headwater.blobs.interface import LINK_SECONDS, MAX_LINK_SECONDS, MIN_LINK_SECONDS, Signer
from headwater.blobs.keys import new_key
from headwater.blobs.links import PATH, LocalSigner
from headwater.catalog.database import DATABASE
from headwater.catalog.tables.api_keys import ApiKey
from headwater.kit.clock import now_milliseconds
from headwater.resources.storage import permission
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope
from headwater.store.commands.api_keys import CreateApiKey, NewApiKey

from .conftest import Stored

pytestmark = pytest.mark.anyio

ADMIN = "/v1/organizations/users/admin@localhost.local/api-keys"


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["type"]


def changed(token: str) -> Iterator[str]:
    """The token with each byte of what it says changed in turn, and texts that never were one."""
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(len(raw)):
        other = bytearray(raw)
        other[place] ^= 1
        yield base64.urlsafe_b64encode(bytes(other)).rstrip(b"=").decode()
    yield from ("x", "../x", "../../secret", "%00", "\x00", "é", token + "=", token[:-1], token + "A", "A" * 5000)


async def test_any_change_is_refused(browser: httpx2.AsyncClient, stored: Stored, signer: Signer) -> None:
    for method, url in (("GET", stored.url), ("PUT", signer.upload(stored.key, content_type="text/plain"))):
        seen = set()
        for token in changed(url.rpartition("/")[2]):
            answer = await browser.request(method, f"{PATH}/{quote(token, safe='')}")
            seen.add(told(answer))
        assert seen == {(403, "SignatureError")}


async def test_link_is_for_its_method_only(browser: httpx2.AsyncClient, stored: Stored, signer: Signer) -> None:
    put = signer.upload(stored.key, content_type="text/plain")
    assert told(await browser.get(put)) == (403, "SignatureError")
    answer = await browser.put(stored.url, content=b"x", headers={"Content-Type": "video/mp4"})
    assert told(answer) == (403, "SignatureError")
    assert (await browser.get(stored.url)).content == stored.content
    for method in ("POST", "PATCH", "DELETE"):
        assert (await browser.request(method, stored.url)).status_code in (404, 405)


@pytest.mark.parametrize(("after", "status"), [(-1, 200), (0, 403), (1, 403)])
async def test_link_is_good_until_its_last_millisecond(
    browser: httpx2.AsyncClient,
    stored: Stored,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    status: int,
) -> None:
    moment = now_milliseconds()
    monkeypatch.setattr("headwater.blobs.links.now_milliseconds", lambda: moment)
    url = signer.download(stored.key)
    monkeypatch.setattr("headwater.blobs.links.now_milliseconds", lambda: moment + LINK_SECONDS * 1000 + after)
    answer = await browser.get(url)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["code"] == "link_expired"


@pytest.mark.parametrize("seconds", [MIN_LINK_SECONDS - 1, MAX_LINK_SECONDS + 1, 0, -1])
def test_links_are_neither_short_nor_eternal(signer: Signer, scope: NamespaceScope, seconds: int) -> None:
    with pytest.raises(ValueError, match="is good for 60 to 86400 seconds"):
        signer.download(new_key(scope), expires_seconds=seconds)


async def test_link_dies_with_the_key_that_asked_for_it(
    client: httpx2.AsyncClient, runtime: Runtime, stored: Stored, admin_key: str
) -> None:
    made = (await client.post(ADMIN, json={"name": "short-lived", "permissions": ["read"]})).json()
    url = runtime.blobs.signer("http://headwater", made["key_id"]).download(stored.key)
    assert (await client.get(url)).status_code == 200
    assert made["key"] not in url and admin_key not in url
    assert (await client.delete(f"{ADMIN}/short-lived")).status_code == 200
    assert told(await client.get(url)) == (403, "SignatureError")
    nobody = runtime.blobs.signer("http://headwater", "key_of_nobody").download(stored.key)
    assert told(await client.get(nobody)) == (403, "SignatureError")


async def test_link_dies_when_its_key_expires(
    browser: httpx2.AsyncClient, runtime: Runtime, stored: Stored, owner: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = now_milliseconds() + 3_600_000
    key = NewApiKey(
        key_id=ids.new_key_id(), name="passing", digest=b"d" * 32, expires_at=expires_at, body={"permissions": ["read"]}
    )
    await runtime.store.execute(CreateApiKey(organization_id=owner.organization_id, user_id=owner.user_id, key=key))
    url = runtime.blobs.signer("http://headwater", key.key_id).download(stored.key)
    assert (await browser.get(url)).status_code == 200
    monkeypatch.setattr(permission, "now_milliseconds", lambda: expires_at)
    assert told(await browser.get(url)) == (403, "SignatureError")


async def test_link_to_the_file_of_another_organization_opens_nothing(
    browser: httpx2.AsyncClient, runtime: Runtime, signer: Signer, scope: NamespaceScope
) -> None:
    foreign = new_key(NamespaceScope("org_other", scope.namespace_row, scope.namespace_id))
    await runtime.blobs.put(foreign, chunks_of(b"theirs"))
    assert told(await browser.get(signer.download(foreign))) == (404, "NotFoundError")


async def test_deleted_files_are_missing(browser: httpx2.AsyncClient, runtime: Runtime, stored: Stored) -> None:
    await runtime.blobs.delete(stored.key)
    assert told(await browser.get(stored.url)) == (404, "NotFoundError")


@pytest.mark.parametrize(("state", "unused_since"), [("stored", 1), ("removing", 1), ("removing", None)])
async def test_file_that_nobody_has_any_more_is_missing_at_once(
    browser: httpx2.AsyncClient,
    runtime: Runtime,
    stored: Stored,
    scope: NamespaceScope,
    state: str,
    unused_since: int | None,
) -> None:
    record(runtime, stored.key, scope, state, unused_since)
    assert told(await browser.get(stored.url)) == (404, "NotFoundError")


async def test_confirmed_file_is_not_replaced(
    browser: httpx2.AsyncClient, runtime: Runtime, stored: Stored, scope: NamespaceScope, signer: Signer
) -> None:
    put = signer.upload(stored.key, content_type="video/mp4")
    record(runtime, stored.key, scope, "stored", None)
    answer = await browser.put(put, content=b"other", headers={"Content-Type": "video/mp4"})
    assert told(answer) == (409, "ConflictError")
    assert (await browser.get(stored.url)).content == stored.content


def record(runtime: Runtime, key: str, scope: NamespaceScope, state: str, unused_since: int | None) -> None:
    connection = apsw.Connection(str(runtime.settings.data / DATABASE))
    connection.set_busy_timeout(5000)
    connection.execute(
        "INSERT INTO blobs VALUES (?, ?, x'00', 1, 'video/mp4', NULL, 1, ?, ?)",
        (key, scope.namespace_row, unused_since, state),
    )
    connection.close()


async def test_files_of_a_deleted_namespace_are_missing(client: httpx2.AsyncClient, stored: Stored) -> None:
    assert (await client.get(stored.url)).status_code == 200
    assert (await client.delete(f"/v1/namespaces/{client.headers['X-Namespace']}")).status_code < 300
    assert told(await client.get(stored.url)) == (404, "NotFoundError")


def test_signer_can_be_sent_to_another_process(signer: LocalSigner) -> None:
    again = pickle.loads(pickle.dumps(signer))
    assert again == signer


async def test_links_are_not_in_the_log(
    browser: httpx2.AsyncClient, stored: Stored, capfd: pytest.CaptureFixture[str]
) -> None:
    token = stored.url.rpartition("/")[2]
    await browser.get(stored.url)
    await browser.get(stored.url + "x")
    output = "".join(capfd.readouterr())
    assert "/v1/_storage/{token}" in output
    assert token[:20] not in output
