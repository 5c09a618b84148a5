"""The job lane: ``python -m headwater.jobs.lane --data DIR --socket PATH``, a niced process that does the jobs.

It looks for runnable ones with a read-only connection, which costs the writer nothing, and leases one at a time a slot.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import structlog
import uvloop

from headwater.blobs.local import LocalBlobs
from headwater.blobs.opening import open_blobs
from headwater.catalog.database import fetch_one, open_reader
from headwater.errors import ConflictError, HeadwaterError, InsufficientStorageError, ServiceUnavailableError
from headwater.jobs.file_upkeep import FileUpkeep
from headwater.jobs.registry import Handler, Work, handlers
from headwater.kit.clock import now_milliseconds
from headwater.kit.log import configure_logs
from headwater.kit.process import die_with_parent
from headwater.kit.secrets import Secret
from headwater.settings import Settings
from headwater.store.client import StoreClient
from headwater.store.commands.base import Command
from headwater.store.commands.fields import ResumeFieldPaths
from headwater.store.commands.jobs import MAX_ATTEMPTS, ClaimJob, CompleteJob, FailJob, ReleaseLeases, RenewLease
from headwater.store.commands.purge import ResumePurges
from headwater.store.commands.tasks import TASK_KINDS
from headwater.store.interface import Store
from headwater.store.transfer.files import sweep

log = structlog.get_logger("headwater.jobs")

_POLL_SECONDS = 0.25
_LEASE_MILLISECONDS = 15_000
_RUNNABLE = (
    "SELECT 1 FROM jobs WHERE state IN ('pending', 'running') AND run_after <= ?1"
    " AND (state = 'pending' OR leased_until < ?1) AND kind IN (SELECT value FROM json_each(?2)) LIMIT 1"
)
#: What takes minutes has a slot of its own: everything else must not wait behind it.
_SLOTS = {
    "build": ["index.build"],
    "transfer": ["collections.export", "collections.import", "namespaces.clone"],
    "bulk": ["documents.bulk_update", "documents.bulk_delete"],
    "uploads": ["uploads.confirm", "uploads.confirm_batch"],
}
_SWEEP_SECONDS = 60.0
#: A full disk, or a store that is away: the server's own jobs wait for their end. Whoever started a task is told.
_PASSING = (InsufficientStorageError, ServiceUnavailableError)


class Lane:
    def __init__(self, directory: Path, settings: Settings, store: Store, started_at: float | None = None) -> None:
        """``started_at``: when the server started, of which this is one process."""
        self._directory = directory
        self._started_at = started_at
        self._settings = settings
        self._store = store
        self._handlers = handlers()
        self._owner = f"lane-{os.getpid()}-{secrets.token_hex(4)}"
        self._reader = open_reader(directory)

    async def run(self) -> None:
        """Work until cancelled. A job that is cut short is leased again when its lease has run out."""
        slow = {kind for kinds in _SLOTS.values() for kind in kinds}
        slots_of = _SLOTS | {"quick": [kind for kind in self._handlers if kind not in slow]}
        async with asyncio.TaskGroup() as slots:
            slots.create_task(self._resume())
            for name, kinds in slots_of.items():
                slots.create_task(self._slot(name, kinds))
            slots.create_task(self._sweep())
            slots.create_task(self._tidy_files())

    async def _resume(self) -> None:
        """Once: take over what a lane before this one was at, and see to it that what was deleted is removed and what
        was to be indexed is indexed in the end, even if the job of it failed for good before this start."""
        waiting: list[Command] = [ReleaseLeases(lane=self._owner), ResumePurges(), ResumeFieldPaths()]
        while waiting:
            try:
                await self._store.execute(waiting[0])
                del waiting[0]
            except HeadwaterError as error:
                log.warning("the job lane waits", reason=error.message)
                await asyncio.sleep(2.0)

    async def _sweep(self) -> None:
        """Remove exports that nobody can fetch any more."""
        while True:
            gone = await asyncio.to_thread(sweep, self._directory)
            if gone:
                log.info("exports are removed", count=len(gone))
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _tidy_files(self) -> None:
        """Remove the files that nobody needs any more."""
        blobs = open_blobs(self._settings, Secret.load(self._directory))
        try:
            upkeep = FileUpkeep(self._directory, self._reader, self._store, blobs)
            # The clock of another machine says when a file of S3 was written.
            await upkeep.run(self._started_at if isinstance(blobs, LocalBlobs) else None)
        finally:
            await blobs.close()

    async def _slot(self, name: str, kinds: list[str]) -> None:
        owner = f"{self._owner}-{name}"
        while True:
            try:
                if not await self._work_one(owner, kinds):
                    await asyncio.sleep(_POLL_SECONDS)
            except HeadwaterError as error:
                # The store is away, read-only or full; the job stays where it is.
                log.warning("the job lane waits", reason=error.message)
                await asyncio.sleep(2.0)

    async def _work_one(self, owner: str, kinds: list[str]) -> bool:
        if fetch_one(self._reader, _RUNNABLE, (now_milliseconds(), json.dumps(kinds))) is None:
            return False
        claim = ClaimJob(owner=owner, kinds=kinds, lease_milliseconds=_LEASE_MILLISECONDS)
        job = await self._store.execute(claim)
        if job is None:
            return False
        await self._perform(owner, job, self._handlers[job["kind"]])
        return True

    async def _perform(self, owner: str, job: dict[str, Any], handler: Handler) -> None:
        job_id = job["job_id"]
        last = job["attempts"] >= MAX_ATTEMPTS
        work = Work(self._directory, self._settings, self._store, job_id, job["arguments"], last_attempt=last)
        renewing = asyncio.create_task(self._renew(owner, job_id, work))
        try:
            await self._store.execute(await self._end_of(owner, job, handler(work)))
        except ConflictError as error:
            log.warning("a job was taken over", job=job_id, kind=job["kind"], reason=error.message)
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def _end_of(self, owner: str, job: dict[str, Any], working: Awaitable[dict[str, Any]]) -> Command:
        """Do the work; the command that says how it ended."""
        job_id, kind = job["job_id"], job["kind"]
        started = asyncio.get_running_loop().time()
        try:
            result = await working
        except Exception as error:
            log.exception("a job failed", job=job_id, kind=kind, attempt=job["attempts"])
            text = error.message if isinstance(error, HeadwaterError) else f"{type(error).__name__}: {error}"
            passing = isinstance(error, _PASSING) and kind not in TASK_KINDS
            return FailJob(job_id=job_id, owner=owner, error=text, passing=passing)
        elapsed = asyncio.get_running_loop().time() - started
        log.info("a job is done", job=job_id, kind=kind, seconds=round(elapsed, 3))
        return CompleteJob(job_id=job_id, owner=owner, result=result)

    async def _renew(self, owner: str, job_id: str, work: Work) -> None:
        while True:
            await asyncio.sleep(_LEASE_MILLISECONDS / 3000)
            try:
                await self._store.execute(
                    RenewLease(
                        job_id=job_id,
                        owner=owner,
                        lease_milliseconds=_LEASE_MILLISECONDS,
                        progress=work.progress or None,
                    )
                )
            except HeadwaterError as error:
                log.warning("a lease could not be renewed", job=job_id, reason=error.message)

    def close(self) -> None:
        self._reader.close()


async def serve(directory: Path, socket_path: Path, settings: Settings, started_at: float | None) -> None:
    """Work until SIGTERM."""
    store = StoreClient(socket_path, settings)
    lane = Lane(directory, settings, store, started_at)
    working = asyncio.create_task(lane.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working
    lane.close()
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="headwater.jobs.lane")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--started-at", type=float, help="when the server started, in seconds since 1970")
    arguments = parser.parse_args()
    die_with_parent()
    os.nice(10)
    settings = Settings(data=arguments.data)
    configure_logs(settings.log_format, settings.log_level)
    uvloop.run(serve(arguments.data, arguments.socket, settings, arguments.started_at))


if __name__ == "__main__":
    main()
