"""What a pipeline is, and what one execution of it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.catalog.tables.retrievers import Retriever
from headwater.retrieval.forms import StageForm, read_stages
from headwater.retrieval.inputs import InputSchema, read_schema
from headwater.retrieval.paging import FIRST_PAGE, PageRequest
from headwater.store.documents.render import PLAIN, RenderOptions


@dataclass(frozen=True)
class Definition:
    stages: tuple[StageForm, ...]
    #: Ids or names; none are all that the caller can reach.
    collections: tuple[str, ...] = ()
    input_schema: InputSchema = field(default_factory=dict)
    #: Milliseconds after which the remaining stages are skipped.
    max_time_ms: int | None = None
    retriever_id: str = ""


@dataclass(frozen=True)
class Request:
    inputs: Mapping[str, Any] = field(default_factory=dict)
    #: As it was sent, templates included. Whatever finds documents keeps to it.
    filters: Any = None
    page: PageRequest = FIRST_PAGE
    options: RenderOptions = PLAIN
    explain: bool = False
    warnings: tuple[str, ...] = ()


def definition_of(retriever: Retriever) -> Definition:
    """What is run of it."""
    body = retriever.body
    return Definition(
        stages=tuple(read_stages(body["stages"], ["body", "stages"])),
        collections=tuple(body.get("collection_ids") or ()),
        input_schema=read_schema(body.get("input_schema"), ["body", "input_schema"]),
        max_time_ms=(body.get("budget_limits") or {}).get("max_time_ms"),
        retriever_id=retriever.retriever_id,
    )
