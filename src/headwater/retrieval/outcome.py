"""What an execution has come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from headwater.errors import HeadwaterError
from headwater.retrieval.hits import Hit
from headwater.retrieval.inputs import Inputs
from headwater.retrieval.paging import FIRST_PAGE, PageRequest
from headwater.retrieval.relaxing import Relaxation

Status = Literal["completed", "degraded", "failed"]


@dataclass
class StageReport:
    """``input_count`` is of the working set before, ``skipped`` says why the stage did not run."""

    stage_name: str
    stage_id: str
    input_count: int = 0
    output_count: int = 0
    duration_ms: float = 0.0
    error: str | None = None
    skipped: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    execution_id: str
    inputs: Inputs
    #: The whole working set at the end; pages are cut from it.
    hits: list[Hit] = field(default_factory=list)
    stages: list[StageReport] = field(default_factory=list)
    warnings: list[Any] = field(default_factory=list)
    degraded: list[dict[str, Any]] = field(default_factory=list)
    limits: list[dict[str, Any]] = field(default_factory=list)
    facets: list[dict[str, Any]] | None = None
    relaxations: list[Relaxation] = field(default_factory=list)
    #: The collections that were searched, by id.
    collection_ids: list[str] = field(default_factory=list)
    #: Names of filter stages whose conditions a search took over.
    pushed: list[str] = field(default_factory=list)
    error: HeadwaterError | None = None
    total_ms: float = 0.0
    #: The page that was asked for; of the size that the stages say where the request says none.
    page: PageRequest = FIRST_PAGE

    @property
    def status(self) -> Status:
        if self.error is not None:
            return "failed"
        return "degraded" if self.degraded else "completed"
