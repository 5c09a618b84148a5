"""Running the command as a user does: as a process, with its exit code and its two streams."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

_PATIENCE_SECONDS = 60


@dataclass
class Outcome:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def clean_environment(**variables: str) -> dict[str, str]:
    """The environment without what a developer may have set for the command, plus the given variables."""
    # xdist gives its workers the width of the terminal that the tests were started in.
    set_by_others = ("HEADWATER_", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(set_by_others)}
    return {**kept, **variables}


def headwater(*arguments: str | Path, stdin: str = "", **environment: str) -> Outcome:
    """Run ``headwater`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "headwater", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        env=clean_environment(**environment),
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@dataclass
class Serving:
    """A ``headwater serve`` that has said where it is."""

    process: subprocess.Popen[str]
    announced: dict[str, Any]
    log: Path

    @property
    def url(self) -> str:
        return str(self.announced["url"])

    @property
    def data(self) -> Path:
        return Path(self.announced["data"])

    @property
    def key(self) -> str:
        return (self.data / "admin-key").read_text().strip()

    @property
    def storage_pid(self) -> int:
        return int(json.loads((self.data / "lock").read_text())["pid"])

    def children(self) -> list[int]:
        """Process ids of storage, workers and job lane."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_PATIENCE_SECONDS)


@contextmanager
def serving(data: Path, log: Path, *arguments: str, **environment: str) -> Iterator[Serving]:
    """A server on a free port, killed at the end when the test did not stop it."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "headwater", "serve", "--data", str(data), "--port", "0", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environment(**environment),
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"headwater serve ended: {log.read_text()}"
        yield Serving(process, json.loads(line), log)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(_PATIENCE_SECONDS)
        process.stdout.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``with serve("--workers", "2") as server:`` on ``tmp_path / "data"``, as often as wanted."""
    yield lambda *arguments, **environment: serving(
        tmp_path / "data", tmp_path / "server.log", *arguments, **environment
    )
