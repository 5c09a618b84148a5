"""A change of many documents outlives the processes that work on it: each document is changed and counted once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .audit import all_documents
from .kill_rig import seed_of_this_run
from .live_server import LiveServer
from .storage_socket import StorageSocket

_DOCUMENTS = 1500
_NAMESPACE = "bulk"
_PATH = "/v1/collections/things/documents"
_UPDATE = {"update_data": {"seen": 1, "metadata.seen": 1}}


@contextmanager
def _filled(tmp_path: Path, **environment: str) -> Iterator[LiveServer]:
    with LiveServer(tmp_path / "data", log=tmp_path / "log", environment=environment) as server:
        server.start()
        with server.api() as api:
            api.post("/v1/namespaces", {"namespace_name": _NAMESPACE})
        with server.api(_NAMESPACE) as api:
            api.post("/v1/collections", {"collection_name": "things", "source": {"type": "none"}})
            for start in range(0, _DOCUMENTS, 500):
                documents = [{"document_id": f"d{start + n}", "vectors": {}} for n in range(500)]
                body = {"collection_id": "things", "documents": documents}
                api.post(f"/v1/namespaces/{_NAMESPACE}/documents/upsert", body)
        yield server


def _newest_version(server: LiveServer) -> int:
    """Every change of a document takes the next number, so the difference of two tells how many changes there were."""
    with StorageSocket(server.data) as storage:
        return int(storage.database.execute("SELECT max(sequence) FROM documents").fetchone()[0])


def _check_each_was_changed_once(server: LiveServer, before: int) -> None:
    with server.api(_NAMESPACE) as api:
        documents = list(all_documents(api, _PATH))
    assert [document["seen"] for document in documents] == [1] * _DOCUMENTS
    assert _newest_version(server) == before + _DOCUMENTS


def _ended(server: LiveServer, task_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = _task(server, task_id)
        if found is not None and found["status"] not in ("PENDING", "IN_PROGRESS"):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the task did not end\n{server.tail()}")


def _task(server: LiveServer, task_id: str) -> dict[str, Any] | None:
    with server.api(_NAMESPACE) as api:
        answer = api.try_request("GET", f"/v1/tasks/{task_id}")
    return None if answer is None or answer.status != 200 else dict(answer.json)


@pytest.mark.parametrize("failpoint", ["commit.before=exit@6", "commit.after=exit@6", "apply.after=exit@7"])
def test_the_storage_process_dies_between_slices_of_a_request(tmp_path: Path, failpoint: str) -> None:
    with _filled(tmp_path) as server:
        before = _newest_version(server)
        assert server.stop() == 0
        server.start(environment={"HEADWATER_FAILPOINTS": failpoint})
        victims = server.pids("storage")
        with server.api(_NAMESPACE) as api:
            answer = api.request("PATCH", f"{_PATH}/bulk", _UPDATE)
        assert server.pids("storage") != victims, "the failpoint was not reached"
        assert answer.status == 200, f"{answer.body!r}\n{server.tail()}"
        found = _ended(server, answer.json["task_id"])
        assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", _DOCUMENTS)
        _check_each_was_changed_once(server, before)


@pytest.mark.parametrize("victim", ["everything", "lane", "storage", "worker"])
def test_a_task_goes_on_where_it_was(tmp_path: Path, victim: str) -> None:
    choose = random.Random(seed_of_this_run())
    slow = {"HEADWATER_FAILPOINTS": "commit.before=sleep:0.05"}
    with _filled(tmp_path, HEADWATER_BULK_INLINE_DOCUMENTS="10") as server:
        before = _newest_version(server)
        assert server.stop() == 0
        server.start(environment=slow)
        with server.api(_NAMESPACE) as api:
            started = api.request("PATCH", f"{_PATH}/bulk", _UPDATE).json
        assert started["status"] == "PENDING"
        _wait_begun(server, started["task_id"])
        if victim == "everything":
            server.kill()
            server.start()
        else:
            server.kill_one(victim, choose)
        found = _ended(server, started["task_id"])
        assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", _DOCUMENTS)
        _check_each_was_changed_once(server, before)


def test_the_worker_dies_in_the_middle_of_its_request(tmp_path: Path) -> None:
    with _filled(tmp_path) as server:
        before = _newest_version(server)
        assert server.stop() == 0
        server.start(environment={"HEADWATER_FAILPOINTS": "commit.before=sleep:0.05"})

        def ask() -> None:
            with server.api(_NAMESPACE) as api:
                assert api.try_request("PATCH", f"{_PATH}/bulk", _UPDATE) is None

        asking = threading.Thread(target=ask)
        asking.start()
        task_id = _begun_task(server)
        server.kill_one("worker", random.Random(seed_of_this_run()))
        asking.join()
        found = _ended(server, task_id)
        assert (found["status"], found["additional_data"]["updated_count"]) == ("COMPLETED", _DOCUMENTS)
        _check_each_was_changed_once(server, before)


def _begun_task(server: LiveServer) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with StorageSocket(server.data) as storage:
            row = storage.database.execute("SELECT job_id FROM jobs WHERE kind = 'documents.bulk_update'").fetchone()
        if row is not None:
            return str(row[0])
        time.sleep(0.005)
    raise AssertionError(f"no change has begun\n{server.tail()}")


def _wait_begun(server: LiveServer, task_id: str) -> None:
    """Wait until some documents are changed, and not all."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = _task(server, task_id)
        if found is not None and 0 < found["additional_data"]["updated_count"] < _DOCUMENTS:
            return
        time.sleep(0.005)
    raise AssertionError(f"the task has not begun\n{server.tail()}")
