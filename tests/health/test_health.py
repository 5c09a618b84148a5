"""Is it up, is everything behind it up, and do probes see the difference?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater import __version__
from headwater.app import create_app
from headwater.blobs.s3 import S3Blobs
from headwater.errors import HeadwaterError
from headwater.models.client import ModelClient
from headwater.models.registry import Registry
from headwater.runtime import Runtime
from headwater.settings import Settings
from headwater.store.client import StoreClient

UP = {
    "cache": True,
    "metadata": True,
    "vector_store": True,
    "object_storage": True,
    "task_queue": True,
    "inference": True,
    "analytics": None,
}


async def test_liveness_and_health_need_no_key(anonymous: httpx2.AsyncClient) -> None:
    assert (await anonymous.get("/v1/health/liveness")).json() == {"status": "OK"}
    answer = await anonymous.get("/v1/health?deep=true&metrics=true")
    assert answer.status_code == 200
    assert answer.json() == {"status": "OK", "data": UP, "errors": None, "meta": {"version": __version__}}


async def test_beat_counts_jobs(anonymous: httpx2.AsyncClient, runtime: Runtime) -> None:
    assert (await anonymous.get("/v1/health/beat")).json()["status"] == "OK"


class Reporting:
    """The real store, except for what it says about itself."""

    def __init__(self, store: Any, **changes: Any) -> None:
        self._store = store
        self._changes = changes

    async def query(self, kind: str, body: Any = None) -> Any:
        return {**await self._store.query(kind, body), **self._changes}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"damaged_indexes": 2}, "vector_store"),
        ({"read_only": "the disk refused"}, "metadata"),
        ({"enough_space": False}, "metadata"),
    ],
)
async def test_partly_up_is_degraded_and_says_why(runtime: Runtime, change: dict[str, Any], part: str) -> None:
    app = create_app(replace(runtime, store=Reporting(runtime.store, **change)))  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://headwater") as client:
        answer = await client.get("/v1/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "DEGRADED"
    assert answer.json()["data"] == {**UP, part: False}
    assert answer.json()["errors"][part]


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[StoreClient]:
    yield StoreClient(tmp_path / "nobody.sock", Settings(outcome_wait_seconds=0.1))


async def test_without_model_process_it_is_degraded(runtime: Runtime, tmp_path: Path) -> None:
    models = ModelClient(tmp_path / "nobody.sock", Registry(), Settings(outcome_wait_seconds=0.1))
    app = create_app(replace(runtime, models=models))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://headwater") as client:
        answer = await client.get("/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "DEGRADED")
    assert answer.json()["data"] == {**UP, "inference": False}
    assert answer.json()["errors"]["inference"] == "the model process is not running; repeat the request"


async def test_without_the_store_of_files_it_is_degraded(runtime: Runtime, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
    names = {"s3_bucket": "files", "s3_access_key_id": "a", "s3_secret_access_key": "b", "s3_endpoint": endpoint}
    away = S3Blobs(Settings(data=tmp_path).model_copy(update=names))
    app = create_app(replace(runtime, blobs=away))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://headwater") as client:
        answer = await client.get("/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "DEGRADED")
    assert answer.json()["data"] == {**UP, "object_storage": False}
    assert "S3 store" in answer.json()["errors"]["object_storage"]


async def test_without_storage_process_it_is_alive_but_not_ready(runtime: Runtime, unreachable: StoreClient) -> None:
    app = create_app(replace(runtime, store=unreachable))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://headwater") as client:
        assert (await client.get("/v1/health/liveness")).status_code == 200
        answer = await client.get("/v1/health")
        assert answer.status_code == 503
        assert answer.json()["error"]["type"] == "ServiceUnavailableError"
        assert int(answer.headers["retry-after"]) >= 1
    with pytest.raises(HeadwaterError):
        await unreachable.query("status")
