"""Lists over the collections of a namespace, one at a time or up to ten side by side."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import orjson
import pydantic
import structlog
from pydantic import Field, SkipValidation

from headwater.context import Context
from headwater.errors import HeadwaterError, NotFoundError, ValidationError
from headwater.http.envelope import internal_error, validation_items
from headwater.http.models import LenientModel
from headwater.http.pagination import PageQuery, resolve_page
from headwater.resources.documents.list_envelope import Listed
from headwater.resources.documents.list_request import ListFields, NamespaceListBody, asked_for
from headwater.resources.documents.listing import list_page_of
from headwater.store.documents.render import PLAIN, RenderOptions
from headwater.tenancy.access import access_collections

MAX_QUERIES = 10
MAX_KEY_LENGTH = 128

_log = structlog.get_logger()


class BatchListQuery(LenientModel):
    key: str = Field(min_length=1, max_length=MAX_KEY_LENGTH, description="Your name for the query, once in a batch.")
    #: Looked at when its turn comes: one that is malformed fails alone.
    request: Annotated[NamespaceListBody, SkipValidation] = Field(description="What the list over collections takes.")


class BatchListBody(LenientModel):
    queries: list[BatchListQuery] = Field(min_length=1, max_length=MAX_QUERIES)

    @pydantic.field_validator("queries")
    @classmethod
    def _keys_differ(cls, queries: list[BatchListQuery]) -> list[BatchListQuery]:
        keys = [query.key for query in queries]
        repeated = next((key for key in keys if keys.count(key) > 1), None)
        if repeated is not None:
            raise ValueError(f"the key {repeated!r} is there twice; each query needs its own")
        return queries


async def list_documents_of_namespace(
    ctx: Context, page: PageQuery, options: RenderOptions, query: ListFields, body: NamespaceListBody
) -> bytes:
    """A page of the documents of the named collections, or of all that the key's scopes reach."""
    every = access_collections(ctx)
    # Ids outrank names.
    known = {found.collection_name: found for found in every} | {found.collection_id: found for found in every}
    names = [found.collection_id for found in every] if body.collection_ids is None else body.collection_ids
    chosen = {known[name].collection_row: known[name] for name in names if name in known}
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown and not chosen:
        raise NotFoundError.of("collection", unknown[0])
    indexes = [index for found in chosen.values() for index in found.body.get("vectors") or []]
    named = ["*"] if body.collection_ids is None else sorted(set(names))
    listed = Listed(tuple(chosen), ("namespace", *named), body.with_query(options, indexes), unknown=unknown)
    return await list_page_of(ctx, listed, resolve_page(page, body), asked_for(query, body), [])


async def list_documents_batch(ctx: Context, body: BatchListBody) -> bytes:
    """The answers of all queries, in their order. One that fails says why in its place."""
    answers = await asyncio.gather(*(_answer(ctx, query.request) for query in body.queries), return_exceptions=True)
    results = [_result(ctx, query.key, answer) for query, answer in zip(body.queries, answers, strict=True)]
    return b'{"results":[' + b",".join(results) + b"]}"


async def _answer(ctx: Context, request: Any) -> bytes:
    try:
        body = NamespaceListBody.model_validate(request)
    except pydantic.ValidationError as error:
        raise ValidationError(validation_items(error.errors(), "request")) from None
    return await list_documents_of_namespace(ctx, PageQuery(), PLAIN, ListFields(), body)


def _result(ctx: Context, key: str, answer: bytes | BaseException) -> bytes:
    if isinstance(answer, bytes):
        return b'{"key":%b,"response":%b,"error":null}' % (orjson.dumps(key), answer)
    if not isinstance(answer, Exception):
        raise answer
    if not isinstance(answer, HeadwaterError):
        _log.error("query of a batch failed", request_id=ctx.request_id, exc_info=answer)
        answer = internal_error(ctx.request_id)
    return orjson.dumps({"key": key, "response": None, "error": answer.message})
