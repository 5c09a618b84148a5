"""The disk refuses to sync: nobody is told that a write is safe, no later sync is trusted, reads go on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .kill_rig import NAMESPACE, KillRig, seed_of_this_run

_COMPILER = shutil.which("cc") or shutil.which("gcc")
pytestmark = pytest.mark.skipif(_COMPILER is None, reason="the shim that breaks fsync needs a C compiler")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert _COMPILER is not None
    library = tmp_path_factory.mktemp("shim") / "sync_shim.so"
    source = Path(__file__).with_name("sync_shim.c")
    command = [_COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


@pytest.mark.parametrize("nth", [1, 2, 5, 30])
def test_failing_sync_makes_the_store_read_only(tmp_path: Path, shim: Path, nth: int) -> None:
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run()) as rig:
        print(f"seed {rig.seed}")
        rig.first_start()
        rig.load(operations=10)
        rig.join_writers()
        assert rig.server.stop() == 0
        trigger = tmp_path / "syncs-fail"
        failing = {"LD_PRELOAD": str(shim), "FAIL_SYNC_FROM": str(nth), "FAIL_SYNC_WHEN": str(trigger)}
        rig.server.start(environment=failing)
        storage = rig.server.pids("storage")
        trigger.touch()
        rig.load()
        path = f"/v1/collections/{rig.collection_id}/documents"
        with rig.server.api(NAMESPACE) as api:
            rig.wait_until(lambda: api.request("POST", path, {"probe": 1}).error_type == "StorageReadOnlyError")
            rig.stop_writers()
            living = [key for oracle in rig.oracles for key in oracle.living()]
            for _ in range(5):
                refused = api.request("POST", path, {"probe": 1})
                assert (refused.status, refused.error_type) == (503, "StorageReadOnlyError")
                assert api.request("DELETE", f"{path}/{living[0]}").status == 503
                assert api.request("GET", f"{path}/{living[0]}").status == 200
        assert rig.server.pids("storage") == storage, "the storage process was restarted"
        rig.server.kill()
        rig.server.start()
        with rig.server.api(NAMESPACE) as api:
            # The probes are no writer's documents.
            for page in api.get(f"{path}?limit=1000")["results"]:
                if "probe" in page:
                    api.ok("DELETE", f"{path}/{page['document_id']}")
        rig.audit(f"sync number {nth} failed")
