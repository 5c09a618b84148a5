"""Answers of the lineage routes, as the OpenAPI description shows them. The routes join stored bytes instead."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from headwater.resources.documents.schemas import DocumentResponse

_STEP = {
    "collection_id": "col_frames",
    "feature_extractor_id": "image_extractor_v1",
    "document_id": "doc_frame",
    "timestamp": "2026-01-05T09:30:00.000Z",
}


def _example(example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class ChainStep(BaseModel):
    collection_id: str | None = None
    feature_extractor_id: str | None = None
    document_id: str | None = None
    timestamp: str | None = None


class DocumentLineage(BaseModel):
    root_object_id: str | None
    root_bucket_id: str | None
    source_type: str | None
    source_object_id: str | None
    source_document_id: str | None = Field(description="The parent.")
    source_collection_id: str | None
    source_row: dict[str, Any] | None = Field(description="Always null: no document is made from a database's row.")
    lineage_chain: list[ChainStep] = Field(description="The root first, the document itself last.")


class DocumentLineageResponse(BaseModel):
    """Where a document came from, step by step."""

    model_config = _example(
        {
            "document_id": "doc_scene",
            "collection_id": "col_scenes",
            "depth": 2,
            "total_steps": 2,
            "message": None,
            "lineage": {
                "root_object_id": "obj_film",
                "root_bucket_id": "bkt_films",
                "source_type": "collection",
                "source_object_id": None,
                "source_document_id": "doc_frame",
                "source_collection_id": "col_frames",
                "source_row": None,
                "lineage_chain": [_STEP, {**_STEP, "collection_id": "col_scenes", "document_id": "doc_scene"}],
            },
        }
    )

    document_id: str
    collection_id: str
    depth: int = Field(description="Steps from the root object: 1 for a document that was made from it directly.")
    total_steps: int = Field(description="Entries of `lineage_chain`: fewer than `depth` when one of them is gone.")
    message: str | None = Field(description="Why there is no lineage.")
    lineage: DocumentLineage | None


class GraphNode(BaseModel):
    id: str
    kind: Literal["document", "object", "bucket"]
    collection_id: str | None
    collection_name: str | None = None
    label: str = Field(description="The document's title or name where it has one, else its id.")
    missing: bool | None = Field(None, description="True for a parent that is named but not there.")


class GraphEdge(BaseModel):
    """From what was there first to what came of it."""

    source: str
    target: str
    kind: Literal["holds", "root_of", "parent_of"] = Field(
        description="`holds`: bucket to object; `root_of`: object to document; `parent_of`: document to document."
    )


class LineageGraph(BaseModel):
    """A document's way up to its bucket, and everything below it."""

    model_config = _example(
        {
            "nodes": [
                {"id": "bkt_films", "kind": "bucket", "collection_id": None, "label": "bkt_films"},
                {"id": "obj_film", "kind": "object", "collection_id": None, "label": "obj_film"},
                {
                    "id": "doc_film",
                    "kind": "document",
                    "collection_id": "col_films",
                    "label": "Launch",
                    "collection_name": "films",
                },
            ],
            "edges": [
                {"source": "bkt_films", "target": "obj_film", "kind": "holds"},
                {"source": "obj_film", "target": "doc_film", "kind": "root_of"},
            ],
            "truncated": False,
        }
    )

    nodes: list[GraphNode] = Field(description="The topmost first.")
    edges: list[GraphEdge]
    truncated: bool = Field(description="Whether nodes were left out for the limit.")


class ObjectDocuments(BaseModel):
    """What was made of an object."""

    object_id: str
    total_documents: int = Field(description="All of them, however many are shown.")
    documents: list[DocumentResponse] = Field(description="The oldest first.")
    collections: dict[str, int] = Field(description="How many documents each collection has of it.")
    unknown_collection_ids: list[str] | None = Field(None, description="Those that name no collection.")


class DecompositionNode(BaseModel):
    collection_id: str
    collection_name: str | None
    tier: int = Field(description="1 for collections that were made from the object directly.")
    feature_extractor_id: str | None
    document_count: int
    document_ids: list[str] | None = Field(None, description="Only when asked for.")
    children: list[DecompositionNode] = Field(description="Collections whose documents were made from these.")


class DecompositionTree(BaseModel):
    """The collections that have documents of an object, each below the one that its documents were made from."""

    model_config = _example(
        {
            "object_id": "obj_film",
            "bucket_id": "bkt_films",
            "total_documents": 3,
            "total_collections": 2,
            "max_tier": 2,
            "tree": [
                {
                    "collection_id": "col_frames",
                    "collection_name": "frames",
                    "tier": 1,
                    "feature_extractor_id": "image_extractor_v1",
                    "document_count": 2,
                    "children": [
                        {
                            "collection_id": "col_scenes",
                            "collection_name": "scenes",
                            "tier": 2,
                            "feature_extractor_id": "scene_v1",
                            "document_count": 1,
                            "children": [],
                        }
                    ],
                }
            ],
        }
    )

    object_id: str
    bucket_id: str | None
    total_documents: int
    total_collections: int
    max_tier: int
    tree: list[DecompositionNode]
