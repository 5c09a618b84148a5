"""A feature search that looks for nothing: the documents that match the filters, in the order of their creation."""

from __future__ import annotations

from headwater.errors import BadRequestError
from headwater.query import Filter
from headwater.retrieval.hits import Hit
from headwater.retrieval.search.planning import collections_of
from headwater.retrieval.stage import Run
from headwater.retrieval.stages.attribute_filter import find_documents
from headwater.store.find import Query
from headwater.tenancy.document_acl import principal_of


async def find_filtered(run: Run, query: Query, limit: int) -> list[Hit]:
    found = await run.context.runtime.find(find_documents, query, limit, shown=limit)
    run.context.runtime.learner.note(query, found.explain)
    return [Hit(*document) for document in found.documents]


def filter_query(run: Run, named: list[str] | None, filters: Filter | None) -> Query:
    """What a search without searches is about. ``BadRequestError`` when there is no filter either."""
    if filters is None:
        raise BadRequestError(
            "a feature search needs something to look for; send query, searches, pre_filters or filters",
            code="searches_missing",
        )
    collections = collections_of(run.context, named, run.collections)
    rows = tuple(one.collection_row for one in collections)
    return Query(run.context.scope.namespace_row, rows, filters, principal_of(run.context))
