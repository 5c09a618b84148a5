"""Doing in a test what the job lane would do."""

from __future__ import annotations

from headwater.jobs.registry import Work, handlers
from headwater.runtime import Runtime
from headwater.store.commands.jobs import ClaimJob, CompleteJob


async def work(runtime: Runtime) -> None:
    """Do the waiting jobs."""
    known, settings, store = handlers(), runtime.settings, runtime.store
    while True:
        job = await store.execute(ClaimJob(owner="test", kinds=list(known), lease_milliseconds=60_000))
        if job is None:
            return
        result = await known[job["kind"]](Work(settings.data, settings, store, job["job_id"], job["arguments"]))
        await store.execute(CompleteJob(job_id=job["job_id"], owner="test", result=result))
