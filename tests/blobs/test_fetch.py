"""Fetching a user's URL: only from where it may, and only so long and so much."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from headwater.blobs.fetch import Resolve, fetch, resolve_host
from headwater.errors import BlockedUrlError, URLValidationError
from headwater.kit.addresses import Address, is_public
from headwater.settings import Settings

pytestmark = pytest.mark.anyio

#: Where the tests' own server stands for a host on the internet; 127.0.0.1 stands for everything inside.
OUTSIDE = "127.0.0.2"


class Site(BaseHTTPRequestHandler):
    """Answers by path: /file, /slow, /endless, /redirect?n…, /to?URL, /gzip, /short, /missing."""

    seen: list[tuple[str, str]] = []

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        return

    def do_GET(self) -> None:
        self.seen.append((self.headers["Host"], self.path))
        path, _, argument = self.path.partition("?")
        if path == "/to":
            self._answer(302, {"Location": argument})
        elif path == "/redirect" and int(argument):
            self._answer(307, {"Location": f"/redirect?{int(argument) - 1}"})
        elif path in ("/file", "/redirect", "/dir/a%20b.png"):
            self._answer(200, {"Content-Type": "image/png", "Content-Length": "5"}, b"bytes")
        elif path == "/gzip":
            self._answer(200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * 100_000))
        elif path == "/short":
            self._answer(200, {"Content-Length": "500"}, b"bytes")
        elif path == "/long":
            self._answer(200, {}, b"x" * 5000)
        elif path == "/announced":
            self._answer(200, {"Content-Length": "5000"}, b"x" * 5000)
        elif path == "/slow":
            self._answer(200, {"Content-Length": "500"}, b"b")
            self.wfile.flush()
            time.sleep(3)
        else:
            self._answer(404, {}, b"no")

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def site() -> Iterator[int]:
    """The port of a server outside."""
    with ThreadingHTTPServer((OUTSIDE, 0), Site) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


class Canary:
    """A listener inside that must never be reached."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        with ExitStack() as stack:
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.port = first.getsockname()[1]
            listeners = [first]
            if socket.has_ipv6:
                both = socket.create_server(("::1", self.port), family=socket.AF_INET6)
                listeners.append(stack.enter_context(both))
            yield
            for listener in listeners:
                listener.setblocking(False)
                self._count(listener)

    def _count(self, listener: socket.socket) -> None:
        while True:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                return
            self.connections += 1


@pytest.fixture
def canary() -> Iterator[Canary]:
    watched = Canary()
    with watched.listening():
        yield watched
    assert watched.connections == 0


@pytest.fixture
def allowing(settings: Settings) -> Settings:
    return settings.model_copy(update={"fetch_allow": [f"{OUTSIDE}/32"], "fetch_max_bytes": 4096})


def names(**addresses: str) -> Resolve:
    """A resolver that knows these names, and numbers; several addresses are separated by blanks."""

    async def resolve(host: str) -> list[Address]:
        known = addresses.get(host.replace(".", "_"))
        return [ip_address(text) for text in known.split()] if known else await resolve_host(host)

    return resolve


async def get(settings: Settings, url: str, resolve: Resolve = resolve_host) -> bytes:
    async with fetch(settings, url, resolve=resolve) as found:
        return b"".join([chunk async for chunk in found.chunks])


