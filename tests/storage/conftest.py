"""Files of the client's namespace and links to them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest

from headwater.blobs.digests import chunks_of
from headwater.blobs.interface import Signer
from headwater.blobs.keys import new_key
from headwater.blobs.links import LocalSigner
from headwater.catalog.tables.api_keys import ApiKey
from headwater.runtime import Runtime
from headwater.scope import NamespaceScope
from headwater.tenancy.access import authenticate


@pytest.fixture
def owner(runtime: Runtime, admin_key: str) -> ApiKey:
    return authenticate(runtime, f"Bearer {admin_key}", None)


@pytest.fixture
def scope(runtime: Runtime, client: httpx2.AsyncClient, owner: ApiKey) -> NamespaceScope:
    """The client's namespace."""
    namespace = runtime.catalogue.namespace(owner.organization_id, client.headers["X-Namespace"])
    assert namespace is not None
    return NamespaceScope(owner.organization_id, namespace.namespace_row, namespace.namespace_id)


@pytest.fixture
def signer(runtime: Runtime, owner: ApiKey) -> LocalSigner:
    signer = runtime.blobs.signer("http://headwater", owner.key_id)
    assert isinstance(signer, LocalSigner)
    return signer


@dataclass(frozen=True)
class Stored:
    key: str
    content: bytes
    url: str


@pytest.fixture
async def stored(runtime: Runtime, scope: NamespaceScope, signer: Signer) -> Stored:
    """A file of three and a half chunks, and a link to it."""
    key, content = new_key(scope), secrets.token_bytes(3_600_000)
    await runtime.blobs.put(key, chunks_of(content))
    return Stored(key, content, signer.download(key, content_type="video/mp4", filename="clip.mp4"))


@pytest.fixture
async def browser(anonymous: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody who has a link and no key."""
    assert "authorization" not in anonymous.headers
    yield anonymous
