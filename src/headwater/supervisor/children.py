"""``headwater serve``: storage process, HTTP workers, job lane, model process, and a parent that keeps them alive.

The parent holds no data and serves no request. It binds the listening socket before anything starts, so that a taken
port is told at once, and hands the descriptor to the workers; a connection made while a worker restarts waits in the
kernel's queue. It runs without threads, because a thread that forks and ends would take its children with it
(see ``kit.process``).
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from headwater.kit.process import die_with_parent

log = structlog.get_logger("supervisor")

_FIRST_BACKOFF_SECONDS = 0.1
_LONGEST_BACKOFF_SECONDS = 5.0
#: A child that ran this long was healthy: its next failure starts with the short backoff again.
_HEALTHY_SECONDS = 10.0
#: From SIGTERM to the exit. A service manager usually allows more before it kills.
_STOP_SECONDS = 9.5


class StartError(Exception):
    """The server cannot start. The message is for the operator; ``hint`` is the next step."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass
class Child:
    """A process to keep running: ``python -m <arguments>``."""

    name: str
    arguments: list[str]
    inherited: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    backoff_seconds: float = 0.0
    #: When to start it again; None while it runs.
    restart_at: float | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=2,  # our standard output carries the URL and the key, nothing else
            pass_fds=self.inherited,
            # A group of its own, or Ctrl-C would stop the storage process before the workers are done with it.
            start_new_session=True,
            # Safe here: there are no threads that could hold a lock while we fork.
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        self.started_at = time.monotonic()
        self.restart_at = None

    def exit_status(self) -> int | None:
        """The status of a process that ended and was not yet accounted for: negative for a signal."""
        return self.process.poll() if self.process is not None else None

    def schedule_restart(self) -> None:
        now = time.monotonic()
        if now - self.started_at > _HEALTHY_SECONDS:
            self.backoff_seconds = 0.0
        self.restart_at = now + self.backoff_seconds
        self.backoff_seconds = min(max(self.backoff_seconds * 2, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS)
        self.process = None

    def stop(self, deadline: float) -> None:
        """Ask it to end and wait; kill it when the deadline (monotonic seconds) passes."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.05))
        except subprocess.TimeoutExpired:
            log.warning("child did not stop in time", child=self.name, pid=self.process.pid)
            self.process.kill()
            self.process.wait()

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


class StopRequested(Exception):
    """SIGTERM or SIGINT arrived."""


@dataclass
class Supervisor:
    """Keeps one storage process, then workers, job lane and models, alive until a signal asks to stop.

    ``storage_answers`` tells whether the storage process can be used; it must not block for more than a moment.
    """

    storage: Child
    workers: list[Child]
    lane: Child
    models: Child
    storage_answers: Callable[[], bool]
    _stopping: bool = False
    _ready: bool = False
    _running: list[Child] = field(default_factory=list)

    def __enter__(self) -> Supervisor:
        self._wake, wake_writer = socket.socketpair()
        self._wake_writer = wake_writer
        wake_writer.setblocking(False)
        signal.set_wakeup_fd(wake_writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        # Without a handler the wakeup descriptor is not written to; the exit itself is found by polling.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        self._wake.close()
        self._wake_writer.close()

    def _request_stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def start_storage(self) -> None:
        self._run(self.storage)

    def wait_for_storage(self) -> None:
        """Return once the storage process answers. Raises ``StartError`` when it gives up by itself."""
        while not self.storage_answers():
            self._turn(0.02)
        self._ready = True

    def start_workers(self) -> None:
        for child in (*self.workers, self.lane, self.models):
            self._run(child)

    def keep_alive(self, until: Callable[[], bool] | None = None, poll_seconds: float = 1.0) -> None:
        """Restart what dies, until the condition holds. Raises ``StopRequested`` on SIGTERM and SIGINT."""
        while until is None or not until():
            self._turn(poll_seconds)

    def stop(self) -> None:
        """Workers finish their requests first, then lane and models, then the storage process flushes."""
        deadline = time.monotonic() + _STOP_SECONDS
        for group, reserve_seconds in ((self.workers, 1.2), ([self.lane, self.models], 0.9), ([self.storage], 0.0)):
            for child in group:
                child.terminate()
            for child in group:
                child.stop(deadline - reserve_seconds)

    def _run(self, child: Child) -> None:
        child.start()
        self._running.append(child)

    def _turn(self, seconds: float) -> None:
        """Wait for a signal or that long, then look after the children."""
        waits = [child.restart_at - time.monotonic() for child in self._running if child.restart_at]
        ready, _, _ = select.select([self._wake], [], [], max(min([seconds, *waits]), 0))
        if ready:
            self._wake.recv(4096)
        if self._stopping:
            raise StopRequested
        for child in self._running:
            self._look_after(child)

    def _look_after(self, child: Child) -> None:
        status = child.exit_status()
        if status is not None:
            if child is self.storage and status > 0 and not self._ready:
                # It has said why on standard error: a locked directory, a newer format, a damaged file.
                raise StartError(f"the storage process ended with status {status}")
            child.schedule_restart()
            log.error(
                "child ended, starting it again",
                child=child.name,
                exit_status=status,
                delay_seconds=round(max((child.restart_at or 0) - time.monotonic(), 0), 2),
            )
        if child.restart_at is not None and child.restart_at <= time.monotonic():
            child.start()
