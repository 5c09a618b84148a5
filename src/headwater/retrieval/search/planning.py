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
from headwater.store.search import SearchRequest
from headwater.store.search import search as nearest_points
from headwater.store.text.indexes import load_text_index
from headwater.tenancy.access import access_collection, access_collections

#: The key of a search for words in ``feature_scores``.
LEXICAL = "lexical"


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
    asked = parse_query(_sent(run, search), [*location, "query"])
    try:
        targets = targets_of(run.context, collections, search.feature_uri, [*location, "feature_uri"])
    except ValidationError as error:
        if search.lexical:
            # There the feature only says where to look, and text is looked for in collections without vectors, too.
            return _lexical(run, number, search, asked, collections, filters, warnings)
        if not search.optional:
            raise
        warnings.append(f"search {number} was skipped: {error.message}")
        return None
    if search.lexical:
        searched = [target.collection for target in targets]
        return _lexical(run, number, search, asked, searched, filters, warnings)
    aims = await _aims(run, number, search, asked, targets, warnings)
    if aims is None:
        return None
    uri, name = targets[0].uri, targets[0].name
    if search.optional and await _is_empty(run.context, aims):
        warnings.append(f"search {number} was skipped: no vector of {uri} is there to compare with")
        return None
    whole = _whole_filter(search, filters, location)
    return Planned(number, uri, uri, name, asked.mode, search, aims, whole, _excluded(asked))


def _lexical(
    run: Run,
    number: int,
    search: Search,
    asked: Asked,
    collections: Sequence[Collection],
    filters: Filter | None,
    warnings: list[str],
) -> Planned | None:
    """A search for words; None when it is skipped."""
    location: Location = ["searches", number]
    if asked.mode != "text":
        message = f"a lexical search looks for a text, not for a {asked.mode}"
        raise ValidationError.at([*location, "query"], message, "query_mode")
    if asked.is_empty:
        if search.on_empty == "skip":
            warnings.append(f"search {number} was skipped: its query is empty")
            return None
        raise _empty_query(number)
    connection = run.context.runtime.reader.connection
    indexes = {one.collection_row: load_text_index(connection, one.collection_row) for one in collections}
    if any(index is not None and index.state == "filling" for index in indexes.values()):
        warnings.append(f"search {number} may miss documents, for the text index is still being filled")
    # Where no collection has one, the index itself says how to declare it.
    searched = [one for one in collections if indexes[one.collection_row] is not None] or collections
    aims = [Aim(one, asked.value) for one in searched]
    return Planned(
        number, LEXICAL, search.feature_uri, "", "text", search, aims, _whole_filter(search, filters, location)
    )


def _whole_filter(search: Search, filters: Filter | None, location: Location) -> Filter | None:
    own = parse_filter(search.filters, [*location, "filters"])
    return AllOf((filters, own)) if filters is not None and own is not None else filters or own


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
    raise _empty_query(number)


def _empty_query(number: int) -> BadRequestError:
    return BadRequestError(
        f"the query of search {number} is empty; send one, or set on_empty to skip or random",
        details={"search": number},
        code="query_empty",
    )


async def _is_empty(context: Context, aims: list[Aim]) -> bool:
    nearest = [SearchRequest(aim.collection.collection_row, aim.query, 1) for aim in aims]
    return not any(await nearest_points(context.runtime.store, nearest))


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
