"""Job ``index.build``: a new generation of a collection's index, made by a builder process."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import structlog

from headwater.errors import InternalServerError, NotFoundError
from headwater.jobs.registry import Work
from headwater.store.commands.generations import AdoptGeneration, BeginGeneration

log = structlog.get_logger("headwater.jobs")


async def build_index(work: Work) -> dict[str, Any]:
    collection_row = work.arguments["collection_row"]
    try:
        begun = await work.store.execute(BeginGeneration(collection_row=collection_row))
    except NotFoundError:
        return {"skipped": "the collection is gone"}
    points = await _build(work, collection_row, begun["generation"])
    try:
        await work.store.execute(
            AdoptGeneration(collection_row=collection_row, generation=begun["generation"], indexed=points)
        )
    except NotFoundError:
        return {"skipped": "the collection is gone"}
    return {"generation": begun["generation"], "points": points}


async def _build(work: Work, collection_row: int, generation: int) -> int:
    """Run the builder and return how many points it indexed. It ends with this task."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headwater.store.builder",
        "--data",
        str(work.directory),
        "--collection-row",
        str(collection_row),
        "--generation",
        str(generation),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        log.error("the index builder failed", status=process.returncode, output=errors.decode(errors="replace")[-4000:])
        raise InternalServerError(f"the index builder ended with status {process.returncode}")
    return int(output)
