"""``last_used_at`` is remembered in the worker and written now and then."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from headwater.catalog.tables.api_keys import ApiKey, load_api_key
from headwater.errors import ServiceUnavailableError
from headwater.runtime import Runtime
from headwater.store.commands.base import Command
from headwater.tenancy.last_used import LastUsed

pytestmark = pytest.mark.anyio


def stored(runtime: Runtime, key: ApiKey) -> int | None:
    found = load_api_key(runtime.reader.connection, key.organization_id, key.key_id)
    assert found is not None
    return found.last_used_at


async def test_use_is_written_by_the_background_task(runtime: Runtime, owner: ApiKey) -> None:
    recorder = LastUsed(runtime.store, interval_seconds=0.01)
    recorder.start()
    recorder.used(owner.key_id)
    async with asyncio.timeout(10):
        while stored(runtime, owner) is None:
            await asyncio.sleep(0.01)
    await recorder.stop()


async def test_stop_writes_what_is_left(runtime: Runtime, owner: ApiKey) -> None:
    recorder = LastUsed(runtime.store)
    recorder.start()
    recorder.used(owner.key_id)
    assert stored(runtime, owner) is None
    await recorder.stop()
    assert stored(runtime, owner) is not None


async def test_time_never_goes_back(runtime: Runtime, owner: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = LastUsed(runtime.store)
    for moment in (2_000, 1_000):
        monkeypatch.setattr("headwater.tenancy.last_used.now_milliseconds", lambda moment=moment: moment)
        recorder.used(owner.key_id)
        await recorder.write()
    assert stored(runtime, owner) == 2_000


async def test_nothing_used_writes_nothing_and_caches_stay(runtime: Runtime, owner: ApiKey) -> None:
    catalogue = "SELECT value FROM counters WHERE name = 'catalogue'"
    before = runtime.reader.connection.execute(catalogue).get
    recorder = LastUsed(runtime.store)
    await recorder.write()
    recorder.used(owner.key_id)
    await recorder.write()
    assert runtime.reader.connection.execute(catalogue).get == before


async def test_what_the_store_does_not_take_is_kept(
    runtime: Runtime, owner: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: Command) -> None:
        raise ServiceUnavailableError("busy")

    recorder = LastUsed(runtime.store)
    recorder.used(owner.key_id)
    with monkeypatch.context() as patch:
        patch.setattr(runtime.store, "execute", refuse)
        await recorder.write()
    assert stored(runtime, owner) is None
    await recorder.write()
    assert stored(runtime, owner) is not None


async def test_request_is_noted(admin: httpx2.AsyncClient, app: object, runtime: Runtime, owner: ApiKey) -> None:
    await admin.get("/v1/me")
    await app.state.last_used.write()  # type: ignore[attr-defined]
    assert stored(runtime, owner) is not None