HOSTILE = [
    # Loopback, in every notation
    "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://LOCALHOST:{port}/", "http://127.1:{port}/",
    "http://127.0.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/", "http://017700000001:{port}/", "http://127.255.255.254:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/", "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/", "http://[::1%25lo]:{port}/", "http://[fe80::1%25eth0]:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/", "http://\uff11\uff12\uff17.0.0.1:{port}/", "http://127。0。0。1:{port}/",
    "https://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/",
    # Private, shared, link-local, metadata, multicast, reserved
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://169.254.169.254/",
    "http://0xa9fea9fe/", "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://[fc00::1]/", "http://[ff02::1]/",
    "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://192.0.2.1/", "http://198.18.0.1/",
    "http://192.88.99.1/", "http://[2001:db8::1]/", "http://[100::1]/", "http://[::ffff:0:127.0.0.1]:{port}/",
    # Other schemes and no scheme
    "file:///etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_x", "data:text/plain,x",
    "javascript:alert(1)", "//127.0.0.1:{port}/", "127.0.0.1:{port}", "http:/127.0.0.1:{port}/", "http:127.0.0.1",
    "http:///x", "http://", "", "unix:///run/x.sock", "s3://bucket/key",
    # Names and passwords, blanks, control characters, other readings
    "http://user@127.0.0.1:{port}/", "http://user:password@example.com/", "http://example.com@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/", "http://@example.com/", "http://127.0.0.1:{port}/\r\nX: y",
    "http://127.0.0.1:{port}/%0d%0aX:%20y", "http://127.0.0.1\t:{port}/", " http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/\x00", "http://ex%61mple.com/", "http://example.com:99999/", "http://example.com:0/",
    "http://example.com/" + "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("url", HOSTILE)
async def test_hostile_urls_reach_nobody(settings: Settings, canary: Canary, url: str) -> None:
    with pytest.raises(BlockedUrlError) as raised:
        await get(settings, url.replace("{port}", str(canary.port)))
    assert raised.value.status == 422
    assert "password" not in raised.value.message.partition("is not fetched")[0]


@pytest.mark.parametrize("host", ["127.0.0.1.", "localhost.", "localhost.localdomain", "ip6-localhost"])
async def test_names_that_only_some_machines_know(settings: Settings, canary: Canary, host: str) -> None:
    with pytest.raises((BlockedUrlError, URLValidationError)):
        await get(settings, f"http://{host}:{canary.port}/")


async def test_name_with_one_inner_address_is_blocked(allowing: Settings, canary: Canary, site: int) -> None:
    resolve = names(mixed_example=f"{OUTSIDE} 127.0.0.1")
    with pytest.raises(BlockedUrlError):
        await get(allowing, f"http://mixed.example:{canary.port}/", resolve)


async def test_name_that_changes_its_meaning_gains_nothing(allowing: Settings, canary: Canary, site: int) -> None:
    asked: list[str] = []

    async def rebinding(host: str) -> list[Address]:
        asked.append(host)
        return [ip_address(OUTSIDE if len(asked) == 1 else "127.0.0.1")]

    assert await get(allowing, f"http://rebinding.example:{site}/file", rebinding) == b"bytes"
    assert asked == ["rebinding.example"]
    with pytest.raises(BlockedUrlError):
        await get(allowing, f"http://rebinding.example:{canary.port}/", rebinding)


@pytest.mark.parametrize(
    "inward",
    ["http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://inner.example:{port}/", "file:///etc/passwd",
     "http://a@127.0.0.1:{port}/", "http://[::1]:{port}/"],
)  # fmt: skip
async def test_redirects_inward_are_blocked(allowing: Settings, canary: Canary, site: int, inward: str) -> None:
    target = inward.replace("{port}", str(canary.port))
    with pytest.raises(BlockedUrlError):
        await get(allowing, f"http://{OUTSIDE}:{site}/to?{target}", names(inner_example="127.0.0.1"))


async def test_three_redirects_are_followed_and_no_more(allowing: Settings, site: int) -> None:
    assert await get(allowing, f"http://{OUTSIDE}:{site}/redirect?3") == b"bytes"
    with pytest.raises(URLValidationError, match="more than 3 redirects"):
        await get(allowing, f"http://{OUTSIDE}:{site}/redirect?4")


async def test_what_is_known_of_a_file(allowing: Settings, site: int) -> None:
    async with fetch(
        allowing, f"http://files.example:{site}/dir/a%20b.png?secret=1", resolve=names(files_example=OUTSIDE)
    ) as found:
        assert (found.content_type, found.filename, found.size_bytes) == ("image/png", "a b.png", 5)
        assert [chunk async for chunk in found.chunks] == [b"bytes"]
    # The host hears the name that it was asked under.
    assert Site.seen[-1] == (f"files.example:{site}", "/dir/a%20b.png?secret=1")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/missing?password=1", "answered with status 404"),
        ("/gzip", "sent compressed"),
        ("/long", "larger than HEADWATER_FETCH_MAX_BYTES=4096"),
        ("/announced", "larger than HEADWATER_FETCH_MAX_BYTES=4096"),
        ("/short", "could not be read"),
    ],
)
async def test_what_cannot_be_fetched(allowing: Settings, site: int, path: str, told: str) -> None:
    with pytest.raises(URLValidationError, match=told) as raised:
        await get(allowing, f"http://{OUTSIDE}:{site}{path}")
    assert "password" not in raised.value.message


async def test_slow_hosts_are_given_up(allowing: Settings, site: int) -> None:
    hurried = allowing.model_copy(update={"fetch_timeout_seconds": 0.3})
    with pytest.raises(URLValidationError, match="took longer than"):
        await get(hurried, f"http://{OUTSIDE}:{site}/slow")

    async def silent(host: str) -> list[Address]:
        await asyncio.sleep(30)
        return []

    with pytest.raises(URLValidationError, match="took longer than"):
        await get(hurried, "http://slow.example/", silent)


async def test_nobody_there(allowing: Settings) -> None:
    with socket.create_server((OUTSIDE, 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(URLValidationError, match="could not be read"):
        await get(allowing, f"http://{OUTSIDE}:{port}/")
    with pytest.raises(URLValidationError, match="does not exist"):
        await get(allowing, "http://nowhere.invalid/")


async def test_next_address_is_tried_when_one_does_not_answer(allowing: Settings, site: int) -> None:
    both = allowing.model_copy(update={"fetch_allow": ["127.0.0.0/8"]})
    resolve = names(two_example=f"127.0.0.3 {OUTSIDE}")
    assert await get(both, f"http://two.example:{site}/file", resolve) == b"bytes"


@pytest.mark.parametrize("entry", [OUTSIDE, "127.0.0.0/8", "inside.example", "INSIDE.example"])
async def test_operator_may_allow_what_is_inside(settings: Settings, site: int, entry: str) -> None:
    allowing = settings.model_copy(update={"fetch_allow": [entry, "not a network"]})
    assert await get(allowing, f"http://inside.example:{site}/file", names(inside_example=OUTSIDE)) == b"bytes"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True), ("2606:4700::1111", True), ("64:ff9b::101:101", True), ("::ffff:1.1.1.1", True),
        ("64:ff9b::a00:1", False), ("2002:101:101::", False), ("2001::1", False), ("3fff::1", False), ("::1", False),
        ("4000::1", False), ("5f00::1", False), ("0.1.2.3", False), ("192.0.0.8", False), ("203.0.113.1", False),
    ],
)  # fmt: skip
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
