"""The power goes while writers are at work: acknowledged writes are on the disk, whatever the page cache held."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from .kill_rig import KillRig, seed_of_this_run
from .loop_disk import MEBIBYTE, LoopDisk, unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=unavailable() or "")
_BUSY = {"HEADWATER_CHECKPOINT_SECONDS": "1", "HEADWATER_CHECKPOINT_OPERATIONS": "300"}


def _round(rig: KillRig, disk: LoopDisk, number: int) -> None:
    rig.load()
    rig.wait_for_acknowledgements(1)
    time.sleep(rig.choose.uniform(0.05, 0.8))
    disk.cut_power()
    rig.server.kill()
    rig.stop_writers()
    for oracle in rig.oracles:
        # A machine without power answers nothing, so what the dying processes said about errors is no finding.
        oracle.violations.clear()
    disk.restore_power()
    rig.server.start()
    rig.audit(f"power cut {number}")


def _rounds(tmp_path: Path, rounds: int) -> None:
    seed = seed_of_this_run()
    print(f"seed {seed}")
    with (
        LoopDisk(tmp_path, 512 * MEBIBYTE) as disk,
        KillRig(disk.mount_point / "data", tmp_path / "log", seed, _BUSY) as rig,
    ):
        rig.first_start()
        for number in range(rounds):
            _round(rig, disk, number)


def test_power_cut_loses_nothing_acknowledged_3_rounds(tmp_path: Path) -> None:
    _rounds(tmp_path, 3)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_power_cut_loses_nothing_acknowledged_100_rounds(tmp_path: Path, part: int) -> None:
    _rounds(tmp_path, 25)


def test_power_cut_without_syncs_does_lose(tmp_path: Path) -> None:
    """The control arm: the same rig sees losses where there are some."""
    unsafe = _BUSY | {"HEADWATER_SYNCHRONOUS": "OFF"}
    with (
        LoopDisk(tmp_path, 512 * MEBIBYTE) as disk,
        KillRig(disk.mount_point / "data", tmp_path / "log", seed_of_this_run(), unsafe) as rig,
    ):
        rig.first_start()
        os.sync()  # the ground to stand on: keys and collection survive, so that the losses can be counted
        with pytest.raises(AssertionError, match="is lost"):
            for number in range(12):
                _round(rig, disk, number)
