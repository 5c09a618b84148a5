"""Listing collections: filters, search, sort and pages over the collection objects of one namespace."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.context import Context
from headwater.http.pagination import Page
from headwater.resources.collections import object_page, repository
from headwater.resources.collections.render import collection_response
from headwater.resources.collections.repository import State
from headwater.resources.collections.schemas import ListCollectionsRequest

Selected = tuple[list[dict[str, Any]], object_page.Slice]


async def list_collections(ctx: Context, request: ListCollectionsRequest, page: Page) -> dict[str, Any]:
    assert ctx.namespace is not None
    namespace, scope = ctx.namespace, ctx.scope
    selection = object_page.selection_of(
        request,
        scope=f"collections:{scope.organization_id}:{scope.namespace_row}",
        id_field="collection_id",
        searched=("collection_id", "collection_name", "description"),
    )
    key = ctx.runtime.secret.derive("cursors")

    # All of it in the reader's thread: there may be thousands of collections.
    def read(connection: apsw.Connection) -> Selected:
        collections, states = repository.all_with_states(connection, scope)
        objects = [
            collection_response(collection, namespace, states.get(collection.collection_row, State()))
            for collection in collections
            if request.include_system or not collection.body.get("system")
        ]
        matching = object_page.select(objects, selection)
        return matching, object_page.cut(matching, selection, page, key)

    matching, cut = await ctx.runtime.reader.run(read)
    return object_page.list_answer(page, cut, path="/v1/collections", stats=_stats(matching))


def unresolved_namespace_page(page: Page, identifier: str) -> dict[str, Any]:
    """The empty page for an ``X-Namespace`` that names nothing: clients list before they create."""
    empty = object_page.list_answer(page, object_page.Slice([], 0, None), path="/v1/collections", stats=_stats([]))
    return empty | {"warnings": [unresolved_namespace(identifier)]}


def unresolved_namespace(identifier: str) -> dict[str, Any]:
    """The warning of such a page."""
    return {
        "resource": "namespace",
        "id": identifier,
        "reason": "unresolved",
        "next_step": "Send the id or name of a namespace of this API key's organization in X-Namespace",
    }


def _stats(matching: list[dict[str, Any]]) -> dict[str, Any]:
    documents = sum(item["document_count"] for item in matching)
    return {
        "total_documents": documents,
        "avg_documents_per_collection": documents / max(1, len(matching)),
        "collections_with_taxonomies": sum(1 for item in matching if item["taxonomy_count"]),
        "total_feature_extractors": len(matching),
        "total_taxonomies": sum(item["taxonomy_count"] for item in matching),
        "total_retrievers": sum(item["retriever_count"] for item in matching),
    }
