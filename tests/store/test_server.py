"""The storage process over its socket: restarts in the middle, foreign bytes, a second process, a job that is done."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.errors import ConflictError, InternalServerError, NotFoundError, ServiceUnavailableError
from headwater.settings import Settings
from headwater.store.client import StoreClient
from headwater.store.commands.api_keys import NewApiKey
from headwater.store.commands.jobs import ClaimJob, CompleteJob, RenewLease
from headwater.store.commands.organizations import CreateOrganization, UpdateOrganization
from headwater.store.commands.users import NewUser
from headwater.store.server import EXIT_LOCKED

pytestmark = pytest.mark.anyio


class StorageProcess:
    def __init__(self, directory: Path, socket_path: Path) -> None:
        self.directory = directory
        self.socket_path = socket_path
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            self.command(), stderr=subprocess.DEVNULL, env={**os.environ, "HEADWATER_LOG_FORMAT": "json", **environment}
        )

    def command(self) -> list[str]:
        place = ["--data", str(self.directory), "--socket", str(self.socket_path)]
        return [sys.executable, "-m", "headwater.store.server", *place]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def storage(settings: Settings) -> Iterator[StorageProcess]:
    settings.data.mkdir(mode=0o700)
    with tempfile.TemporaryDirectory(prefix="hw-") as short:
        made = StorageProcess(settings.data, Path(short) / "s")
        made.start()
        yield made
        if made.process is not None and made.process.poll() is None:
            made.kill()


@pytest.fixture
async def store(storage: StorageProcess, settings: Settings, anyio_backend: str) -> AsyncIterator[StoreClient]:
    client = StoreClient(storage.socket_path, settings)
    await client.query("status")
    yield client
    await client.close()


def organization(name: str, number: int) -> CreateOrganization:
    identifier = f"org_{number:011d}"
    return CreateOrganization(
        organization_id=identifier,
        organization_name=name,
        body={},
        users=[NewUser(user_id=f"usr_{number}", email="a@b.c", role="admin", status="active", body={})],
        key=NewApiKey(key_id=f"key_{number}", name="k", digest=os.urandom(32), expires_at=None, body={}),
    )


async def names(store: StoreClient, storage: StorageProcess) -> list[str]:
    from headwater.catalog.database import fetch_all, open_reader

    reader = open_reader(storage.directory)
    try:
        return [row[0] for row in fetch_all(reader, "SELECT organization_name FROM organizations ORDER BY 1")]
    finally:
        reader.close()


async def test_write_in_flight_survives_a_kill_and_happens_once(storage: StorageProcess, store: StoreClient) -> None:
    writes = [asyncio.create_task(store.execute(organization(f"n{n:03d}", n))) for n in range(200)]
    await asyncio.sleep(0.01)
    storage.kill()
    storage.start()
    await asyncio.gather(*writes)
    assert await names(store, storage) == [f"n{n:03d}" for n in range(200)]


@pytest.mark.parametrize("failpoint", ["commit.before", "commit.after", "apply.after", "answer.after"])
async def test_death_at_each_step_of_a_write_loses_and_doubles_nothing(
    storage: StorageProcess, store: StoreClient, failpoint: str
) -> None:
    storage.stop()
    storage.start(HEADWATER_FAILPOINTS=f"{failpoint}=exit")
    write = asyncio.create_task(store.execute(organization("only", 1)))
    assert storage.process is not None
    await asyncio.to_thread(storage.process.wait)
    storage.start()
    # With `answer.after` the answer was handed over, not sent; the question for the outcome finds it.
    await write
    assert await names(store, storage) == ["only"]


async def test_store_that_stays_away_is_503_before_and_500_after_sending(
    storage: StorageProcess, settings: Settings
) -> None:
    impatient = settings.model_copy(update={"outcome_wait_seconds": 0.2})
    store = StoreClient(storage.socket_path, impatient)
    try:
        await StoreClient(storage.socket_path, settings).query("status")
        storage.stop()
        storage.start(HEADWATER_FAILPOINTS="commit.before=exit")
        await StoreClient(storage.socket_path, settings).query("status")
        with pytest.raises(InternalServerError) as unknown:
            await store.execute(organization("a", 1))
        assert unknown.value.details == {"retryable": False}
        with pytest.raises(ServiceUnavailableError, match="nothing was stored"):
            await store.execute(organization("b", 2))
    finally:
        await store.close()


async def test_error_of_a_handler_arrives_as_itself(store: StoreClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        await store.execute(UpdateOrganization(organization_id="org_nobody"))
    assert caught.value.details == {"resource": "organization", "id": "org_nobody"}


async def test_sigterm_answers_what_was_sent_and_exits_0(storage: StorageProcess, store: StoreClient) -> None:
    writes = [asyncio.create_task(store.execute(organization(f"n{n}", n))) for n in range(50)]
    await asyncio.sleep(0.02)
    assert await asyncio.to_thread(storage.stop) == 0
    storage.start()
    await asyncio.gather(*writes)
    assert len(await names(store, storage)) == 50


async def test_second_process_is_refused_naming_the_lock(storage: StorageProcess, store: StoreClient) -> None:
    second = await asyncio.to_thread(subprocess.run, storage.command(), capture_output=True, timeout=30)
    assert second.returncode == EXIT_LOCKED
    assert str(storage.directory / "lock") in second.stderr.decode()
    await store.query("status")


async def test_foreign_bytes_do_not_harm_others(storage: StorageProcess, store: StoreClient) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(storage.socket_path))
        stranger.sendall(b"\xff\xff\xff\xffGET / HTTP/1.1\r\n\r\n")
        stranger.settimeout(5)
        assert stranger.recv(10) == b""
    await store.execute(organization("a", 1))
    assert await names(store, storage) == ["a"]


async def test_job_is_leased_to_one_owner_until_its_lease_runs_out(harness: Any) -> None:
    from headwater.store.commands.generations import RequestBuild

    requested = await harness.store.execute(RequestBuild(collection_row=1))
    again = await harness.store.execute(RequestBuild(collection_row=1))
    assert again == requested
    claim = ClaimJob(owner="one", kinds=["index.build"], lease_milliseconds=50)
    job = await harness.store.execute(claim)
    assert job["job_id"] == requested["job_id"]
    other = ClaimJob(owner="two", kinds=["index.build"], lease_milliseconds=60_000)
    assert await harness.store.execute(other) is None
    await asyncio.sleep(0.06)
    assert (await harness.store.execute(other))["job_id"] == job["job_id"]
    with pytest.raises(ConflictError, match="not leased by one"):
        await harness.store.execute(RenewLease(job_id=job["job_id"], owner="one", lease_milliseconds=50))
    await harness.store.execute(CompleteJob(job_id=job["job_id"], owner="two", result={"points": 0}))
    assert await harness.store.execute(other) is None
