"""Operator commands, run as an operator would: as processes of their own."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    status: int
    output: str


def headwater(*arguments: str, timeout_seconds: float = 120) -> Done:
    """``headwater <arguments>``: its exit status, and what it wrote to both outputs."""
    done = subprocess.run(
        [sys.executable, "-m", "headwater", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return Done(done.returncode, done.stdout)
