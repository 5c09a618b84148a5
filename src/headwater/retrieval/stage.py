"""What a stage is: a name, parameters, and a function from one working set to the next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.query import Filter
from headwater.retrieval.hits import Hit

Category = Literal["filter", "sort", "reduce", "apply", "enrich"]
P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Searched:
    """What the last feature search looked by, for stages that compare the vectors of documents."""

    feature_uri: str
    vector_name: str


@dataclass
class Run:
    """One execution of a pipeline: what its stages may ask for, and what they leave for later ones."""

    context: Context
    execution_id: str
    #: Where the pipeline searches when a stage names no collections of its own.
    collections: tuple[Collection, ...]
    inputs: dict[str, Any]
    #: ``time.monotonic()`` at which the time of the whole execution ends.
    deadline: float
    #: ``render(value, document=None)``: templates in any JSON value, with the document as DOC.
    render: Callable[..., Any]
    #: Documents of the page that was asked for, counted from the first one: nobody will see those after them.
    wanted: int
    #: ``retrieve(retriever, inputs, collection=None, count=1)``: the best rows, with their documents, of another
    #: retriever, by its id or name or written out. None for what such a retriever runs itself: they do not nest.
    retrieve: Callable[..., Awaitable[list[Hit]]] | None = None
    #: Whether stages say of each document why it stands where it does.
    explain: bool = False
    searched: Searched | None = None
    aliases: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageCall(Generic[P]):
    name: str
    parameters: P
    #: The stage's ``pre_filters`` and the request's ``filters`` in one, rendered, without what was relaxed.
    filter: Filter | None = None
    #: There is no working set yet: what filters documents finds them.
    first: bool = False


@dataclass
class StageResult:
    hits: list[Hit]
    metadata: dict[str, Any] = field(default_factory=dict)
    warnings: list[Any] = field(default_factory=list)
    #: ``{resource, id?, reason, next_step, stage?}``.
    degraded: list[dict[str, Any]] = field(default_factory=list)
    #: ``{name, requested, applied, ceiling, stage?}``.
    limits: list[dict[str, Any]] = field(default_factory=list)
    #: ``{key, values: [{value, count}]}``.
    facets: list[dict[str, Any]] | None = None


class Stage(Protocol[P]):
    """Stages keep nothing between runs. Errors of ``errors.py`` fail the run, or degrade it with ``on_error: skip``."""

    stage_id: ClassVar[str]
    category: ClassVar[Category]
    description: ClassVar[str]
    icon: ClassVar[str]
    parameters: type[P]
    #: Hits come with their documents. Otherwise they may be rows and scores only.
    reads_documents: ClassVar[bool]
    #: Parameters whose templates are rendered for each document, by the stage itself.
    per_document: ClassVar[frozenset[str]]

    async def run(self, run: Run, call: StageCall[P], hits: list[Hit]) -> StageResult: ...


class Narrowing(Protocol):
    """A stage that can be a filter of the search that follows it directly."""

    def narrowing(self, run: Run, parameters: Any) -> Filter | None:
        """The filter; None when it depends on each document, so that the stage has to run by itself."""
        ...


class Paged(Protocol):
    """A stage whose parameters say how many rows its answer has."""

    def page_size(self, parameters: Any) -> int: ...


# ``isinstance`` of a protocol takes longer than a short stage.
def as_narrowing(stage: Any) -> Narrowing | None:
    return stage if hasattr(stage, "narrowing") else None


def as_paged(stage: Any) -> Paged | None:
    return stage if hasattr(stage, "page_size") else None
