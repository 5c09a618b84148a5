"""From the parameters of a feature search to the searches that are made: where, for what, under which filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

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
        planned = await _Planner(run, number, search, call.filter, plan.warnings).planned(collections)
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


class _Planner:
    """Of one search. What is left out is told in ``warnings``."""

    def __init__(self, run: Run, number: int, search: Search, filters: Filter | None, warnings: list[str]) -> None:
        self._run, self._context = run, run.context
        self._number, self._search = number, search
        self._filters, self._warnings = filters, warnings
        self._location: Location = ["body", "searches", number]

    async def planned(self, collections: list[Collection]) -> Planned | None:
        """None when the search is skipped."""
        search = self._search
        if search.collection_identifiers:
            collections = collections_of(self._context, search.collection_identifiers, ())
        asked = parse_query(self._sent(), [*self._location, "query"])
        try:
            targets = targets_of(self._context, collections, search.feature_uri, [*self._location, "feature_uri"])
        except ValidationError as error:
            if search.lexical:
                # There the feature only says where to look, and collections without vectors have texts, too.
                return self._lexical(asked, collections)
            if not search.optional:
                raise
            return self._skipped(error.message)
        if search.lexical:
            return self._lexical(asked, [target.collection for target in targets])
        return await self._by_vector(asked, targets)

    def _sent(self) -> object:
        search = self._search
        if search.query is None and search.input_mapping:
            return self._run.inputs.get(next(iter(search.input_mapping.values())))
        sent: object = search.query
        return sent

    async def _by_vector(self, asked: Asked, targets: list[Target]) -> Planned | None:
        if asked.is_empty and self._search.on_empty == "skip":
            return self._skipped("its query is empty")
        aims = await self._aims(asked, targets)
        uri = targets[0].uri
        if self._search.optional and await _is_empty(self._context, aims):
            return self._skipped(f"no vector of {uri} is there to compare with")
        return Planned(
            self._number, uri, uri, targets[0].name, asked.mode, self._search, aims, self._filter(), _excluded(asked)
        )

    async def _aims(self, asked: Asked, targets: list[Target]) -> list[Aim]:
        location = [*self._location, "query"]
        if asked.is_empty:
            if self._search.on_empty == "error":
                raise self._empty()
            return random_aims(targets, f"{self._run.execution_id}/{self._number}", location)
        aims = await aims_of(self._context, asked, targets, location, self._warnings)
        searched = {aim.collection.collection_id for aim in aims}
        others = [one.collection.collection_id for one in targets if one.collection.collection_id not in searched]
        if others:
            self._warn(f"left out {', '.join(others)}, whose vectors have another form")
        return aims

    def _lexical(self, asked: Asked, collections: list[Collection]) -> Planned | None:
        """A search for words."""
        if asked.mode != "text":
            message = f"a lexical search looks for a text, not for a {asked.mode}"
            raise ValidationError.at([*self._location, "query"], message, "query_mode")
        if asked.is_empty:
            if self._search.on_empty == "skip":
                return self._skipped("its query is empty")
            raise self._empty()
        connection = self._context.runtime.reader.connection
        indexes = {one.collection_row: load_text_index(connection, one.collection_row) for one in collections}
        if any(index is not None and index.state == "filling" for index in indexes.values()):
            self._warn("may miss documents, for the text index is still being filled")
        # Where no collection has one, the storage process refuses the search and says how to declare it.
        searched = [one for one in collections if indexes[one.collection_row] is not None] or collections
        aims = [Aim(one, asked.value) for one in searched]
        uri = self._search.feature_uri
        return Planned(self._number, LEXICAL, uri, "", "text", self._search, aims, self._filter())

    def _filter(self) -> Filter | None:
        shared, own = self._filters, parse_filter(self._search.filters, [*self._location, "filters"])
        return AllOf((shared, own)) if shared is not None and own is not None else shared or own

    def _skipped(self, reason: str) -> Planned | None:
        self._warn(f"was skipped: {reason}")
        return None

    def _warn(self, what: str) -> None:
        self._warnings.append(f"search {self._number} {what}")

    def _empty(self) -> BadRequestError:
        return BadRequestError(
            f"the query of search {self._number} is empty; send one, or set on_empty to skip or random",
            details={"search": self._number},
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
    seen: Counter[str] = Counter()
    for place, one in enumerate(searches):
        seen[one.label] += 1
        if seen[one.label] > 1:
            searches[place] = replace(one, label=f"{one.label}#{seen[one.label]}")
