"""A crash keeps points that were written since the last flush; they must take changes all the same."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange, VectorSpec
from tests.store.conftest import WIDTH, vector

SPECS = [VectorSpec("v", "dense", WIDTH, "cosine")]
ROWS = list(range(1, 401))
#: Writes for ever, flushes now and then and says so; its last flush is well behind when it is killed.
_WRITER = """
import random, sys
from pathlib import Path
from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange
from tests.store.conftest import vector
from tests.store.test_unflushed_points import ROWS, SPECS
directory, seed = Path(sys.argv[1]), int(sys.argv[2])
shard = EdgeShard.open(directory, ROWS) if directory.exists() else EdgeShard.create(directory, SPECS)
choose = random.Random(seed)
number = seed * 1_000_000
while True:
    changes = []
    for _ in range(choose.randint(1, 20)):
        number += 1
        changes.append(PointChange(choose.choice(ROWS), number, [vector(number)]))
    shard.apply(changes, SPECS)
    if choose.random() < 0.1:
        shard.flush()
        print(number, flush=True)
"""


def test_points_of_before_a_crash_take_the_changes_of_after_it(tmp_path: Path) -> None:
    choose = random.Random(7)
    directory = tmp_path / "shard"
    # One crash in twelve or so leaves points behind that would take no changes.
    for seed in range(1, 13):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(directory), str(seed)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(choose.randint(1, 4)):
            assert process.stdout.readline()
        time.sleep(choose.uniform(0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        copy = tmp_path / f"copy-{seed}"
        shutil.copytree(directory, copy)
        shard = EdgeShard.open(copy, ROWS)
        for number in (seed * 10_000_000, seed * 10_000_000 + 1000):
            shard.apply([PointChange(row, number + row, [vector(row)]) for row in ROWS], SPECS)
            assert dict(shard.scan()) == {row: number + row for row in ROWS}
        shard.close()
        shutil.rmtree(copy)
