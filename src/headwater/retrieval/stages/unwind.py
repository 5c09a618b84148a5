"""``unwind``: a row for each element of an array."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row, with_value
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Path, StageParameters

#: Rows that come out; a few documents may have very many elements.
MAX_ROWS = 10_000


class UnwindParameters(StageParameters):
    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "parts", "include_array_index": "position"}]})

    field: Path = Field(description="Path of the array. A value that is none stays as it is.")
    preserve_null_and_empty: bool = Field(False, description="Keep rows whose array is empty, null or missing.")
    include_array_index: Path | None = Field(
        None, description="Where the element's position goes, from 0; null for rows without an array."
    )
    output_field: Path | None = Field(None, description="Where the element goes; in the place of the array by default.")


class Unwind:
    stage_id: ClassVar[str] = "unwind"
    category: ClassVar[Category] = "apply"
    description: ClassVar[str] = "Make a row of each element of an array."
    icon: ClassVar[str] = "list-tree"
    parameters: type[UnwindParameters] = UnwindParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[UnwindParameters], hits: list[Hit]) -> StageResult:
        rows = list(islice((row for hit in hits for row in unwound(hit, call.parameters)), MAX_ROWS + 1))
        result = StageResult(rows[:MAX_ROWS])
        if len(rows) > MAX_ROWS:
            limit = {"name": "rows", "requested": None, "applied": MAX_ROWS, "ceiling": MAX_ROWS, "stage": call.name}
            result.limits.append(limit)
        return result


def unwound(hit: Hit, asked: UnwindParameters) -> Iterator[Hit]:
    row = Row(hit)
    value = row.value(asked.field)
    if isinstance(value, list) and value:
        # Where the array really stands, for that is what the element takes the place of.
        path = asked.output_field or row.spelling(asked.field)
        for position, element in enumerate(value):
            yield _placed(with_value(hit, path, element), position, asked)
    elif value not in (None, []) or asked.preserve_null_and_empty:
        yield _placed(hit, None, asked)


def _placed(hit: Hit, position: int | None, asked: UnwindParameters) -> Hit:
    path: Any = asked.include_array_index
    return hit if path is None else with_value(hit, path, position)
