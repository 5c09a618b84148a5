"""A new index generation is built while clients write, and everything is killed in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .kill_rig import NAMESPACE, KillRig, seed_of_this_run
from .oracle import VECTOR, State, packed
from .storage_socket import StorageSocket
from .test_failpoints import _wait_converged

_DIMENSIONS = 16


def _fill(rig: KillRig, count: int) -> None:
    """Upsert ``count`` documents that the first oracle knows."""
    oracle = rig.oracles[0]
    with rig.server.api(NAMESPACE) as api:
        for start in range(0, count, 1000):
            documents = []
            for number in range(start, min(start + 1000, count)):
                vector = [rig.choose.gauss(0, 1) for _ in range(_DIMENSIONS)]
                fields = {"marker": f"filled-{number}", "n": number}
                document_id = f"doc_{number:024x}"
                documents.append({"document_id": document_id, "vectors": {VECTOR: vector}, "payload": fields})
                oracle.settle(document_id, State(fields, packed(vector)))
            body = {"collection_id": rig.collection_id, "documents": documents}
            api.post(f"/v1/namespaces/{NAMESPACE}/documents/upsert", body)


def _kill_in_build(tmp_path: Path, documents: int) -> None:
    quiet = {"HEADWATER_INDEX_THRESHOLD": "1000000"}
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run(), quiet) as rig:
        print(f"seed {rig.seed}")
        rig.first_start()
        _fill(rig, documents)
        rig.load()
        with StorageSocket(rig.server.data) as storage:
            row = storage.collection_row(rig.collection_id)
            before = storage.database.execute("SELECT generation FROM generations").fetchall()
            storage.ask("execute", {"command": "RequestBuild", "collection_row": row})
        rig.wait_until(lambda: len(list((rig.server.data / "vectors").iterdir())) > 1)
        rig.server.kill()
        rig.stop_writers()
        rig.server.start()
        rig.audit("killed in a build")
        rig.load(operations=30)
        _wait_converged(rig)
        rig.join_writers()
        rig.audit("after the build was taken up again")
        with StorageSocket(rig.server.data) as storage:
            after = storage.database.execute("SELECT generation FROM generations").fetchall()
        assert after != before, "the build was not taken up again"
        assert len(list((rig.server.data / "vectors").iterdir())) == 1
        assert rig.server.stop() == 0


def test_kill_in_a_build_of_5000_loses_nothing_and_the_build_resumes(tmp_path: Path) -> None:
    _kill_in_build(tmp_path, 5_000)


@pytest.mark.long
def test_kill_in_a_build_of_30000_loses_nothing_and_the_build_resumes(tmp_path: Path) -> None:
    _kill_in_build(tmp_path, 30_000)
