"""The job lane ends in the middle of an export, import or clone: nothing half is shown, and the next one goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .live_server import LiveServer

DOCUMENTS = 1100
COMPLETE = {"format": "json", "include_vectors": True, "include_lineage": True}
_PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A stopped server with more documents than are exported while a request waits."""
    folder = tmp_path_factory.mktemp("transfers")
    made = LiveServer(folder / "data", log=folder / "log")
    made.start()
    with made.api() as api:
        for name in ("source", "target"):
            api.post("/v1/namespaces", {"namespace_name": name})
    for name in ("source", "target"):
        with made.api(name) as api:
            api.post("/v1/collections", {"collection_name": "things", "source": {"type": "none"}})
    with made.api("source") as api:
        feature = {"feature_extractor_id": "f_v1", "vectors": {"v": [1.0, 2.0]}}
        rows = [{"document_id": f"d{number}", "features": [feature]} for number in range(DOCUMENTS)]
        report = api.post("/v1/collections/things/import", {"export": {"rows": rows}, "mapping": {}})
        assert report["imported"] == DOCUMENTS
    assert made.stop() == 0
    yield made
    made.ensure_dead()


def interrupted(server: LiveServer, failpoint: str, act: Callable[[], Any]) -> None:
    """Act on a server whose lane ends at the failpoint, and end the server when that has happened."""
    impatient = {"HEADWATER_FAILPOINTS": f"{failpoint}=exit@2", "HEADWATER_TRANSFER_WAIT_SECONDS": "0.1"}
    server.start(environment=impatient)
    lane = server.pids("lane")
    act()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while set(lane) & set(server.pids("lane")):
        assert time.monotonic() < deadline, f"{failpoint} was not crossed"
        time.sleep(0.05)
    server.kill()


def exports_of(data: Path) -> set[str]:
    return {path.name for path in (data / "exports").glob("*") if not path.name.startswith(".")}


def test_export(server: LiveServer) -> None:
    before = exports_of(server.data)

    def act() -> None:
        with server.api("source") as api:
            assert api.request("POST", "/v1/collections/things/export", COMPLETE).status == 504

    interrupted(server, "export.written", act)
    assert exports_of(server.data) == before
    server.start()
    with server.api("source") as api:
        answer = api.post("/v1/collections/things/export", COMPLETE)
        assert answer["document_count"] == DOCUMENTS
        assert (
            api.request("GET", "/v1/_storage/" + answer["download_url"].rpartition("/")[2]).body.count(b"\n")
            == DOCUMENTS
        )
    assert not list((server.data / "exports").glob(".partial*"))
    assert server.stop() == 0


def test_import(server: LiveServer) -> None:
    server.start()
    with server.api("source") as api:
        source = api.post("/v1/collections/things/export", COMPLETE)["s3_path"]
    assert server.stop() == 0
    body = {"export": {"s3_path": source}, "mapping": {}}

    def act() -> None:
        with server.api("target") as api:
            assert api.request("POST", "/v1/collections/things/import", body).status == 504

    interrupted(server, "import.stored", act)
    server.start()
    with server.api("target") as api:
        assert api.post("/v1/collections/things/import", body)["imported"] == DOCUMENTS
        assert api.request("GET", "/v1/collections/things/documents/count").json["count"] == DOCUMENTS
    assert server.stop() == 0


def test_clone(server: LiveServer) -> None:
    def act() -> None:
        with server.api() as api:
            assert api.post("/v1/namespaces/source/clone", {"namespace_name": "copy"})["status"] == "cloning"

    interrupted(server, "clone.copied", act)
    server.start()
    with server.api() as api:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := api.request("GET", "/v1/namespaces/copy").json)["clone_status"] == "cloning":
            assert not found["namespace_ready"]
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert (found["clone_status"], found["document_count"]) == ("ready", DOCUMENTS)
    assert server.stop() == 0
