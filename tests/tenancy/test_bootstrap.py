"""The first start: once, and safe to die anywhere in it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from headwater.catalog.database import open_reader
from headwater.errors import NotFoundError, ServiceUnavailableError
from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.commands.base import Command
from headwater.store.local import LocalStore
from headwater.tenancy.bootstrap import BootstrapKeyError, bootstrap, has_keys
from headwater.tenancy.keys import digest_of, is_mistyped, new_secret
from headwater.tenancy.reset import reset_admin_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[LocalStore]:
    store = LocalStore(settings.data, settings)
    Secret.load_or_create(settings.data)
    yield store
    await store.close()


def digests(directory: Path) -> list[bytes]:
    connection = open_reader(directory)
    try:
        return [row[0] for row in connection.execute("SELECT digest FROM api_keys").fetchall()]
    finally:
        connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_first_start_makes_one_key_and_private_files(store: LocalStore, settings: Settings) -> None:
    secret = await bootstrap(store, settings, settings.data)
    assert secret is not None and not is_mistyped(secret)
    assert (settings.data / "admin-key").read_text() == secret + "\n"
    assert mode(settings.data / "admin-key") == mode(settings.data / "private-token") == 0o600
    assert digests(settings.data) == [digest_of(Secret.load(settings.data), secret)]


async def test_later_starts_change_nothing(store: LocalStore, settings: Settings) -> None:
    await bootstrap(store, settings, settings.data)
    files = {name: (settings.data / name).read_text() for name in ("admin-key", "private-token")}
    assert await bootstrap(store, settings, settings.data) is None
    assert {name: (settings.data / name).read_text() for name in files} == files
    assert len(digests(settings.data)) == 1


async def test_lost_key_file_is_not_made_again(store: LocalStore, settings: Settings) -> None:
    await bootstrap(store, settings, settings.data)
    (settings.data / "admin-key").unlink()
    assert await bootstrap(store, settings, settings.data) is None
    assert not (settings.data / "admin-key").exists()


class DyingStore:
    """A store that is gone when the command comes, before or after it was stored."""

    def __init__(self, store: LocalStore, *, stored: bool) -> None:
        self._store = store
        self._stored = stored

    async def execute(self, command: Command) -> Any:
        if self._stored:
            await self._store.execute(command)
        raise ServiceUnavailableError("gone")

    async def query(self, kind: str, body: Any = None) -> Any:
        return await self._store.query(kind, body)

    async def close(self) -> None:
        await self._store.close()


async def test_death_between_file_and_commit_goes_on_with_the_file(store: LocalStore, settings: Settings) -> None:
    with pytest.raises(ServiceUnavailableError):
        await bootstrap(DyingStore(store, stored=False), settings, settings.data)
    written = (settings.data / "admin-key").read_text().strip()
    assert digests(settings.data) == []
    assert await bootstrap(store, settings, settings.data) == written
    assert digests(settings.data) == [digest_of(Secret.load(settings.data), written)]


async def test_death_after_the_commit_leaves_a_key_that_works(store: LocalStore, settings: Settings) -> None:
    with pytest.raises(ServiceUnavailableError):
        await bootstrap(DyingStore(store, stored=True), settings, settings.data)
    assert await bootstrap(store, settings, settings.data) is None
    written = (settings.data / "admin-key").read_text().strip()
    assert digests(settings.data) == [digest_of(Secret.load(settings.data), written)]


async def test_second_first_start_at_the_same_time_makes_nothing(
    store: LocalStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bootstrap(store, settings, settings.data)
    monkeypatch.setattr("headwater.tenancy.bootstrap.has_organizations", lambda _: False)
    assert await bootstrap(store, settings, settings.data) is None
    assert len(digests(settings.data)) == 1


@pytest.mark.parametrize(
    "key",
    ["mxp_of_another_form", "plain", "sk_0123456789abcdef0123456789abcdef", pytest.param(new_secret(), id="our own")],
)
async def test_operators_key_of_any_form_is_taken(store: LocalStore, settings: Settings, key: str) -> None:
    given = settings.model_copy(update={"bootstrap_key": key})
    assert await bootstrap(store, given, settings.data) == key
    assert (settings.data / "admin-key").read_text() == key + "\n"
    assert digests(settings.data) == [digest_of(Secret.load(settings.data), key)]


@pytest.mark.parametrize("key", ["", "with space", "ümlaut", "line\nbreak", "a" * 513, "sk_" + "a" * 37])
async def test_operators_key_that_could_not_be_used_is_refused(store: LocalStore, settings: Settings, key: str) -> None:
    with pytest.raises(BootstrapKeyError):
        await bootstrap(store, settings.model_copy(update={"bootstrap_key": key}), settings.data)
    assert digests(settings.data) == []


async def test_has_keys(store: LocalStore, settings: Settings) -> None:
    connection = open_reader(settings.data)
    try:
        assert not has_keys(connection)
        await bootstrap(store, settings, settings.data)
        assert has_keys(connection)
    finally:
        connection.close()


async def test_reset_replaces_the_key_and_its_file(store: LocalStore, settings: Settings) -> None:
    first = await bootstrap(store, settings, settings.data)
    key, secret = await reset_admin_key(store, settings.data, None)
    assert secret != first
    assert (settings.data / "admin-key").read_text() == secret + "\n"
    assert digests(settings.data) == [digest_of(Secret.load(settings.data), secret)] == [key.digest]


async def test_reset_makes_no_file_where_the_operator_removed_it(store: LocalStore, settings: Settings) -> None:
    await bootstrap(store, settings, settings.data)
    (settings.data / "admin-key").unlink()
    await reset_admin_key(store, settings.data, None)
    assert not (settings.data / "admin-key").exists()


async def test_reset_of_an_unknown_organization(store: LocalStore, settings: Settings) -> None:
    await bootstrap(store, settings, settings.data)
    with pytest.raises(NotFoundError):
        await reset_admin_key(store, settings.data, "org_nope")
