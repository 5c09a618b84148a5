"""Jobs that move many documents: ``collections.export`` and ``collections.import``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from headwater.catalog.database import open_reader
from headwater.catalog.tables.collections import Collection, load_collection
from headwater.errors import ConflictError, HeadwaterError, NotFoundError, to_wire
from headwater.jobs.registry import Work
from headwater.store.commands.transfers import ImportPlan
from headwater.store.transfer.export import ExportPlan, export
from headwater.store.transfer.files import path_of
from headwater.store.transfer.incoming import Preparer, Report, import_rows
from headwater.store.transfer.lines import read_lines


async def export_collection(work: Work) -> dict[str, Any]:
    """An ``ExportPlan`` → ``{"export_id"}``, or ``{"error"}`` when repeating it would not help."""
    plan = msgspec.convert(work.arguments, ExportPlan)
    settings = work.settings.model_copy(update={"data": work.directory})
    connection = open_reader(work.directory, cache_bytes=settings.sqlite_cache_bytes)
    steps = export(connection, settings, plan)
    loop = asyncio.get_running_loop()
    # One thread, so that the end of a cancelled export waits for its last batch.
    thread = ThreadPoolExecutor(1, thread_name_prefix="export")
    try:
        while (done := await loop.run_in_executor(thread, next, steps, None)) is not None:
            work.progress["document_count"] = done
    except HeadwaterError as error:
        return {"error": to_wire(error)}
    finally:
        thread.submit(steps.close)
        thread.submit(connection.close)
        thread.shutdown()
    return {"export_id": plan.export_id}


async def import_collection(work: Work) -> dict[str, Any]:
    """An ``ImportPlan`` → the report, or ``{"error"}`` when repeating it would not help."""
    plan = msgspec.convert(work.arguments, ImportPlan)
    collection = _collection(work, plan.target.collection_row)
    if collection is None:
        return {"error": to_wire(NotFoundError.of("collection", str(plan.target.collection_row)))}
    file = path_of(work.directory, plan.export_id, plan.name)
    if not file.exists():
        return {"error": to_wire(NotFoundError.of("export", plan.export_id))}

    async def turn(report: Report) -> None:
        work.progress["imported"] = report.imported
        await asyncio.sleep(0)

    try:
        report = await import_rows(
            work.store,
            Preparer(collection, plan.target, work.settings),
            plan.target,
            # Beside what a document may hold, a row has a level of its own.
            read_lines(file, work.settings.max_json_depth + 1),
            turn=turn,
        )
    except (ConflictError, NotFoundError) as error:
        return {"error": to_wire(error)}
    return dict(msgspec.to_builtins(report))


def _collection(work: Work, collection_row: int) -> Collection | None:
    connection = open_reader(work.directory)
    try:
        return load_collection(connection, collection_row)
    finally:
        connection.close()
