"""Rows on their way into a collection: taken apart, stored a slice a commit, and accounted for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import count
from typing import Any

import msgspec
import orjson

from headwater.catalog.tables.collections import Collection
from headwater.errors import HeadwaterError, ValidationError
from headwater.kit.failpoints import cross
from headwater.settings import Settings
from headwater.store.commands.imports import ImportDocuments, ImportItem, sentence
from headwater.store.commands.transfers import ImportTarget
from headwater.store.documents.content import content_of, parse
from headwater.store.documents.lineage import own_extractor
from headwater.store.interface import Store
from headwater.store.transfer import mapping as rules
from headwater.store.transfer.restore import is_complete, parse_row

#: A slice is one command, so it has to fit a commit.
SLICE_ROWS = 128
SLICE_BYTES = 2 * 1024 * 1024
#: Sentences about rows that an answer holds.
MAX_ERRORS = 1000
_MAX_ID_LENGTH = 512

#: A row's number with the row, or with what is wrong with it.
Numbered = tuple[int, dict[str, Any] | HeadwaterError]


class Report(msgspec.Struct):
    imported: int = 0
    reconstructed: int = 0
    skipped: int = 0
    errors: list[dict[str, Any]] = []

    def refused(self, row: int, error: str) -> None:
        self.skipped += 1
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"row": row, "error": error})


class Preparer:
    """Makes items of rows. What is wrong with one is told as a ``ValidationError``."""

    def __init__(self, collection: Collection, target: ImportTarget, settings: Settings) -> None:
        self._collection = collection
        self._target = target
        self._indexes: list[dict[str, Any]] = collection.body.get("vectors") or []
        self._dims = {index["name"]: index["dimensions"] for index in self._indexes if index["dimensions"]}
        self._max_width = settings.max_vector_width
        self._version = settings.document_schema_version
        self._own_step = {
            "collection_id": collection.collection_id,
            "feature_extractor_id": own_extractor(None, collection.body),
        }

    def rows(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The row, or those that it is exploded into."""
        explode = self._target.explode
        return iter([row]) if explode is None or is_complete(row) else rules.exploded(row, explode)

    def item(self, number: int, row: dict[str, Any]) -> ImportItem:
        if is_complete(row):
            document_id = row.get("document_id")
            if type(document_id) is not str or not 1 <= len(document_id) <= _MAX_ID_LENGTH:
                message = f"document_id must be a string of 1 to {_MAX_ID_LENGTH} characters"
                raise ValidationError.at(["row", "document_id"], message, "string_type")
            return ImportItem(number, document_id, parse_row(row, ["row"], self._max_width), None)
        parsed = parse(self._body(row), indexes=self._indexes, max_width=self._max_width, location=["row"])
        if parsed.system.document_schema_version is None:
            parsed.system.document_schema_version = self._version
        document_id = parsed.document_id or self._made_id(number, row)
        return ImportItem(number, document_id, None, content_of(parsed), id_made=parsed.document_id is None)

    def _body(self, row: dict[str, Any]) -> dict[str, Any]:
        body = row if self._target.mapping.empty else rules.apply(self._target.mapping, row, self._own_step)
        if self._target.explode is None:
            return body
        joined = rules.joined_vector(row, self._target.explode, self._dims)
        return {**body, "vectors": {**body.get("vectors", {}), **joined}} if joined else body

    def _made_id(self, number: int, row: dict[str, Any]) -> str:
        """The same for the same row at the same place, so that an import that is repeated makes nothing twice."""
        content = orjson.dumps([self._collection.collection_id, number, row], option=orjson.OPT_SORT_KEYS)
        return f"doc_{blake2b(content, digest_size=12).hexdigest()}"


async def import_rows(
    store: Store,
    preparer: Preparer,
    target: ImportTarget,
    rows: Iterable[Numbered],
    *,
    turn: Callable[[Report], Awaitable[None]],
) -> Report:
    """Import the rows in slices. ``turn`` is awaited after each, with what came of it so far.

    An import that is cut short may be repeated as a whole. Raises ``ConflictError`` for a frozen collection,
    ``NotFoundError`` when it is gone.
    """
    report = Report()
    async for items in _slices(preparer, rows, report, turn):
        outcome = await store.execute(
            ImportDocuments(
                organization_id=target.organization_id,
                namespace_row=target.namespace_row,
                collection_row=target.collection_row,
                items=items,
                dry_run=target.dry_run,
            )
        )
        cross("import.stored")
        for number, error in outcome["errors"]:
            report.refused(number, error)
        report.reconstructed += outcome["imported"]
        report.imported += 0 if target.dry_run else outcome["imported"]
        await turn(report)
    return report


async def _slices(
    preparer: Preparer, rows: Iterable[Numbered], report: Report, turn: Callable[[Report], Awaitable[None]]
) -> AsyncIterator[list[ImportItem]]:
    items: list[ImportItem] = []
    size = 0
    for number, prepared in _items(preparer, rows):
        if isinstance(prepared, HeadwaterError):
            report.refused(number, sentence(prepared))
            continue
        items.append(prepared)
        size += _size(prepared)
        if len(items) % 16 == 0:
            await turn(report)
        if len(items) == SLICE_ROWS or size > SLICE_BYTES:
            yield items
            items, size = [], 0
    if items:
        yield items


def _items(preparer: Preparer, rows: Iterable[Numbered]) -> Iterator[tuple[int, ImportItem | HeadwaterError]]:
    elements = count()
    for number, row in rows:
        if isinstance(row, HeadwaterError):
            yield number, row
            continue
        try:
            for inner in preparer.rows(row):
                # The elements of an exploded object are the rows that errors are told of.
                place = number if inner is row else next(elements)
                yield place, _item(preparer, place, inner)
        except ValidationError as error:
            yield -1, error


def _item(preparer: Preparer, number: int, row: dict[str, Any]) -> ImportItem | HeadwaterError:
    try:
        return preparer.item(number, row)
    except ValidationError as error:
        return error


def _size(item: ImportItem) -> int:
    """Roughly the bytes that the item adds to a command."""
    if item.restored is not None:
        vectors = sum(len(vector.data) for vector in item.restored.vectors)
        return len(item.restored.body) + len(item.restored.internal) + vectors
    assert item.content is not None, "an item has one or the other"
    sent = [*item.content.vectors, *(vector for feature in item.content.features for vector in feature.vectors)]
    return len(item.content.body) + sum(len(vector.data) for vector in sent)
