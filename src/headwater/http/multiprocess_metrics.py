"""Where several workers keep their numbers, so that one scrape shows all of them.

This module must not import prometheus_client before ``prepare``: that reads the environment when it is imported.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_DIRECTORY = "metrics"
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Far more than the routes' series need. prometheus_client would grow a file beyond it, sparsely.
_FILE_BYTES = 1024 * 1024
_KINDS = ("counter", "gauge_livesum", "histogram")


def prepare(data: Path) -> None:
    """Give this worker its files. Without room for them it keeps its numbers to itself.

    The files are mapped into memory. A sparse one would kill the worker (SIGBUS) at the first number that it counts
    on a full disk, so their space is taken beforehand.
    """
    # Counters start at zero with the server, not with a worker that is restarted, so the supervisor names the place.
    directory = data / _DIRECTORY / str(os.getppid())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _remove_predecessors(directory)
        for kind in _KINDS:
            _allocate(directory / f"{kind}_{os.getpid()}.db")
    except OSError:
        os.environ.pop(_VARIABLE, None)
        return
    os.environ[_VARIABLE] = str(directory)


def remember_process() -> None:
    """Have prometheus_client ask for the process id once. A worker never forks, and the question is a system call at
    every number that it counts: a tenth of the time of a get. Call after ``prepare``, before any metric is made."""
    if _VARIABLE not in os.environ:
        return
    from prometheus_client import values

    process_id = os.getpid()
    values.ValueClass = values.MultiProcessValue(lambda: process_id)  # type: ignore[no-untyped-call]


def _remove_predecessors(directory: Path) -> None:
    for sibling in directory.parent.iterdir():
        if sibling != directory:
            shutil.rmtree(sibling, ignore_errors=True)
    for path in directory.glob("gauge_live*_*.db"):
        if not Path(f"/proc/{path.stem.rpartition('_')[2]}").exists():
            # A worker that died has no requests in flight.
            path.unlink(missing_ok=True)


def _allocate(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _FILE_BYTES)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)
