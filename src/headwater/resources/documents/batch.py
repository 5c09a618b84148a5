"""Changing many documents that are named one by one: each succeeds or fails for itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import HeadwaterError
from headwater.resources.documents.schemas_batch import DocumentUpdateItem
from headwater.store.commands.base import Command
from headwater.store.commands.batches import DeleteDocuments, DocumentUpdate, UpdateDocuments
from headwater.store.documents.update_data import SLICE_WEIGHT, parse_update, weight_of
from headwater.store.documents.vector_forms import Location
from headwater.tenancy.document_acl import principal_of

T = TypeVar("T")
#: Updates that are taken apart before other requests get their turn.
_TURN = 64


async def update_each(ctx: Context, collection: Collection, items: list[DocumentUpdateItem]) -> dict[str, Any]:
    """Apply each update, in their order. ``ConflictError`` for a frozen collection, ``ValidationError`` for a malformed
    update: then nothing was changed."""
    updates = await _parse(collection, items)
    principal = principal_of(ctx)

    def command(part: list[DocumentUpdate]) -> Command:
        return UpdateDocuments(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row,
            updates=part,
            principal=principal,
        )

    parts = _sliced(updates, [weight_of(item.update) for item in updates])
    errors = await _in_turn(ctx, command, parts)
    return {"task_id": None, "status": None, **_answer("updated", [item.document_id for item in updates], errors)}


async def delete_each(ctx: Context, collection: Collection, document_ids: list[str]) -> dict[str, Any]:
    """Delete each document, once. ``ConflictError`` for a frozen collection."""
    wanted = list(dict.fromkeys(document_ids))
    principal = principal_of(ctx)

    def command(part: list[str]) -> Command:
        return DeleteDocuments(
            namespace_row=collection.namespace_row,
            collection_row=collection.collection_row,
            document_ids=part,
            principal=principal,
        )

    parts = _sliced(wanted, [weight_of(None)] * len(wanted))
    answer = _answer("deleted", wanted, await _in_turn(ctx, command, parts))
    return {"task_id": None, "status": None, "limits": None, **answer}


async def _parse(collection: Collection, items: list[DocumentUpdateItem]) -> list[DocumentUpdate]:
    names = vector_names(collection)
    updates = []
    for number, item in enumerate(items):
        location: Location = ["body", "updates", number, "update_data"]
        updates.append(DocumentUpdate(item.document_id, parse_update(item.update_data, names, location)))
        if number % _TURN == _TURN - 1:
            await asyncio.sleep(0)
    return updates


def vector_names(collection: Collection) -> set[str]:
    """The names under which the collection's documents return vectors."""
    return {index["name"] for index in collection.body.get("vectors") or []}


def _sliced(items: Sequence[T], weights: Sequence[int]) -> Iterator[list[T]]:
    """The items in their order, in parts of one transaction each."""
    part: list[T] = []
    taken = 0
    for item, weight in zip(items, weights, strict=True):
        if part and taken + weight > SLICE_WEIGHT:
            yield part
            part, taken = [], 0
        part.append(item)
        taken += weight
    if part:
        yield part


async def _in_turn(ctx: Context, command: Callable[[list[T]], Command], parts: Iterator[list[T]]) -> list[str | None]:
    """The errors of all items. What raises is that the first part failed: then nothing was changed.

    Later on, the answer has to say what was changed by then, whatever happens.
    """
    errors: list[str | None] = []
    failed: HeadwaterError | None = None
    for part in parts:
        if failed is not None:
            errors += [f"Not tried: {failed.message}"] * len(part)
            continue
        try:
            errors += (await ctx.execute(command(part)))["errors"]
        except HeadwaterError as error:
            if not errors:
                raise
            failed = error
            errors += [error.message] * len(part)
    return errors


def _answer(verb: str, document_ids: list[str], errors: list[str | None]) -> dict[str, Any]:
    results = [
        {"document_id": document_id, "success": error is None, "error": error}
        for document_id, error in zip(document_ids, errors, strict=True)
    ]
    done = errors.count(None)
    failed = len(errors) - done
    return {
        f"{verb}_count": done,
        "failed_count": failed,
        "results": results,
        "message": f"{verb.capitalize()} {done} document(s), {failed} failed",
    }
