"""The disk is full: writes are refused before they touch it, reads and deletes go on, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from .api import Api
from .kill_rig import NAMESPACE, KillRig, seed_of_this_run
from .loop_disk import MEBIBYTE, LoopDisk, unavailable
from .storage_socket import StorageSocket

_BIG = "x" * 400_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[KillRig]:
    """A server with some documents on a disk of 160 MB."""
    if reason := unavailable():
        pytest.skip(reason)
    with (
        LoopDisk(tmp_path, 160 * MEBIBYTE) as disk,
        KillRig(disk.mount_point / "data", tmp_path / "log", seed_of_this_run()) as made,
    ):
        print(f"seed {made.seed}")
        made.first_start()
        made.load(operations=25)
        made.join_writers()
        yield made


class _Filler:
    """A file beside the data directory that takes every free block."""

    def __init__(self, rig: KillRig) -> None:
        self._path = rig.server.data.parent / "filler"

    def __enter__(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT)
        try:
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, bytes(MEBIBYTE))
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, bytes(512))
        finally:
            os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        self._path.unlink()


def _path(rig: KillRig) -> str:
    return f"/v1/collections/{rig.collection_id}/documents"


def _create_until_refused(rig: KillRig, api: Api) -> list[str]:
    made = []
    for _ in range(1000):
        answer = api.request("POST", _path(rig), {"filler": True, "text": _BIG})
        if answer.status != 200:
            assert (answer.status, answer.error_type) == (507, "InsufficientStorageError"), answer
            return made
        made.append(answer.json["document_id"])
    raise AssertionError("the disk never got full")


def _assert_only_writes_refused(rig: KillRig, api: Api, victim: str) -> None:
    """Creates and changes are 507; reads and the delete of ``victim`` are 200."""
    assert api.request("GET", f"{_path(rig)}/{victim}").status == 200
    assert api.request("GET", f"{_path(rig)}?limit=5").status == 200
    assert api.request("POST", _path(rig), {"text": _BIG}).status == 507
    assert api.request("PATCH", f"{_path(rig)}/{victim}", {"text": _BIG}).status == 507
    assert api.request("DELETE", f"{_path(rig)}/{victim}").status == 200
    assert api.request("GET", f"{_path(rig)}/{victim}").status == 404


def _delete_all(rig: KillRig, api: Api, ids: list[str]) -> None:
    for document_id in ids:
        api.ok("DELETE", f"{_path(rig)}/{document_id}")


def test_writes_are_refused_in_time_and_resume_when_there_is_room(rig: KillRig) -> None:
    processes = rig.server.pids("storage")
    with rig.server.api(NAMESPACE) as api:
        made = _create_until_refused(rig, api)
        _assert_only_writes_refused(rig, api, made.pop())
        with _Filler(rig):
            _assert_only_writes_refused(rig, api, made.pop())
            _delete_all(rig, api, [made.pop() for _ in range(10)])
        rig.wait_until(lambda: api.request("POST", _path(rig), {"filler": 2}).status == 200)
        for document in api.get(f"{_path(rig)}?limit=1000")["results"]:
            if document.get("filler") == 2:
                api.ok("DELETE", f"{_path(rig)}/{document['document_id']}")
        _delete_all(rig, api, made)
    assert rig.server.pids("storage") == processes, "the storage process died on the way"
    rig.audit("after the disk was full")


def test_large_tree_is_deleted_from_a_full_disk(rig: KillRig) -> None:
    """Its documents are on pages of their own, so one transaction for all would need more room than there is."""
    with rig.server.api(NAMESPACE) as api:
        api.ok("POST", "/v1/collections", {"collection_name": "tree", "source": {"type": "none"}})
        for number in range(2000):
            parent = {"source_document_id": f"tree_{(number - 1) // 4}"} if number else {}
            body = {"document_id": f"tree_{number}", "text": "x" * 8000, **parent}
            api.ok("POST", "/v1/collections/tree/documents", body)
        made = _create_until_refused(rig, api)
        with _Filler(rig):
            answer = api.request("DELETE", "/v1/collections/tree/documents/tree_0?cascade=true")
            assert (answer.status, answer.json.get("deleted_count")) == (200, 2000), answer
        assert api.get("/v1/collections/tree/documents/count")["count"] == 0
        rig.wait_until(lambda: api.request("PATCH", f"{_path(rig)}/doc_none", {}).status == 404)
        _delete_all(rig, api, made)
    rig.audit("after a tree was deleted from a full disk")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restart_on_a_full_disk_serves_reads(rig: KillRig, end: str) -> None:
    with rig.server.api(NAMESPACE) as api:
        made = _create_until_refused(rig, api)
    with _Filler(rig):
        getattr(rig.server, end)()
        rig.server.start(await_health=False)
        with rig.server.api(NAMESPACE) as api:
            _assert_only_writes_refused(rig, api, made.pop())
    with rig.server.api(NAMESPACE) as api:
        _delete_all(rig, api, made)
        rig.wait_until(lambda: api.request("PATCH", f"{_path(rig)}/doc_none", {}).status == 404)
    # An index that could not be flushed is built again as soon as there is room.
    with StorageSocket(rig.server.data) as storage:
        rig.wait_until(lambda: storage.ask("status")["damaged_indexes"] == 0, 60)
    rig.audit("after a restart on a full disk")


def test_few_file_descriptors_lose_nothing(tmp_path: Path) -> None:
    """With 128 descriptors some of sixty indexes cannot be open at once; that may cost time and 503s, not documents."""
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run()) as rig:
        rig.first_start()
        assert rig.server.stop() == 0
        rig.server.start(before_exec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)))
        vector = {"embedding": [0.5, 0.25, 1.0]}
        body = {"features": [{"feature_extractor_id": "own_v1", "vectors": vector}]}
        acknowledged = []
        with rig.server.api(NAMESPACE) as api:
            for number in range(60):
                collection = {"collection_name": f"crowd_{number}", "source": {"type": "none"}}
                answer = api.request("POST", "/v1/collections", collection)
                assert answer.status in (200, 503), answer
                answer = api.request("POST", f"/v1/collections/crowd_{number}/documents", body)
                assert answer.status in (200, 404, 503), answer
                if answer.status == 200:
                    acknowledged.append((number, answer.json["document_id"]))
        rig.load(operations=20)
        rig.join_writers()
        rig.server.kill()
        rig.server.start()
        rig.audit("with 128 file descriptors")
        assert len(acknowledged) > 30
        with rig.server.api(NAMESPACE) as api:
            for number, document_id in acknowledged:
                path = f"/v1/collections/crowd_{number}/documents/{document_id}?return_vectors=true"
                assert api.get(path)["own_v1_embedding"] == [0.5, 0.25, 1.0]
