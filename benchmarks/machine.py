"""What the figures were measured on: without it they mean nothing, and across machines only ratios do."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    date: str
    processor: str
    cores: int
    memory_gigabytes: float
    system: str
    python: str
    fsync_milliseconds: float

    def lines(self) -> list[str]:
        return [
            f"date: {self.date}",
            f"machine: {self.cores} cores of {self.processor}, {self.memory_gigabytes:.0f} GB, {self.system}",
            f"Python {self.python}",
            f"fsync: {self.fsync_milliseconds:.2f} ms (median of 4 KB write + fdatasync)",
        ]


def look(directory: Path) -> Machine:
    """The machine, with the sync time of the disk that ``directory`` is on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gigabytes=memory / 1e9,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        fsync_milliseconds=sync_seconds(directory) * 1000,
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def sync_seconds(directory: Path, rounds: int = 200) -> float:
    """The median time of appending 4 KB and making it durable."""
    path = directory / "sync-probe"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    block = os.urandom(4096)
    times = []
    try:
        for _ in range(rounds):
            started = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            times.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(times)
