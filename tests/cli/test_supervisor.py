"""Stopping, dying and being started twice: nothing acknowledged is lost and nobody else is harmed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import httpx2
import pytest

from tests.cli.conftest import Serving, clean_environment, headwater, serving

_PATIENCE_SECONDS = 30


def eventually(condition, what: str):
    """The condition's first true value. It decides by what happens, not by how long it takes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.02)
    return found


def is_gone(pid: int) -> bool:
    try:
        # A zombie has ended; that nobody has asked for its status yet is another matter.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def make_collection(server: Serving) -> dict[str, str]:
    """A namespace and the collection ``things``; the headers to use them."""
    with server.client() as client:
        namespace = client.post("/v1/namespaces", json={"namespace_name": "lifecycle"})
        assert namespace.status_code == 200, namespace.text
        headers = {"X-Namespace": "lifecycle", "Authorization": f"Bearer {server.key}"}
        body = {"collection_name": "things", "source": {"type": "none"}}
        made = client.post("/v1/collections", json=body, headers=headers)
        assert made.status_code == 200, made.text
    return headers


def create(client: httpx2.Client, number: int) -> str | None:
    """The id of a new document, or None when the server was gone before it answered."""
    try:
        answer = client.post("/v1/collections/things/documents", json={"number": number})
    except httpx2.TransportError:
        return None
    if answer.status_code == 503:
        return None
    assert answer.status_code == 200, answer.text
    return str(answer.json()["document_id"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_with_requests_in_flight_loses_no_answered_write(serve, number):
    acknowledged: list[str] = []
    enough = threading.Event()

    def write(client: httpx2.Client, start: int) -> None:
        for step in range(10_000):
            document_id = create(client, start + step)
            if document_id is None:
                return
            acknowledged.append(document_id)
            if len(acknowledged) > 100:
                enough.set()

    with serve("--workers", "2") as server:
        headers = make_collection(server)
        with (
            httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client,
            ThreadPoolExecutor(32) as pool,
        ):
            writers = [pool.submit(write, client, thread * 10_000) for thread in range(32)]
            assert enough.wait(_PATIENCE_SECONDS)
            assert server.stop(number) == 0
            for writer in writers:
                writer.result(_PATIENCE_SECONDS)
    with serve() as again, httpx2.Client(base_url=again.url, headers=headers, timeout=30) as client:
        found: set[str] = set()
        for start in range(0, len(acknowledged), 1000):
            body = {"document_ids": acknowledged[start : start + 1000]}
            page = client.post("/v1/documents/batch-get", json=body).json()
            assert page["not_found"] == []
            found.update(document["document_id"] for document in page["documents"])
    assert found == set(acknowledged)
    assert len(acknowledged) > 100


def test_second_server_names_the_lock_and_leaves_the_first_alone(serve, tmp_path):
    with serve() as server:
        holder = server.storage_pid
        refused = headwater("serve", "--data", server.data, "--port", "0")
        assert refused.exit_code == 1
        assert f"{server.data / 'lock'} is locked by process {holder}" in refused.stderr
        assert refused.stdout == ""
        assert server.storage_pid == holder
        with server.client() as client:
            assert client.get("/v1/health").json()["status"] == "OK"


def test_killed_storage_process_is_replaced_and_writes_go_on(serve):
    with serve() as server:
        headers = make_collection(server)
        killed = server.storage_pid
        with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
            before = create(client, 1)
            os.kill(killed, signal.SIGKILL)
            after = eventually(lambda: create(client, 2), "a write after the storage process was killed")
            for document_id in (before, after):
                assert client.get(f"/v1/collections/things/documents/{document_id}").status_code == 200
        assert server.storage_pid != killed
        assert '"child":"storage"' in server.log.read_text().replace(" ", "")


def test_killed_workers_lane_and_models_are_replaced(serve):
    with serve("--workers", "2") as server:
        killed = [pid for pid in server.children() if pid != server.storage_pid]
        assert len(killed) == 4
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(server.children()) == 5 and not set(server.children()) & set(killed), "new children")
        # The listening socket is the supervisor's: a connection waits in it until a new worker accepts.
        with server.client() as client:
            assert client.get("/v1/me").status_code == 200


def test_children_end_with_a_killed_supervisor_and_the_directory_is_free(serve):
    with serve("--workers", "2") as server:
        children = server.children()
        server.process.kill()
        server.process.wait()
        eventually(lambda: all(map(is_gone, children)), "the end of the children")
    with serve() as again, again.client() as client:
        assert client.get("/v1/health").json()["status"] == "OK"


def test_newer_database_is_not_opened(serve, tmp_path):
    with serve() as server:
        pass
    connection = apsw.Connection(str(server.data / "headwater.db"))
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    refused = headwater("serve", "--data", server.data, "--port", "0")
    assert refused.exit_code == 1
    assert "999" in refused.stderr


def test_a_missing_directory_of_models_is_told_at_once(tmp_path):
    missing = tmp_path / "no-models"
    refused = headwater("serve", "--data", tmp_path / "data", "--port", "0", HEADWATER_MODELS_DIR=str(missing))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert f"there is no directory {missing}" in refused.stderr
    assert "hint: correct HEADWATER_MODELS_DIR" in refused.stderr


def test_path_too_long_for_a_socket_still_works(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with serving(deep, tmp_path / "server.log") as server, server.client() as client:
        assert client.get("/v1/health").json()["status"] == "OK"
        assert not (deep / "storage.sock").exists()
        made = headwater("organizations", "create", "Second", "--email", "a@b.c", "--data", deep, "--json")
        assert made.exit_code == 0, made.stderr


def test_load_goes_on_over_killed_workers_and_stores_each_document_once(serve, tmp_path):
    file = tmp_path / "documents.jsonl"
    file.write_text("\n".join(json.dumps({"number": number}) for number in range(1500)))
    with serve() as server:
        headers = make_collection(server)
        variables = clean_environment(
            HEADWATER_URL=server.url, HEADWATER_API_KEY=server.key, HEADWATER_NAMESPACE="lifecycle"
        )
        command = [sys.executable, "-m", "headwater", "documents", "create", "things", str(file), "--json"]
        load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
        with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:

            def count() -> int:
                return int(client.get("/v1/collections/things/documents/count").json()["count"])

            eventually(lambda: count() > 100, "the first documents")
            for pid in server.children():
                os.kill(pid, signal.SIGKILL)
            said, complaints = load.communicate(timeout=_PATIENCE_SECONDS * 4)
            assert load.returncode == 0, complaints
            assert json.loads(said)["acknowledged"] == 1500
            assert eventually(count, "an answer") == 1500
