"""Joins by a retriever: for each row, the best rows of another pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from headwater.errors import ValidationError
from headwater.retrieval.hits import Hit
from headwater.retrieval.stage import Run

#: Executions for one join, each of which takes some milliseconds. Rows with the same inputs share one.
MAX_EXECUTIONS = 200
_LOCATION: list[str | int] = ["body", "stages", "document_enrich"]


class Asked(Protocol):
    """What of the stage's parameters matters here."""

    @property
    def target_collection_id(self) -> str | None: ...

    @property
    def retriever_inputs(self) -> dict[str, Any]: ...

    @property
    def most(self) -> int: ...


async def by_retriever(
    run: Run, asked: Asked, retriever: str | dict[str, Any], hits: Sequence[Hit]
) -> list[list[dict[str, Any]]]:
    """For each row, what the retriever shows for it, with its score."""
    if run.retrieve is None:
        raise _refusal("a retriever that another one joins by cannot join by a third", "nested_retriever")
    inputs = [run.render(asked.retriever_inputs, hit.shown()) for hit in hits]
    keys = [orjson.dumps(each, option=orjson.OPT_SORT_KEYS) for each in inputs]
    distinct = dict(zip(keys, inputs, strict=True))
    if len(distinct) > MAX_EXECUTIONS:
        message = f"the retriever would run {len(distinct)} times, of which {MAX_EXECUTIONS} are allowed"
        raise _refusal(f"{message}; put a limit before the stage", "join_too_large")
    found: dict[bytes, list[dict[str, Any]]] = {}
    for key, each in distinct.items():
        rows = await run.retrieve(retriever, each, collection=asked.target_collection_id, count=asked.most)
        found[key] = [row.shown() for row in rows]
    return [found[key] for key in keys]


def _refusal(message: str, kind: str) -> ValidationError:
    return ValidationError.at(_LOCATION, message, kind)
