"""``attribute_filter``: rows that match a filter; as the first stage, all documents that do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import apsw
from pydantic import ConfigDict, Field, model_validator

from headwater.errors import NotEnabledError, ValidationError
from headwater.kit.turns import Turns
from headwater.query import AllOf, AnyOf, Condition, Filter, Not, compile_filter, parse_filter
from headwater.query.patterns import MAX_PATTERN_LENGTH
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.rows import Row
from headwater.retrieval.stage import Category, Run, StageCall, StageResult
from headwater.retrieval.stages.parameters import Integer, Path, StageParameters
from headwater.retrieval.templates import templates_in
from headwater.store.find import Budget, Explain, Query, find_page
from headwater.tenancy.document_acl import principal_of

#: Documents that the stage loads as the first one. Their order is that of their creation.
MAX_LOADED = 5000
_GROUPS = ("AND", "OR", "NOT", "case_sensitive")
_FLAGS = ("exists", "is_null")
_LOCATION: list[str | int] = ["body", "stages", "attribute_filter"]


class AttributeFilterParameters(StageParameters):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "conditions": {
                        "AND": [
                            {"field": "status", "operator": "eq", "value": "live"},
                            {"field": "price", "operator": "lte", "value": "{{INPUT.max_price}}"},
                        ]
                    }
                },
                {"field": "status", "operator": "eq", "value": "live"},
            ]
        }
    )

    field: Path = Field("metadata.status", description="Path of the field, for a single condition.")
    operator: str = Field("eq", description="Any operator of the filters of document lists.")
    value: Any = Field(None, description="What the field is compared with. Templates see each document as `DOC`.")
    conditions: dict[str, Any] | None = Field(
        None,
        description="A filter as of document lists; outranks the single condition. Its groups may stand here, too.",
    )
    case_insensitive: bool = Field(
        False, description="Compare strings without case in `eq`, `ne`, `in` and `nin`, too."
    )
    natural_language: str | None = Field(None, description="Needs a language model: not part of this deployment.")
    field_hints: list[str] | None = Field(None, description="Only for `natural_language`.")
    batch_size: Annotated[Integer, Field(ge=1, le=1000)] = Field(
        100, description="Has no effect: the stage pauses for other requests by time, not by documents."
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_groups(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("conditions") is not None:
            return data
        groups = {key: value for key, value in data.items() if key in _GROUPS and value is not None}
        if not groups.keys() - {"case_sensitive"}:
            return data
        return {key: value for key, value in data.items() if key not in _GROUPS} | {"conditions": groups}

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        described = self.conditions is not None or self.natural_language is not None
        if not described and self.operator not in _FLAGS and "value" not in self.model_fields_set:
            raise ValueError("expected conditions, or a field with an operator and a value")
        if self.natural_language is None:
            _check(self.filter)
        return self

    @property
    def filter(self) -> dict[str, Any]:
        """As it was sent, with its templates."""
        if self.conditions is not None:
            return self.conditions
        if self.natural_language is not None:
            raise NotEnabledError(
                "natural_language needs a language model, which this deployment does not have; send conditions",
                details={"feature": "natural_language"},
            )
        return {"field": self.field, "operator": self.operator, "value": self.value}


class AttributeFilter:
    stage_id: ClassVar[str] = "attribute_filter"
    category: ClassVar[Category] = "filter"
    description: ClassVar[str] = "Keep documents that match a filter; as the first stage, find them."
    icon: ClassVar[str] = "filter"
    parameters: type[AttributeFilterParameters] = AttributeFilterParameters
    reads_documents: ClassVar[bool] = True
    per_document: ClassVar[frozenset[str]] = frozenset({"field", "operator", "value", "conditions", *_GROUPS})

    async def run(self, run: Run, call: StageCall[AttributeFilterParameters], hits: list[Hit]) -> StageResult:
        asked = call.parameters
        if _depends_on_document(asked.filter):
            return await _filter_each(run, call, hits)
        wanted = _both(call.filter, self.narrowing(run, asked))
        if call.first:
            return await _load(run, wanted, call.name)
        accepts = compile_filter(wanted)
        return StageResult(await _kept(hits, lambda hit: accepts(Row(hit))))

    def narrowing(self, run: Run, parameters: AttributeFilterParameters) -> Filter | None:
        """For a search that follows. None when each document has a filter of its own."""
        if _depends_on_document(parameters.filter):
            return None
        wanted = parsed(run.render(parameters.filter), case_insensitive=parameters.case_insensitive)
        return AllOf(()) if wanted is None else wanted


def parsed(filters: Any, *, case_insensitive: bool) -> Filter | None:
    """The filter of the parameters, after templates. Raises ``ValidationError``."""
    found = parse_filter(filters, _LOCATION)
    return folded(found) if found is not None and case_insensitive else found


def _check(filters: Any) -> None:
    """Refuse before a run what can be refused then: whatever does not depend on a template."""
    try:
        if next(templates_in(filters), None) is None:
            parse_filter(filters, _LOCATION)
    except ValidationError as error:
        raise ValueError(error.message) from None


def folded(node: Filter) -> Filter:
    """The filter with its exact comparisons of strings made without case."""
    if isinstance(node, Not):
        return Not(folded(node.part))
    if not isinstance(node, Condition):
        return type(node)(tuple(map(folded, node.parts)))
    if node.operator in ("ne", "nin"):
        positive = "eq" if node.operator == "ne" else "in"
        return Not(folded(Condition(node.path, positive, node.value)))
    if node.operator == "in":
        return AnyOf(tuple(folded(Condition(node.path, "eq", value)) for value in node.value))
    pattern = rf"\A{re.escape(node.value)}\z" if node.operator == "eq" and isinstance(node.value, str) else None
    if pattern is None or len(pattern) > MAX_PATTERN_LENGTH:
        return node
    return Condition(node.path, "regex", pattern)


def _both(one: Filter | None, other: Filter | None) -> Filter | None:
    return AllOf((one, other)) if one is not None and other is not None else one or other


def _depends_on_document(filters: Any) -> bool:
    return any("DOC" in expression.roots for template in templates_in(filters) for expression in template.expressions)


async def _filter_each(run: Run, call: StageCall[AttributeFilterParameters], hits: list[Hit]) -> StageResult:
    """Each document has a filter of its own."""
    result = await _load(run, call.filter, call.name) if call.first else StageResult(hits)
    result.hits = await hydrate(run.context, result.hits)
    own = _OwnFilters(run, call)
    kept = await _kept(result.hits, own.accept)
    if own.refusal is not None and own.refused == len(result.hits):
        raise own.refusal
    if own.refusal is not None:
        result.warnings.append(f"{own.refused} documents were left out: {own.refusal.message}")
    result.hits = kept
    return result


async def _kept(hits: Sequence[Hit], accepts: Callable[[Hit], bool]) -> list[Hit]:
    kept: list[Hit] = []
    turns = Turns()
    for hit in hits:
        if accepts(hit):
            kept.append(hit)
        await turns.pause()
    return kept


class _OwnFilters:
    """A document whose values make no filter, such as an object to look for in a text, does not match."""

    def __init__(self, run: Run, call: StageCall[AttributeFilterParameters]) -> None:
        self._run, self._asked = run, call.parameters
        self._accepts = compile_filter(call.filter)
        self.refused = 0
        self.refusal: ValidationError | None = None

    def accept(self, hit: Hit) -> bool:
        row = Row(hit)
        rendered = self._run.render(self._asked.filter, hit.shown())
        try:
            own = parsed(rendered, case_insensitive=self._asked.case_insensitive)
        except ValidationError as error:
            self.refused, self.refusal = self.refused + 1, error
            return False
        return self._accepts(row) and compile_filter(own)(row)


class Found(NamedTuple):
    """Plain data, for it may come from another process."""

    #: Collection row, document row, collection id, document id.
    documents: list[tuple[int, int, str, str]]
    has_more: bool
    explain: Explain


def find_documents(connection: apsw.Connection, budget: Budget, query: Query, limit: int | None = None) -> Found:
    """The first documents that match, ``MAX_LOADED`` unless told otherwise. Call it by ``Runtime.find``."""
    page = find_page(connection, query, budget=budget, limit=limit or MAX_LOADED)
    found = [(one.collection_row, one.document_row, one.collection_id, one.document_id) for one in page.documents]
    return Found(found, page.has_more, page.explain)


async def _load(run: Run, wanted: Filter | None, stage: str) -> StageResult:
    context = run.context
    rows = tuple(collection.collection_row for collection in run.collections)
    query = Query(context.scope.namespace_row, rows, wanted, principal_of(context))
    found = await context.runtime.find(find_documents, query)
    context.runtime.learner.note(query, found.explain)
    limits = [_limit(stage)] if found.has_more else []
    return StageResult([Hit(*document) for document in found.documents], limits=limits)


def _limit(stage: str) -> dict[str, Any]:
    return {"name": "documents", "requested": None, "applied": MAX_LOADED, "ceiling": MAX_LOADED, "stage": stage}
