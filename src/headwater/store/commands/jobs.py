"""Commands of the job table: lease, renew, complete, fail. A job is enqueued by ``Transaction.enqueue``."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.errors import ConflictError
from headwater.store.commands.base import Command, handles
from headwater.store.commands.tasks import enqueue_forgetting
from headwater.store.transaction import Transaction

MAX_ATTEMPTS = 8
_FIRST_RETRY_MILLISECONDS = 1_000
_LAST_RETRY_MILLISECONDS = 300_000


class ClaimJob(Command):
    """Lease the oldest runnable job of these kinds: a waiting one, or one whose worker let its lease run out."""

    owner: str
    kinds: list[str]
    lease_milliseconds: int


class RenewLease(Command):
    job_id: str
    owner: str
    lease_milliseconds: int
    progress: dict[str, Any] | None = None


class CompleteJob(Command, kw_only=True):
    job_id: str
    owner: str
    result: dict[str, Any]


class FailJob(Command):
    """Try again later, or give up after ``MAX_ATTEMPTS``: not when what failed will pass by itself."""

    job_id: str
    owner: str
    error: str
    passing: bool = False


class ReleaseLeases(Command):
    """Make jobs that others than ``lane`` had leased runnable at once. A data directory has one job lane, so at its
    start all others are dead; their leases would only delay what a crash cut short."""

    lane: str


@handles(ClaimJob, frees_space=True)
def claim_job(tx: Transaction, command: ClaimJob) -> dict[str, Any] | None:
    marks = ", ".join("?" * len(command.kinds))
    row = tx.one(
        "SELECT job_id, kind, arguments, attempts FROM jobs WHERE state IN ('pending', 'running') AND run_after <= ?"
        f" AND kind IN ({marks}) AND (state = 'pending' OR leased_until < ?) ORDER BY run_after LIMIT 1",
        (tx.now, *command.kinds, tx.now),
    )
    if row is None:
        return None
    job_id, kind, arguments, attempts = row
    tx.execute(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = ?, leased_until = ?, updated_at = ?"
        " WHERE job_id = ?",
        (command.owner, tx.now + command.lease_milliseconds, tx.now, job_id),
    )
    return {
        "job_id": job_id,
        "kind": kind,
        "arguments": msgspec.json.decode(arguments),
        "attempts": attempts + 1,
    }


def _require_lease(tx: Transaction, job_id: str, owner: str) -> int:
    row = tx.one(
        "SELECT attempts FROM jobs WHERE job_id = ? AND lease_owner = ? AND state = 'running'",
        (job_id, owner),
    )
    if row is None:
        raise ConflictError(f"job {job_id} is not leased by {owner} any more")
    return int(row[0])


@handles(RenewLease, frees_space=True)
def renew_lease(tx: Transaction, command: RenewLease) -> None:
    _require_lease(tx, command.job_id, command.owner)
    tx.execute(
        "UPDATE jobs SET leased_until = ?, progress = coalesce(?, progress), updated_at = ? WHERE job_id = ?",
        (
            tx.now + command.lease_milliseconds,
            None if command.progress is None else msgspec.json.encode(command.progress),
            tx.now,
            command.job_id,
        ),
    )


@handles(CompleteJob, frees_space=True)
def complete_job(tx: Transaction, command: CompleteJob) -> None:
    _require_lease(tx, command.job_id, command.owner)
    tx.execute(
        "UPDATE jobs SET state = 'completed', progress = ?, error = NULL, leased_until = NULL, updated_at = ?"
        " WHERE job_id = ?",
        (msgspec.json.encode(command.result), tx.now, command.job_id),
    )
    # The job that forgets ends here too, so there is always a next one.
    enqueue_forgetting(tx)


@handles(FailJob, frees_space=True)
def fail_job(tx: Transaction, command: FailJob) -> None:
    attempts = _require_lease(tx, command.job_id, command.owner)
    final = attempts >= MAX_ATTEMPTS and not command.passing
    delay = min(_FIRST_RETRY_MILLISECONDS * 2 ** (attempts - 1), _LAST_RETRY_MILLISECONDS)
    tx.execute(
        "UPDATE jobs SET state = ?, error = ?, run_after = ?, leased_until = NULL, lease_owner = NULL, updated_at = ?"
        " WHERE job_id = ?",
        ("failed" if final else "pending", command.error, tx.now + delay, tx.now, command.job_id),
    )


@handles(ReleaseLeases, frees_space=True)
def release_leases(tx: Transaction, command: ReleaseLeases) -> None:
    tx.execute(
        "UPDATE jobs SET state = 'pending', leased_until = NULL, lease_owner = NULL, updated_at = ?"
        " WHERE state = 'running' AND substr(lease_owner, 1, ?) != ?",
        (tx.now, len(command.lane), command.lane),
    )
