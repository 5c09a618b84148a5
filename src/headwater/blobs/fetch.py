"""Files from URLs that users send: over HTTP, from the public internet, within bounds.

The name is looked up once, every address that it has is judged, and the connection goes to one of those addresses, so
that a name which means something else a moment later gains nothing. Each redirect is judged anew.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address

import httpx2

from headwater import __version__
from headwater.blobs.presentation import safe_name
from headwater.errors import BlockedUrlError, URLValidationError
from headwater.kit.addresses import Address, is_in, is_public, parse_networks
from headwater.settings import Settings

_MAX_REDIRECTS = 3
_MAX_URL = 4096
_RESOLVERS = 8
_SCHEMES = ("http", "https")
#: An empty user name is one too, though no parsed URL shows it.
_AUTHORITY = re.compile(r"^[^/]*//([^/?#]*).*$")
_HEADERS = {
    "User-Agent": f"headwater/{__version__}",
    "Accept": "*/*",
    # What a small answer unfolds to in memory is not known beforehand.
    "Accept-Encoding": "identity",
}

#: The addresses of a host name; ``OSError`` when it has none.
Resolve = Callable[[str], Awaitable[list[Address]]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is on its way. ``chunks`` may raise ``URLValidationError`` like ``fetch`` itself."""

    content_type: str
    filename: str
    #: As announced; None when it was not.
    size_bytes: int | None
    chunks: AsyncIterator[bytes]


async def resolve_host(host: str) -> list[Address]:
    """What the system's resolver says, which reads numbers in every notation."""
    look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers(), look_up)
    return [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]


@asynccontextmanager
async def fetch(settings: Settings, url: str, *, resolve: Resolve = resolve_host) -> AsyncIterator[Fetched]:
    """The file at the URL, while the block lasts. The whole block has ``HEADWATER_FETCH_TIMEOUT_SECONDS``.

    ``BlockedUrlError`` for what is not fetched at all, ``URLValidationError`` for what cannot be.
    """
    seconds = settings.fetch_timeout_seconds
    transport = _CheckedTransport(settings, resolve)
    client = httpx2.AsyncClient(transport=transport, trust_env=False, timeout=seconds, headers=_HEADERS)
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline, client, _opened(client, _checked(url)) as response:
            yield _fetched(settings, response)
    except TimeoutError:
        if not deadline.expired():
            raise
        raise _failed(url, f"took longer than HEADWATER_FETCH_TIMEOUT_SECONDS={seconds:g}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _failed(url, f"could not be read: {error or type(error).__name__}") from error


@asynccontextmanager
async def _opened(client: httpx2.AsyncClient, url: httpx2.URL) -> AsyncIterator[httpx2.Response]:
    """The answer at the end of the redirects."""
    for _ in range(_MAX_REDIRECTS + 1):
        async with client.stream("GET", url) as response:
            if not response.has_redirect_location:
                yield response
                return
            url = _checked(str(url.join(response.headers["location"])))
    raise _failed(str(url), f"is behind more than {_MAX_REDIRECTS} redirects")


def _fetched(settings: Settings, response: httpx2.Response) -> Fetched:
    url = str(response.url)
    if response.status_code != 200:
        raise _failed(url, f"was answered with status {response.status_code}")
    if response.headers.get("content-encoding", "identity") != "identity":
        raise _failed(url, "is sent compressed, though it was not asked for so")
    length = response.headers.get("content-length", "")
    size_bytes = int(length) if length.isdigit() else None
    if size_bytes is not None and size_bytes > settings.fetch_max_bytes:
        raise _too_large(settings, url)
    filename = safe_name(response.url.path)
    return Fetched(response.headers.get("content-type", ""), filename, size_bytes, _bounded(settings, response))


async def _bounded(settings: Settings, response: httpx2.Response) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > settings.fetch_max_bytes:
            raise _too_large(settings, str(response.url))
        yield chunk


def _checked(text: str) -> httpx2.URL:
    """The URL, if it is one that may be looked at any further. Addresses are judged when it is opened."""
    if len(text) > _MAX_URL:
        raise _blocked(text, f"it is longer than {_MAX_URL} characters")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise _blocked(text, "it contains blanks, control characters or backslashes")
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError) as error:
        raise _blocked(text, f"it is not a URL: {error}") from None
    if url.scheme not in _SCHEMES:
        raise _blocked(text, "only http and https are fetched")
    if "@" in _AUTHORITY.sub(r"\1", text):
        raise _blocked(text, "it contains a user name or password")
    if not url.host or "%" in url.host:
        raise _blocked(text, "it names no host")
    if url.port is not None and not 0 < url.port < 65_536:
        raise _blocked(text, "its port does not exist")
    return url


class _CheckedTransport(httpx2.AsyncBaseTransport):
    """Connects to addresses that were judged; ``Host`` and the certificate's name stay those of the URL."""

    def __init__(self, settings: Settings, resolve: Resolve) -> None:
        self._names = {name.lower() for name in settings.fetch_allow}
        self._networks = parse_networks(settings.fetch_allow)
        self._resolve = resolve
        self._transport = httpx2.AsyncHTTPTransport(verify=_certificates(), trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        addresses = await self._addresses(str(request.url), host)
        for number, address in enumerate(addresses, 1):
            try:
                return await self._transport.handle_async_request(_directed(request, host, address))
            except httpx2.ConnectError:
                if number == len(addresses):
                    raise
        raise AssertionError("there is at least one address")

    async def _addresses(self, url: str, host: str) -> list[Address]:
        try:
            addresses = list(dict.fromkeys(await self._resolve(host)))
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise _failed(url, "names a host that does not exist")
        if host.lower() not in self._names and not all(self._allowed(address) for address in addresses):
            raise _blocked(url, "it leads to an address that is not public; HEADWATER_FETCH_ALLOW may name exceptions")
        return addresses

    def _allowed(self, address: Address) -> bool:
        return is_public(address) or is_in(address, self._networks)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _directed(request: httpx2.Request, host: str, address: Address) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        extensions={**request.extensions, "sni_hostname": host},
    )


@lru_cache(maxsize=1)
def _resolvers() -> ThreadPoolExecutor:
    """A name server may keep a thread waiting for long after its caller gave up; these do nothing else."""
    return ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolver")


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Reading the authorities takes longer than many a fetch."""
    return httpx2.create_ssl_context(trust_env=False)


def _blocked(url: str, why: str) -> BlockedUrlError:
    return BlockedUrlError(f"{_shown(url)!r} is not fetched: {why}", details={"reason": why}, code="url_blocked")


def _failed(url: str, what: str) -> URLValidationError:
    return URLValidationError(f"{_shown(url)!r} {what}", details={"reason": what}, code="url_failed")


def _too_large(settings: Settings, url: str) -> URLValidationError:
    return _failed(url, f"is larger than HEADWATER_FETCH_MAX_BYTES={settings.fetch_max_bytes}")


def _shown(url: str) -> str:
    """The URL without what may be a password or a signature."""
    return url.partition("?")[0].rpartition("@")[2][:200]
