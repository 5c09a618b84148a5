"""Memory of a whole process tree, and disk space that is really taken."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Bytes, summed over the processes. PSS counts a page that two of them share once, RSS twice."""

    resident: int
    proportional: int


def tree(pid: int) -> Iterator[int]:
    """The process and all its living descendants."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from tree(int(child))


def memory(pid: int) -> Memory:
    resident = proportional = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                resident += int(rest.split()[0]) * 1024
            elif name == "Pss":
                proportional += int(rest.split()[0]) * 1024
    return Memory(resident, proportional)


def disk_bytes(directory: Path) -> int:
    """Allocated blocks, so that the holes of mapped files do not count."""
    return sum(path.lstat().st_blocks * 512 for path in directory.rglob("*"))


def kill(pid: int) -> None:
    """SIGKILL to the whole tree."""
    for one in list(tree(pid)):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
