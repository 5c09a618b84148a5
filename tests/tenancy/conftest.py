"""Clients and keys for the tests of tenancy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater import ids
from headwater.catalog.tables.api_keys import ApiKey, api_key_of
from headwater.catalog.tables.namespaces import Namespace
from headwater.kit.clock import now_milliseconds
from headwater.runtime import Runtime
from headwater.store.commands.api_keys import CreateApiKey, NewApiKey
from headwater.tenancy.access import authenticate
from headwater.tenancy.keys import digest_of, new_secret, prefix_of

MakeKey = Callable[..., Awaitable[tuple[str, ApiKey]]]
ADMIN = "/v1/organizations/users/admin@localhost.local"


@pytest.fixture
async def admin(anonymous: httpx2.AsyncClient, admin_key: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the first key and no namespace."""
    anonymous.headers["Authorization"] = f"Bearer {admin_key}"
    yield anonymous


@pytest.fixture
def owner(runtime: Runtime, admin_key: str) -> ApiKey:
    """The first key, as the code sees it."""
    return authenticate(runtime, f"Bearer {admin_key}", None)


@pytest.fixture
def make_key(runtime: Runtime, owner: ApiKey) -> MakeKey:
    """``await make_key(permissions=["read"], scopes=[…], expires_in=…)``: a secret and its key, of the admin user."""

    async def make(*, expires_in: int | None = None, name: str | None = None, **body: Any) -> tuple[str, ApiKey]:
        secret = new_secret()
        key = NewApiKey(
            key_id=ids.new_key_id(),
            name=name or f"key-{secret[3:12]}",
            digest=digest_of(runtime.secret, secret),
            expires_at=None if expires_in is None else now_milliseconds() + expires_in,
            body={"key_prefix": prefix_of(secret), "key_type": "standard", "permissions": ["read"], **body},
        )
        row = await runtime.store.execute(
            CreateApiKey(organization_id=owner.organization_id, user_id=owner.user_id, key=key)
        )
        return secret, api_key_of(tuple(row))

    return make


@pytest.fixture
def namespace(owner: ApiKey) -> Namespace:
    """A namespace of the first organization that no table holds: enough for the questions about scopes."""
    return Namespace(7, owner.organization_id, "ns_one", "first", {}, 0, 0)
