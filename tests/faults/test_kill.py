"""kill -9 at random moments under load: what was acknowledged is there, equal, listed and found.

``HEADWATER_FAULT_SEED=…`` repeats the choices of a run; every failure names its seed.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from .kill_rig import KillRig, seed_of_this_run
from .storage_socket import StorageSocket

#: All processes together are the classic crash; one alone must be invisible but for slow or refused requests.
_VICTIMS = ("everything", "everything", "storage", "worker", "lane", "builder")
#: Graphs from a hundred vectors on, checkpoints every second: rare in life, frequent here.
_BUSY = {
    "HEADWATER_INDEX_THRESHOLD": "100",
    "HEADWATER_CHECKPOINT_SECONDS": "1",
    "HEADWATER_CHECKPOINT_OPERATIONS": "300",
}


def _request_build(rig: KillRig) -> None:
    with StorageSocket(rig.server.data) as storage:
        row = storage.collection_row(rig.collection_id)
        storage.ask("execute", {"command": "RequestBuild", "collection_row": row})


def _strike(rig: KillRig, victim: str) -> None:
    if victim == "builder":
        _request_build(rig)
        # The builder lives for a moment only; a miss is one more round of plain load.
        deadline = time.monotonic() + 1.5
        while not rig.server.kill_one("builder", rig.choose) and time.monotonic() < deadline:
            time.sleep(0.005)
    elif victim == "everything":
        rig.server.kill()
    else:
        assert rig.server.kill_one(victim, rig.choose), f"no {victim} to kill"


def _round(rig: KillRig, number: int) -> None:
    victim = rig.choose.choice(_VICTIMS)
    rig.load()
    rig.wait_for_acknowledgements(1)
    time.sleep(rig.choose.uniform(0, 0.4))
    _strike(rig, victim)
    if victim == "everything":
        rig.stop_writers()
        rig.server.start()
    else:
        # Writes go on over the gap and after it.
        time.sleep(rig.choose.uniform(0, 0.3))
        rig.stop_writers()
        rig.server.wait_ready()
    rig.audit(f"round {number}, killed {victim}")


def _rounds(tmp_path: Path, rounds: int) -> None:
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run(), _BUSY) as rig:
        print(f"seed {rig.seed}")
        rig.first_start()
        for number in range(rounds):
            _round(rig, number)
        assert rig.acknowledged > 20 * rounds, "too little was written for the rounds to mean anything"
        assert rig.server.stop() == 0


def test_kill_loses_nothing_acknowledged_25_rounds(tmp_path: Path) -> None:
    _rounds(tmp_path, 25)


@pytest.mark.long
@pytest.mark.parametrize("part", range(6))
def test_kill_loses_nothing_acknowledged_300_rounds(tmp_path: Path, part: int) -> None:
    _rounds(tmp_path, 50)


def test_audit_sees_a_loss_a_change_and_an_invention(tmp_path: Path) -> None:
    """The rig itself: what it looks for, planted by hand, is found."""
    with KillRig(tmp_path / "data", tmp_path / "log", seed_of_this_run()) as rig:
        rig.first_start()
        rig.load(operations=20)
        rig.join_writers()
        rig.audit("before anything is planted")
        path = f"/v1/collections/{rig.collection_id}/documents"
        living = [oracle.living() for oracle in rig.oracles]
        with rig.server.api("faults") as api:
            api.ok("DELETE", f"{path}/{living[0][0]}")
            api.ok("PATCH", f"{path}/{living[1][0]}", {"note": "planted"})
            invented = api.post(path, {"marker": "planted"})["document_id"]
        with pytest.raises(AssertionError) as failure:
            rig.audit("planted")
        for planted in (f"{living[0][0]}: is lost", f"{living[1][0]}: fields are", f"{invented}: was never"):
            assert planted in str(failure.value)
