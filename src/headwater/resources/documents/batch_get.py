"""Many documents by their ids, in one read."""

from __future__ import annotations

import apsw
import orjson
from pydantic import Field

from headwater.context import Context
from headwater.resources.documents import repository
from headwater.resources.documents.file_links import with_links
from headwater.resources.documents.repository import Found
from headwater.resources.documents.returned import Switches
from headwater.store.documents.acl import can_read
from headwater.store.documents.render import RenderOptions, render_document
from headwater.tenancy.document_acl import principal_of

MAX_IDS = 1000


class BatchGetBody(Switches):
    document_ids: list[str] = Field(min_length=1, max_length=MAX_IDS, description="Ids of up to 1000 documents.")
    return_presigned_urls: bool = Field(True, description="Give each blob a URL to fetch it by.")


async def batch_get_documents(ctx: Context, body: BatchGetBody, options: RenderOptions) -> bytes:
    """The documents in the order of the ids, each once, and the ids that no document has that the caller may see."""
    wanted = list(dict.fromkeys(body.document_ids))
    principal = principal_of(ctx)
    with_vectors = body.with_query(options, ()).needs_vectors

    def read(connection: apsw.Connection) -> dict[str, Found]:
        found = repository.find_documents(connection, ctx.scope.namespace_row, wanted, with_vectors=with_vectors)
        return {name: each for name, each in found.items() if can_read(each.document, principal)}

    found = await ctx.runtime.reader.run(read)
    documents = b",".join(_render(ctx, found[name], options, body) for name in wanted if name in found)
    missing = [name for name in wanted if name not in found]
    return b'{"documents":[' + documents + b'],"not_found":' + orjson.dumps(missing) + b"}"


def _render(ctx: Context, found: Found, options: RenderOptions, body: BatchGetBody) -> bytes:
    document = found.document
    collection = ctx.runtime.catalogue.collection(ctx.scope.namespace_row, document.collection_id)
    indexes = [] if collection is None else collection.body.get("vectors") or []
    shown = body.with_query(options, indexes)
    return with_links(ctx, render_document(document, shown, found.vectors), shown)
