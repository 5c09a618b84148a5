"""The power-cut rig proves itself on plain SQLite: it sees losses without syncs and none with them."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from .loop_disk import LoopDisk, unavailable

_WRITER = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = " + sys.argv[2])
connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY)")
number = connection.execute("SELECT ifnull(max(number), 0) FROM numbers").get
while True:
    number += 1
    connection.execute("INSERT INTO numbers VALUES (?)", (number,))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=unavailable() or "")


def _acknowledged_and_kept(disk: LoopDisk, synchronous: str, acknowledge: int) -> tuple[int, int]:
    """Cut the power once that many are acknowledged: the last number that was before the cut, the last one kept.

    A sync that is under way in the moment of the cut may still say that it succeeded, which no disk without power does.
    """
    database = disk.mount_point / "numbers.db"
    command = [sys.executable, "-c", _WRITER, str(database), synchronous]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert writer.stdout is not None and writer.stderr is not None
    last = 0
    for _ in range(acknowledge):
        last = int(writer.stdout.readline())
    disk.cut_power()
    writer.kill()
    writer.wait()
    writer.stdout.close()
    writer.stderr.close()
    disk.restore_power()
    return last, _last_number(database)


def _last_number(database: Path) -> int:
    with contextlib.closing(apsw.Connection(str(database))) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'numbers'").get:
            return 0
        return connection.execute("SELECT ifnull(max(number), 0) FROM numbers").get


def test_rig_loses_unsynced_commits_and_keeps_synced_ones(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    with LoopDisk(tmp_path, 64 * 1024 * 1024) as disk:
        for _ in range(3):
            last, kept = _acknowledged_and_kept(disk, "FULL", choose.randint(20, 200))
            assert kept >= last, f"seed {seed}: {last} was acknowledged, {kept} is the last one kept"
        losses = 0
        for _ in range(12):
            last, kept = _acknowledged_and_kept(disk, "OFF", choose.randint(20, 200))
            losses += kept < last
            if losses:
                break
        assert losses, f"seed {seed}: twelve power cuts without syncs lost nothing, so the rig sees nothing"
