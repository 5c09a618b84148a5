"""Lineage: ``…/documents/{document_id}/lineage`` and its relatives, and what was made of an object."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from headwater.http.dependencies import Ctx
from headwater.http.responses import JSONBytes, json_response
from headwater.http.route import Route
from headwater.resources.documents import (
    decomposition,
    expand,
    lineage_graph,
    objects,
    service_cascade,
    service_lineage,
)
from headwater.resources.documents.options import LINK_PARAMETERS, Options, no_mistyped_dry_run
from headwater.resources.documents.schemas import DocumentResponse, DocumentsDeleted
from headwater.resources.documents.schemas_lineage import (
    DecompositionTree,
    DocumentLineageResponse,
    LineageGraph,
    ObjectDocuments,
)

router = APIRouter(route_class=Route, tags=["Lineage"])

_LINKS = {"parameters": LINK_PARAMETERS}
_ONE = "/v1/collections/{collection_identifier}/documents/{document_id}"
_OBJECT = "/v1/objects/{object_id}"
_Relatives = Annotated[int, Query(ge=1, le=service_lineage.MAX_RELATIVES, description="Most documents to show.")]
_Nodes = Annotated[int, Query(ge=1, le=lineage_graph.MAX_NODES, description="Most nodes to show.")]


@router.get(
    _ONE + "/lineage",
    summary="Get a document's lineage",
    operation_id="get_document_lineage",
    response_model=DocumentLineageResponse,
)
async def get_document_lineage(collection_identifier: str, document_id: str, ctx: Ctx) -> JSONBytes:
    """Where the document came from: its root object, its parent, and the chain of steps from the one to the document.

    When a document of the chain is not there any more, the chain begins with the step that names it; `depth` still
    counts the steps above. A document that came from nowhere that it names has `lineage: null` and a `message`.
    """
    return JSONBytes(await service_lineage.get_lineage(ctx, collection_identifier, document_id))


@router.get(
    _ONE + "/ancestors",
    summary="List a document's ancestors",
    operation_id="get_document_ancestors",
    response_model=list[DocumentResponse],
    openapi_extra=_LINKS,
)
async def get_document_ancestors(
    collection_identifier: str,
    document_id: str,
    ctx: Ctx,
    options: Options,
    limit: _Relatives = service_lineage.MAX_RELATIVES,
) -> JSONBytes:
    """The documents that this one was made from, the topmost first and its parent last; of more than `limit` the
    nearest. They may be of any collection of the namespace."""
    return JSONBytes(await service_lineage.get_ancestors(ctx, collection_identifier, document_id, limit, options))


@router.get(
    _ONE + "/descendants",
    summary="List what was made from a document",
    operation_id="get_document_descendants",
    response_model=list[DocumentResponse],
    openapi_extra=_LINKS,
)
async def get_document_descendants(
    collection_identifier: str, document_id: str, ctx: Ctx, options: Options, limit: _Relatives = expand.MAX_CHILDREN
) -> JSONBytes:
    """The documents that were made from this one directly, of any collection of the namespace, the oldest first. What
    was made from those in turn is in `lineage/graph`."""
    return JSONBytes(await service_lineage.get_descendants(ctx, collection_identifier, document_id, limit, options))


@router.get(
    _ONE + "/lineage/graph",
    summary="Get a document's lineage as a graph",
    operation_id="get_document_lineage_graph",
    response_model=LineageGraph,
)
async def get_document_lineage_graph(
    collection_identifier: str, document_id: str, ctx: Ctx, limit: _Nodes = lineage_graph.DEFAULT_NODES
) -> JSONBytes:
    """The document's way up to its root object and bucket and everything below it, as nodes and edges; of more than
    `limit` nodes the nearest."""
    return JSONBytes(await lineage_graph.get_lineage_graph(ctx, document_id, limit, collection_identifier))


@router.get(
    "/v1/documents/{document_id}/lineage/graph",
    summary="Get the lineage graph of a document of the namespace",
    operation_id="get_document_lineage_graph_ns",
    response_model=LineageGraph,
)
async def get_document_lineage_graph_ns(
    document_id: str, ctx: Ctx, limit: _Nodes = lineage_graph.DEFAULT_NODES
) -> JSONBytes:
    """The same for a document in whichever collection of the namespace."""
    return JSONBytes(await lineage_graph.get_lineage_graph(ctx, document_id, limit))


@router.get(
    _OBJECT + "/documents",
    summary="List what was made of an object",
    operation_id="get_documents_by_object",
    response_model=ObjectDocuments,
    openapi_extra=_LINKS,
)
async def get_documents_by_object(
    object_id: str,
    ctx: Ctx,
    options: Options,
    collection_ids: Annotated[
        list[str] | None, Query(description="Ids or names of collections, repeated or comma-separated.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=objects.MAX_DOCUMENTS, description="Most documents to show.")] = (
        objects.MAX_DOCUMENTS
    ),
    offset: Annotated[int, Query(ge=0, description="Documents to skip.")] = 0,
) -> JSONBytes:
    """The documents of all collections, or of those named, whose root object this is. 404 when no document of the
    namespace names the object."""
    return JSONBytes(await objects.get_documents_by_object(ctx, object_id, collection_ids, limit, offset, options))


@router.delete(
    _OBJECT + "/documents",
    summary="Delete what was made of an object",
    operation_id="delete_documents_by_object",
    response_model=DocumentsDeleted,
    dependencies=[Depends(no_mistyped_dry_run)],
)
async def delete_documents_by_object(
    object_id: str,
    ctx: Ctx,
    dry_run: Annotated[bool, Query(description="Only count what would be deleted.")] = False,
) -> JSONBytes:
    """Delete all documents whose root object this is, in whichever collections of the namespace.

    Nothing is deleted when one of them is in a frozen collection, or may not be deleted with this key. `dry_run` only
    counts. 404 when no document of the namespace names the object.
    """
    return json_response(await service_cascade.delete_of_object(ctx, object_id, dry_run=dry_run))


@router.get(
    _OBJECT + "/decomposition-tree",
    summary="Get an object's decomposition tree",
    operation_id="get_decomposition_tree_objects",
    response_model=DecompositionTree,
)
async def get_decomposition_tree_objects(
    object_id: str,
    ctx: Ctx,
    include_document_ids: Annotated[bool, Query(description="Name the documents of each collection.")] = False,
) -> JSONBytes:
    """Which collections have documents of the object, each below the one that its documents were made from, with how
    many there are."""
    tree = await decomposition.get_decomposition_tree(ctx, object_id, include_document_ids=include_document_ids)
    return JSONBytes(tree)
