"""An application with one route that gives its body back, in process and behind real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from headwater.app import create_app
from headwater.blobs.opening import open_blobs
from headwater.catalog.cache import Catalogue
from headwater.catalog.reader import Reader
from headwater.http.access import ACCESS, Access
from headwater.http.dependencies import Ctx, JsonObject, OptionalJsonObject
from headwater.http.models import ClosedModel
from headwater.http.route import Route
from headwater.http.server import Server, make_server
from headwater.kit.secrets import Secret
from headwater.models.local import LocalModels
from headwater.models.registry import Registry
from headwater.resources import ROUTERS
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.store.fields.learning import FieldLearner
from headwater.store.lanes import ThreadLanes
from headwater.store.local import LocalStore
from headwater.tenancy.bootstrap import bootstrap
from tests.http.wire import Wire

BYTES_OF_LARGE_ANSWER = 8 << 20


class Note(ClosedModel):
    text: str
    count: int = 1


def echo_router() -> APIRouter:
    router = APIRouter(route_class=Route)

    @router.post("/v1/echo")
    async def echo(ctx: Ctx, body: JsonObject) -> dict[str, Any]:
        return {"body": body, "key": ctx.key.name}

    @router.post("/v1/echo/optional")
    async def echo_optional(body: OptionalJsonObject) -> dict[str, Any]:
        return {"body": body}

    @router.post("/v1/echo/note")
    async def echo_note(note: Note) -> Note:
        return note

    @router.get("/v1/echo/large")
    async def echo_large() -> dict[str, Any]:
        return {"text": "x" * BYTES_OF_LARGE_ANSWER}

    @router.get("/v1/echo/wait/{seconds}")
    async def echo_wait(seconds: float) -> dict[str, Any]:
        await asyncio.sleep(seconds)
        return {"waited": seconds}

    @router.get("/v1/echo/defect")
    async def echo_defect() -> dict[str, Any]:
        raise RuntimeError("canary-in-a-defect")

    @router.get("/v1/echo/items/{item}")
    async def echo_item(item: str) -> dict[str, Any]:
        return {"item": item}

    return router


@pytest.fixture(autouse=True)
def echo_access(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ACCESS, ("POST", "/v1/echo"), Access("write"))
    monkeypatch.setitem(ACCESS, ("POST", "/v1/echo/optional"), Access("write"))
    monkeypatch.setitem(ACCESS, ("POST", "/v1/echo/note"), Access("write"))
    monkeypatch.setitem(ACCESS, ("GET", "/v1/echo/large"), Access("public"))
    monkeypatch.setitem(ACCESS, ("GET", "/v1/echo/wait/{seconds}"), Access("public"))
    monkeypatch.setitem(ACCESS, ("GET", "/v1/echo/defect"), Access("public"))
    monkeypatch.setitem(ACCESS, ("GET", "/v1/echo/items/{item}"), Access("public"))


@pytest.fixture
async def app(runtime: Runtime, echo_access: None) -> FastAPI:
    return create_app(runtime, [*ROUTERS, echo_router()])


@pytest.fixture
async def keyed(app: FastAPI, admin_key: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client with the admin key and no namespace."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {admin_key}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://headwater", headers=headers) as client:
        yield client


class Live:
    """A server on real sockets in a thread of its own, over a real store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self.listener.getsockname()[1]
        self.key = ""
        self.server: Server | None = None
        self.app: FastAPI | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(30)
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            self._failure = error
            self._ready.set()

    async def _main(self) -> None:
        directory = self.settings.data
        store = LocalStore(directory, self.settings)
        secret = Secret.load_or_create(directory)
        await bootstrap(store, self.settings, directory)
        self.key = (directory / "admin-key").read_text().strip()
        reader = Reader(directory)
        catalogue, learner = Catalogue(reader.connection), FieldLearner(store, self.settings)
        blobs, models = open_blobs(self.settings, secret), LocalModels(Registry())
        lanes = ThreadLanes(reader)
        runtime = Runtime(self.settings, secret, store, reader, catalogue, lanes, learner, blobs, models)
        self.app = create_app(runtime, [*ROUTERS, echo_router()])
        self.server = make_server(self.app, self.settings)
        serving = asyncio.create_task(self.server.serve(sockets=[self.listener]))
        while not self.server.started and not serving.done():
            await asyncio.sleep(0.005)
        self._ready.set()
        try:
            await serving
        finally:
            await blobs.close()
            reader.close()
            await store.close()

    def connect(self) -> Wire:
        return Wire(self.port, self.key)

    def stop(self) -> None:
        assert self.server is not None
        self.server.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextmanager
def serving(settings: Settings) -> Iterator[Live]:
    live = Live(settings)
    try:
        yield live
    finally:
        live.stop()


Serve = Callable[..., Live]


@pytest.fixture
def serve(tmp_path: Path, echo_access: None) -> Iterator[Serve]:
    """``serve(setting=value, …)`` starts a server."""
    started: list[Live] = []

    def start(**overrides: Any) -> Live:
        settings = Settings(
            **{"data": tmp_path / "data", "sqlite_cache_bytes": 1 << 20, "reserve_bytes": 0, "drain_seconds": 2}
            | overrides
        )
        started.append(Live(settings))
        return started[-1]

    yield start
    for live in started:
        live.stop()


@pytest.fixture
def live(serve: Serve) -> Live:
    """A server with the usual settings."""
    return serve()
