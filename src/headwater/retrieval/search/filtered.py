"""A feature search that looks for nothing: the documents that match the filters, in the order of their creation."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from headwater.errors import BadRequestError
from headwater.query import Filter
from headwater.retrieval.hits import Hit
from headwater.retrieval.search.planning import collections_of
from headwater.retrieval.stage import Run
from headwater.store.find import Budget, Explain, Query, find_page
from headwater.tenancy.document_acl import principal_of


class _Page(NamedTuple):
    #: ``(collection_row, document_row, collection_id, document_id)``
    rows: list[tuple[int, int, str, str]]
    explain: Explain


def find_rows(connection: apsw.Connection, budget: Budget, query: Query, limit: int) -> _Page:
    """For ``Runtime.find``."""
    page = find_page(connection, query, budget=budget, limit=limit)
    rows = [(one.collection_row, one.document_row, one.collection_id, one.document_id) for one in page.documents]
    return _Page(rows, page.explain)


async def find_filtered(run: Run, query: Query, limit: int) -> list[Hit]:
    page = await run.context.runtime.find(find_rows, query, limit, shown=limit)
    run.context.runtime.learner.note(query, page.explain)
    return [Hit(*row) for row in page.rows]


def filter_query(run: Run, named: list[str] | None, filters: Filter | None) -> Query:
    """What a search without searches is about. ``BadRequestError`` when there is no filter either."""
    if filters is None:
        raise BadRequestError(
            "a feature search without searches needs filters; send searches, pre_filters or filters",
            code="searches_missing",
        )
    collections = collections_of(run.context, named, run.collections)
    rows = tuple(one.collection_row for one in collections)
    return Query(run.context.scope.namespace_row, rows, filters, principal_of(run.context))
