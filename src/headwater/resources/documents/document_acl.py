"""Changing a document's ACL."""

from __future__ import annotations

from typing import Any

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import ValidationError
from headwater.resources.documents.service_get import Rendered, find_in_collection
from headwater.resources.documents.service_write import answer, entity_tags
from headwater.store.commands.document_acl import UpdateDocumentAcl
from headwater.store.documents.acl import Acl, parse_acl, require_owned
from headwater.store.documents.render import PLAIN
from headwater.tenancy.access import access_collection
from headwater.tenancy.document_acl import principal_of


async def update_document_acl(
    ctx: Context, collection_identifier: str, document_id: str, body: dict[str, Any], *, if_match: str | None = None
) -> Rendered:
    """Set the lists and the flag that were sent. ``ForbiddenError`` for everybody but owner and organization."""
    collection = access_collection(ctx, collection_identifier)
    outcome = await ctx.execute(
        UpdateDocumentAcl(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row,
            document_id=document_id,
            changes=_changes(ctx, collection, document_id, body),
            if_match=entity_tags(if_match),
            principal=principal_of(ctx),
        )
    )
    return answer(ctx, collection, outcome, PLAIN)


def _changes(ctx: Context, collection: Collection, document_id: str, body: dict[str, Any]) -> Acl:
    try:
        return parse_acl(body, ["body"])
    except ValidationError:
        # A document that is not there, or not the caller's, is said before what is wrong with the body.
        require_owned(find_in_collection(ctx, collection, document_id), document_id, principal_of(ctx))
        raise
