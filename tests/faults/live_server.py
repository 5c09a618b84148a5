"""A real ``headwater serve`` whose processes can be killed, alone or all together."""

from __future__ import annotations

import os
import queue
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .api import Api

_URL = re.compile(r"http://[\w.\[\]:-]+:\d+")
#: What a process's command line must contain to play that part.
ROLES = {
    "storage": "headwater.store.server",
    "worker": "headwater.worker",
    "lane": "headwater.jobs",
    "builder": "headwater.store.builder",
}


def command_line(pid: int) -> str:
    """The arguments of a process, joined by blanks; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def children_of(pid: int) -> Iterator[int]:
    """The pids of all living descendants."""
    try:
        direct = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, direct):
        yield child
        yield from children_of(child)


class LiveServer:
    """``start`` and ``kill`` may alternate any number of times over one data directory."""

    def __init__(
        self, data: Path, *, environment: Mapping[str, str] | None = None, workers: int = 1, log: Path
    ) -> None:
        self.data = data
        self.log = log
        self.url = ""
        # A line for each request would hide what the log says about faults.
        quiet = {"HEADWATER_LOG_FORMAT": "json", "HEADWATER_LOG_LEVEL": "warning"}
        self._environment = quiet | dict(environment or {})
        self._workers = workers
        self._process: subprocess.Popen[str] | None = None

    # -- life -------------------------------------------------------------------------------------------------

    def start(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        before_exec: Callable[[], None] | None = None,
        await_health: bool = True,
        timeout_seconds: float = 30.0,
    ) -> None:
        """Start and wait until everything behind the API answers. ``environment`` is for this start only."""
        command = [sys.executable, "-m", "headwater", "serve", "--data", str(self.data), "--port", "0"]
        command += ["--workers", str(self._workers)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=os.environ | self._environment | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=before_exec,
            )
        deadline = time.monotonic() + timeout_seconds
        self.url = self._announced_url(deadline)
        if await_health:
            self.wait_ready(deadline - time.monotonic())

    def _announced_url(self, deadline: float) -> str:
        assert self._process is not None and self._process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        # The pipe is read to its end, or a chatty server would block on it.
        threading.Thread(target=_pump, args=(self._process.stdout, lines), daemon=True).start()
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                line = lines.get(timeout=min(remaining, 0.5))
            except queue.Empty:
                assert self._process.poll() is None, f"the server ended:\n{self.tail()}"
                continue
            if found := _URL.search(line):
                return found.group()
        raise AssertionError(f"the server announced no address:\n{self.tail()}")

    def wait_ready(self, timeout_seconds: float = 20.0) -> float:
        """Wait until ``/v1/health`` says OK; the seconds that it took."""
        started = time.monotonic()
        with Api(self.url) as api:
            while time.monotonic() - started < timeout_seconds:
                answer = api.try_request("GET", "/v1/health")
                if answer is not None and answer.status == 200 and answer.json.get("status") == "OK":
                    return time.monotonic() - started
                time.sleep(0.02)
        raise AssertionError(f"not healthy within {timeout_seconds:.0f} s, last: {answer}\n{self.tail()}")

    def stop(self, timeout_seconds: float = 15.0) -> int:
        """SIGTERM, and the exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(timeout_seconds)
        self._process = None
        return status

    def __enter__(self) -> LiveServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.ensure_dead()

    def ensure_dead(self) -> None:
        if self._process is not None:
            self.kill()

    # -- faults -----------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def pids(self, role: str) -> list[int]:
        return [pid for pid in children_of(self.pid) if ROLES[role] in command_line(pid)]

    def kill(self) -> None:
        """SIGKILL to the supervisor and all its descendants, at once."""
        assert self._process is not None
        everybody = _stopped(self.pid)
        for pid in everybody:
            _signal(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        _wait_gone(everybody)

    def kill_one(self, role: str, choose: random.Random) -> bool:
        """SIGKILL to one process of that role; False when there is none at the moment."""
        found = self.pids(role)
        if found:
            _signal(choose.choice(found), signal.SIGKILL)
        return bool(found)

    # -- what it tells ----------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return (self.data / "admin-key").read_text().strip()

    def api(self, namespace: str | None = None) -> Api:
        """A client with the admin key. Close it."""
        return Api(self.url, key=self.key, namespace=namespace)

    def tail(self, lines: int = 40) -> str:
        """The end of the server's log, for the message of a failed test."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _pump(stream: object, lines: queue.Queue[str]) -> None:
    with stream:  # type: ignore[attr-defined]
        for line in stream:  # type: ignore[attr-defined]
            lines.put(line)


def _stopped(pid: int) -> list[int]:
    """The process and all its descendants, none of which can start another one any more.

    Without that, a child started between the look and the blow would live on, with files and locks of its own.
    """
    stopped: list[int] = []
    while running := [found for found in (pid, *children_of(pid)) if found not in stopped]:
        for found in running:
            _signal(found, signal.SIGSTOP)
        stopped += running
    return stopped


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _wait_gone(pids: list[int]) -> None:
    """Killed descendants are reaped by init; until then they may hold files and locks."""
    deadline = time.monotonic() + 20
    while any(command_line(pid) for pid in pids):
        assert time.monotonic() < deadline, f"some of {pids} are still there"
        time.sleep(0.005)
