"""From the parameters of a feature search to the searches that are made: where, for what, under which filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import BadRequestError, ValidationError
from headwater.query import AllOf, Filter, parse_filter
from headwater.retrieval.search.aims import Aim, aims_of, random_aims
from headwater.retrieval.search.forms import Asked, DocumentReference, Location, parse_query
from headwater.retrieval.search.parameters import FeatureSearchParameters, Search
from headwater.retrieval.search.targets import Target, targets_of
from headwater.retrieval.stage import Run, StageCall
from headwater.tenancy.access import access_collection, access_collections


@dataclass(frozen=True)
class Planned:
    """One search. ``label`` is its key in ``feature_scores``."""

    number: int
    label: str
    uri: str
    vector_name: str
    mode: str
    search: Search
    aims: list[Aim]
    filter: Filter | None
    #: A document that must not find itself.
    excluded: str | None = None


@dataclass
class Plan:
    searches: list[Planned] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def collections(self) -> list[Collection]:
        """Where anything is searched, each once."""
        found = {aim.collection.collection_row: aim.collection for one in self.searches for aim in one.aims}
        return list(found.values())


def collections_of(context: Context, named: Sequence[str] | None, otherwise: Sequence[Collection]) -> list[Collection]:
    """The named collections. Without names, those otherwise in force; without any of these, all that the key reaches.

    ``NotFoundError`` and ``ForbiddenError`` for a name that the caller cannot reach.
    """
    if named:
        found = {one.collection_row: one for one in (access_collection(context, name) for name in named)}
        return list(found.values())
    return list(otherwise) or access_collections(context)


async def plan_searches(run: Run, call: StageCall[FeatureSearchParameters]) -> Plan:
    """Raises ``BadRequestError`` when nothing is left to look for, and whatever is wrong with a single search."""
    plan = Plan()
    collections = collections_of(run.context, call.parameters.collection_identifiers, run.collections)
    for number, search in enumerate(call.parameters.searches):
        planned = await _planned(run, number, search, collections, call.filter, plan.warnings)
        if planned is not None:
            plan.searches.append(planned)
    if not plan.searches:
        raise BadRequestError(
            "every search was skipped, so nothing was looked for; " + "; ".join(plan.warnings),
            details={"skipped": plan.warnings},
            code="searches_skipped",
        )
    _tell_apart(plan.searches)
    return plan


async def _planned(
    run: Run, number: int, search: Search, collections: list[Collection], filters: Filter | None, warnings: list[str]
) -> Planned | None:
    location: Location = ["searches", number]
    if search.collection_identifiers:
        collections = collections_of(run.context, search.collection_identifiers, ())
    try:
        targets = targets_of(run.context, collections, search.feature_uri, [*location, "feature_uri"])
    except ValidationError as error:
        if not search.optional:
            raise
        warnings.append(f"search {number} was skipped: {error.message}")
        return None
    asked = parse_query(_sent(run, search), [*location, "query"])
    aims = await _aims(run, number, search, asked, targets, warnings)
    if aims is None:
        return None
    own = parse_filter(search.filters, [*location, "filters"])
    uri = targets[0].uri
    whole = AllOf((filters, own)) if filters is not None and own is not None else filters or own
    return Planned(number, uri, uri, targets[0].name, asked.mode, search, aims, whole, _excluded(asked))


def _sent(run: Run, search: Search) -> object:
    if search.query is None and search.input_mapping:
        return run.inputs.get(next(iter(search.input_mapping.values())))
    sent: object = search.query
    return sent


async def _aims(
    run: Run, number: int, search: Search, asked: Asked, targets: list[Target], warnings: list[str]
) -> list[Aim] | None:
    """What the indexes are asked; None when the search is skipped for an empty query."""
    location: Location = ["searches", number, "query"]
    if not asked.is_empty:
        aims = await aims_of(run.context, asked, targets, location, warnings)
        if len(aims) < len(targets):
            searched = {aim.collection.collection_id for aim in aims}
            others = [one.collection.collection_id for one in targets if one.collection.collection_id not in searched]
            warnings.append(f"search {number} left out {', '.join(others)}, whose vectors have another form")
        return aims
    if search.on_empty == "random":
        return random_aims(targets, f"{run.execution_id}/{number}", location)
    if search.on_empty == "skip":
        warnings.append(f"search {number} was skipped: its query is empty")
        return None
    raise BadRequestError(
        f"the query of search {number} is empty; send one, or set on_empty to skip or random",
        details={"search": number},
        code="query_empty",
    )


def _excluded(asked: Asked) -> str | None:
    reference = asked.value
    return reference.document_id if isinstance(reference, DocumentReference) and reference.exclude_self else None


def _tell_apart(searches: list[Planned]) -> None:
    """Searches by the same feature get labels with a number, from the second one on."""
    seen: dict[str, int] = {}
    for place, one in enumerate(searches):
        seen[one.label] = seen.get(one.label, 0) + 1
        if seen[one.label] > 1:
            label = f"{one.label}#{seen[one.label]}"
            searches[place] = Planned(
                one.number, label, one.uri, one.vector_name, one.mode, one.search, one.aims, one.filter, one.excluded
            )
