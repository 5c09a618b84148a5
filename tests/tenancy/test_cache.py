"""A worker's cache of keys: never older than the last commit, and never filled by strangers."""

from __future__ import annotations

import apsw
import pytest

from headwater import ids
from headwater.catalog import cache
from headwater.catalog.cache import Catalogue
from headwater.catalog.database import open_reader
from headwater.catalog.tables.api_keys import ApiKey
from headwater.runtime import Runtime
from headwater.store.commands.api_keys import CreateApiKey, NewApiKey, RevokeApiKey, TouchApiKeys
from headwater.tenancy.keys import digest_of, new_secret

from .conftest import MakeKey

pytestmark = pytest.mark.anyio


class Statements:
    """The SQL that a connection runs."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.seen: list[str] = []

    def __enter__(self) -> Statements:
        self._connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: self.seen.append(event["sql"]))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.trace_v2(0, None)


async def test_key_is_loaded_once(runtime: Runtime, owner: ApiKey) -> None:
    assert runtime.catalogue.api_key(owner.digest) is owner
    with Statements(runtime.reader.connection) as statements:
        assert runtime.catalogue.api_key(owner.digest) is owner
    assert not any("api_keys" in statement for statement in statements.seen)


async def test_revocation_is_seen_by_every_connection_at_once(runtime: Runtime, make_key: MakeKey) -> None:
    _, key = await make_key()
    connections = [open_reader(runtime.settings.data) for _ in range(3)]
    catalogues = [Catalogue(connection) for connection in connections]
    try:
        assert all(catalogue.api_key(key.digest) == key for catalogue in catalogues)
        await runtime.store.execute(RevokeApiKey(organization_id=key.organization_id, key_id=key.key_id, actor="me"))
        found = [catalogue.api_key(key.digest) for catalogue in catalogues]
        assert [key and key.status for key in found] == ["revoked"] * 3
    finally:
        for connection in connections:
            connection.close()


async def test_key_made_after_it_was_missed_is_found(runtime: Runtime, owner: ApiKey) -> None:
    secret = new_secret()
    digest = digest_of(runtime.secret, secret)
    assert runtime.catalogue.api_key(digest) is None
    body = {"key_prefix": "sk_", "key_type": "standard", "permissions": ["read"]}
    new = NewApiKey(key_id=ids.new_key_id(), name="late", digest=digest, body=body)
    await runtime.store.execute(CreateApiKey(organization_id=owner.organization_id, user_id=owner.user_id, key=new))
    found = runtime.catalogue.api_key(digest)
    assert found is not None and found.name == "late"


async def test_misses_take_no_memory(runtime: Runtime, owner: ApiKey) -> None:
    before = len(runtime.catalogue._entries)
    for number in range(200):
        runtime.catalogue.api_key(digest_of(runtime.secret, str(number)))
        runtime.catalogue.namespace(owner.organization_id, str(number))
    assert len(runtime.catalogue._entries) == before


async def test_entries_are_bounded(runtime: Runtime, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MAX_ENTRIES", 3)
    digests = [(await make_key())[1].digest for _ in range(6)]
    for digest in digests * 2:
        found = runtime.catalogue.api_key(digest)
        assert found is not None and found.digest == digest
        assert len(runtime.catalogue._entries) <= 3


async def test_other_writes_leave_the_cache_alone(runtime: Runtime, owner: ApiKey) -> None:
    await runtime.store.execute(TouchApiKeys(used={owner.key_id: 1}))
    with Statements(runtime.reader.connection) as statements:
        assert runtime.catalogue.api_key(owner.digest) is owner
    assert any("counters" in statement for statement in statements.seen)
    assert not any("api_keys" in statement for statement in statements.seen)
