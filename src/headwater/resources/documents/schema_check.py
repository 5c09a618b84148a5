"""Trying a document on a collection's ``document_schema``, without storing it."""

from __future__ import annotations

from typing import Any

from headwater.context import Context
from headwater.store.documents.content import parse
from headwater.store.documents.projection import without_echoes
from headwater.store.documents.schema_validation import violations
from headwater.tenancy.access import access_collection


def validate_document(ctx: Context, collection_identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    """The violations of the stored document that the body would make. ``ValidationError`` for a body that could not be
    stored at all."""
    collection = access_collection(ctx, collection_identifier)
    schema = collection.body.get("document_schema")
    parsed = parse(
        body,
        indexes=collection.body.get("vectors") or [],
        max_width=ctx.runtime.settings.max_vector_width,
    )
    found = violations(schema, without_echoes(parsed.root, parsed.payloads)) if schema else []
    return {
        "valid": not found,
        "violations": found,
        "collection_id": collection.collection_id,
        "schema_validation": collection.body.get("schema_validation", "off"),
    }
