"""Documents for stages that need them only sometimes."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.rows import SCORE, score_of
from headwater.retrieval.stage import Run


async def with_scores(run: Run, hits: Sequence[Hit], path: str) -> tuple[list[Hit], list[float | None]]:
    """The hits and the number at the path of each. For ``score`` no document is read."""
    shown = list(hits) if path == SCORE else await hydrate(run.context, hits)
    return shown, [score_of(hit, path) for hit in shown]
