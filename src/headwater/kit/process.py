"""A child process must not outlive the process that answers for it."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process (as ``kill -9``) when its parent dies.

    ``parent`` is the process id that the parent must still have; without it, the current one is believed. Linux asks
    for this per thread: the parent must have forked from a thread that lives as long as itself. Elsewhere this only
    notices a parent that is already gone.
    """
    expected = os.getppid() if parent is None else parent
    if _libc is not None and _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # A parent that died before the call above sends no signal any more.
    if os.getppid() != expected:
        os._exit(1)


def collect_rarely() -> None:
    """Spare a process that serves requests the search for cycles among what it made at its start, and most of the
    others: a request's objects form none, and counting references frees them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
