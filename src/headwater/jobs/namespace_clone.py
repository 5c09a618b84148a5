"""Job ``namespaces.clone``: the documents of a namespace into its clone, a slice a commit."""

from __future__ import annotations

from typing import Any

from headwater.errors import HeadwaterError, NotFoundError
from headwater.jobs.registry import Work
from headwater.kit.failpoints import cross
from headwater.store.commands.clone import CloneSlice, FinishClone


async def clone_namespace(work: Work) -> dict[str, Any]:
    """The arguments that ``CloneNamespace`` made → what was copied. Run again after a crash, it skips what is there."""
    try:
        resources = await _copy_all(work)
    except NotFoundError:
        return await _finish(work, "failed", "the source was deleted before all of it was copied")
    except HeadwaterError as error:
        if work.last_attempt:
            await _finish(work, "failed", error.message)
        raise
    return await _finish(work, "ready", None, resources)


async def _copy_all(work: Work) -> dict[str, int]:
    pairs = work.arguments["collections"]
    points = 0
    for number, (source, target) in enumerate(pairs):
        after: tuple[int, str] | None = (-1, "")
        while after is not None:
            outcome = await work.store.execute(_slice(work, source, target, after))
            cross("clone.copied")
            after, points = outcome["after"], points + outcome["points"]
            work.progress.update(collections=number, points=points)
    return {"collections": len(pairs), "points": points}


def _slice(work: Work, source: int, target: int, after: tuple[int, str]) -> CloneSlice:
    arguments = work.arguments
    return CloneSlice(
        organization_id=arguments["organization_id"],
        source_row=arguments["source_row"],
        target_row=arguments["target_row"],
        source_collection_row=source,
        target_collection_row=target,
        after=after,
        until=arguments["until"],
        renamed=arguments["renamed"],
    )


async def _finish(
    work: Work, status: str, error: str | None, resources: dict[str, int] | None = None
) -> dict[str, Any]:
    try:
        await work.store.execute(
            FinishClone(
                organization_id=work.arguments["organization_id"],
                target_row=work.arguments["target_row"],
                status=status,
                error=error,
                resources=resources or {},
            )
        )
    except NotFoundError:
        return {"skipped": "the clone was deleted"}
    failure = {} if error is None else {"error": {"message": error}}
    return {"status": status, **failure, **(resources or {})}
