"""Which function does which kind of job.

A handler is ``async def handler(work: Work) -> dict``: its result is kept with the job. A job may be run again after a
crash at any point, so every step of it must be safe to repeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headwater.settings import Settings
from headwater.store.interface import Store


@dataclass(frozen=True)
class Work:
    """One job in hand: where the data is, the store to send commands to, and what the job is about."""

    directory: Path
    settings: Settings
    store: Store
    job_id: str
    arguments: dict[str, Any]
    #: What the handler wants to be seen of it while it runs; stored every few seconds.
    progress: dict[str, Any] = field(default_factory=dict)
    #: Whether the job is given up when it fails once more.
    last_attempt: bool = False


Handler = Callable[[Work], Awaitable[dict[str, Any]]]


def handlers() -> dict[str, Handler]:
    """Every kind of job. Imported late: the lane starts before it knows what it will have to do."""
    from headwater.jobs.index_build import build_index
    from headwater.jobs.namespace_clone import clone_namespace
    from headwater.jobs.transfer import export_collection, import_collection
    from headwater.jobs.uploads import confirm_many, confirm_one
    from headwater.store.bulk.change import DELETE_JOB, UPDATE_JOB
    from headwater.store.bulk_job import change_documents
    from headwater.store.commands.tasks import FORGET_JOB
    from headwater.store.commands.upload_confirmations import CONFIRM_JOB, CONFIRM_MANY_JOB
    from headwater.store.fields_job import fill_field_paths, remove_dropped_entries
    from headwater.store.forgetting_job import forget_idempotency_keys, forget_tasks
    from headwater.store.lineage_job import repair_lineage
    from headwater.store.purge_job import purge_collection, purge_namespace
    from headwater.store.text.indexes import FILL_JOB as TEXT_FILL_JOB
    from headwater.store.text_job import fill_text_index

    def change(work: Work) -> Awaitable[dict[str, Any]]:
        return change_documents(work.store, work.directory, work.job_id, work.arguments)

    return {
        "index.build": build_index,
        "collections.export": export_collection,
        "collections.import": import_collection,
        "collections.purge": lambda work: purge_collection(work.store, work.arguments),
        "buckets.purge": lambda work: purge_collection(work.store, work.arguments),
        "namespaces.clone": clone_namespace,
        "namespaces.purge": lambda work: purge_namespace(work.store, work.arguments),
        "lineage.repair": lambda work: repair_lineage(work.store, work.arguments),
        "fields.fill": lambda work: fill_field_paths(work.store, work.arguments),
        "fields.drop": lambda work: remove_dropped_entries(work.store),
        TEXT_FILL_JOB: lambda work: fill_text_index(work.store, work.arguments),
        "idempotency.forget": lambda work: forget_idempotency_keys(work.store, work.settings.idempotency_hours),
        CONFIRM_JOB: confirm_one,
        CONFIRM_MANY_JOB: confirm_many,
        FORGET_JOB: lambda work: forget_tasks(work.store, work.settings.task_days),
        UPDATE_JOB: change,
        DELETE_JOB: change,
    }
