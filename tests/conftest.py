"""What tests share: a store in this process, an application around it, and a real server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import settings as hypothesis_settings

from headwater import ids
from headwater.settings import Settings

# A slow example on a busy machine is no failure.
hypothesis_settings.register_profile("patient", deadline=None)
hypothesis_settings.load_profile("patient")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", sqlite_cache_bytes=8 << 20, reserve_bytes=0)


@pytest.fixture(scope="session")
def own_models() -> Iterator[Any]:
    """The models that come with Headwater, loaded once for all tests of this process."""
    from headwater.models.local import LocalModels
    from headwater.models.registry import Registry

    models = LocalModels(Registry(), lanes=1)
    yield models
    asyncio.run(models.close())


@pytest.fixture
async def models(settings: Settings, own_models: Any) -> AsyncIterator[Any]:
    """What ``runtime.models`` is: with those of the operator when the settings name a directory of them."""
    from headwater.models.local import LocalModels
    from headwater.models.registry import Registry

    if settings.models_dir is None:
        yield own_models
        return
    models = LocalModels(Registry(settings.models_dir), lanes=1)
    yield models
    await models.close()


@pytest.fixture
async def runtime(settings: Settings, anyio_backend: str, models: Any) -> AsyncIterator[Any]:
    """A runtime over a store in this process, with the organization of a first start. ``runtime.admin_key`` is kept
    in ``DIR/admin-key``."""
    from headwater.blobs.opening import open_blobs
    from headwater.catalog.cache import Catalogue
    from headwater.catalog.reader import Reader
    from headwater.kit.secrets import Secret
    from headwater.runtime import Runtime
    from headwater.store.fields.learning import FieldLearner
    from headwater.store.lanes import ThreadLanes
    from headwater.store.local import LocalStore
    from headwater.tenancy.bootstrap import bootstrap

    store = LocalStore(settings.data, settings)
    secret = Secret.load_or_create(settings.data)
    await bootstrap(store, settings, settings.data)
    reader = Reader(settings.data)
    learner = FieldLearner(store, settings)
    catalogue, lanes, blobs = Catalogue(reader.connection), ThreadLanes(reader), open_blobs(settings, secret)
    yield Runtime(settings, secret, store, reader, catalogue, lanes, learner, blobs, models)
    await learner.settle()
    await blobs.close()
    reader.close()
    await store.close()


@pytest.fixture
def admin_key(settings: Settings, runtime: Any) -> str:
    return (settings.data / "admin-key").read_text().strip()


@pytest.fixture
async def app(runtime: Any) -> AsyncIterator[Any]:
    from headwater.app import create_app

    app = create_app(runtime)
    yield app
    await app.state.runtime.executions.close()


@pytest.fixture
async def anonymous(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater") as client:
        yield client


@pytest.fixture
async def client(app: Any, admin_key: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the admin key and ``X-Namespace`` of a namespace ``test``, made here."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        made = await client.post("/v1/namespaces", json={"namespace_name": "test"})
        assert made.status_code == 200, made.text
        client.headers["X-Namespace"] = made.json()["namespace_id"]
        yield client


@pytest.fixture
async def collection(client: httpx2.AsyncClient) -> dict[str, Any]:
    """A hand-filled collection ``things`` in the client's namespace."""
    made = await client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
    assert made.status_code == 200, made.text
    return dict(made.json())


@pytest.fixture
def with_key(client: httpx2.AsyncClient) -> Callable[..., Awaitable[dict[str, str]]]:
    """``await with_key(scopes=…)`` makes a key and returns the header that sends it."""

    async def make(**body: Any) -> dict[str, str]:
        me = (await client.get("/v1/me")).json()
        path = f"/v1/organizations/users/{me['user_email']}/api-keys"
        answer = await client.post(path, json={"name": ids.new_task_id(), "permissions": ["admin"], **body})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['key']}"}

    return make


@dataclass
class Server:
    """A ``headwater serve`` process and how to reach it."""

    data: Path
    process: subprocess.Popen[str]
    url: str
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    def client(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={**self.headers, **headers}, timeout=60)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return self.process.returncode


def start_server(data: Path, *arguments: str, **environment: str) -> Server:
    """Start a server on a free port and wait until everything behind it is up."""
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater", "serve", "--data", str(data), "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait()
        process.stdout.close()
        raise AssertionError(f"headwater serve ended with {process.returncode}")
    url = json.loads(line)["url"]
    key = (data / "admin-key").read_text().strip()
    with urllib.request.urlopen(f"{url}/v1/health", timeout=30) as answer:
        assert answer.status == 200
    return Server(data, process, url, key, {"Authorization": f"Bearer {key}"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server with two workers, stopped by its own process id."""
    with ExitStack() as stack:
        running = start_server(tmp_path / "data", "--workers", "2")
        stack.callback(running.stop)
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same, one for a whole file: starting one costs more than all that many tests do with it."""
    with ExitStack() as stack:
        running = start_server(tmp_path_factory.mktemp("shared") / "data", "--workers", "2")
        stack.callback(running.stop)
        yield running


@contextmanager
def generated_client(server: Server, key: str | None = None) -> Iterator[Any]:
    """The generated SDK's client, with that key or the administrator's."""
    import mixpeek

    with mixpeek.ApiClient(mixpeek.Configuration(host=server.url)) as client:
        client.set_default_header("Authorization", f"Bearer {key or server.key}")
        yield client
        client.rest_client.pool_manager.clear()
