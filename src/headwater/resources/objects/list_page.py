"""One page of a list of objects, from a connection. Its question and its answer are plain data, so that what has to
read many objects can do so in another process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw
import msgspec

from headwater.blobs.file_links import FileLinks
from headwater.resources.documents.select import Selection
from headwater.resources.objects.render import with_links
from headwater.store.documents.records import DocumentRow
from headwater.store.find import Budget, Explain, Order, Position, Query, count, find_page

#: These stay whatever is selected.
_ALWAYS = ("object_id", "bucket_id")


@dataclass(frozen=True)
class Question:
    """Which page, and how its objects are shown. ``after`` outranks ``offset``."""

    query: Query
    order: Order
    after: Position | None
    offset: int
    limit: int
    counted: bool
    select: Selection | None
    #: Without it there are no links to files.
    links: FileLinks | None


class Answer(NamedTuple):
    """The objects as a JSON list, and what the envelope says about them."""

    content: bytes
    #: Where the next page starts; None when nothing follows.
    following: Position | None
    #: How many objects match, if they were counted.
    total: int | None
    stats: dict[str, Any]
    explain: Explain


def answer(connection: apsw.Connection, budget: Budget, question: Question) -> Answer:
    """The page. Call it by ``Runtime.find``."""
    page = find_page(
        connection,
        question.query,
        question.order,
        budget=budget,
        after=question.after,
        offset=question.offset,
        limit=question.limit,
    )
    total = None
    if question.counted:
        total, counting = count(connection, question.query, budget=budget)
        page.explain.rows_read += counting.rows_read
    return Answer(
        content=b"[" + b",".join(_rendered(row, question) for row in page.documents) + b"]",
        following=page.last if page.has_more else None,
        total=total,
        stats=_stats(page.documents),
        explain=page.explain,
    )


def _rendered(row: DocumentRow, question: Question) -> bytes:
    content = row.body if question.links is None else with_links(row.body, question.links)
    return content if question.select is None else question.select.cut(content, _ALWAYS)


class _Counted(msgspec.Struct):
    status: str
    blobs: list[msgspec.Raw]


def _stats(rows: Sequence[DocumentRow]) -> dict[str, Any]:
    """About the objects of this page."""
    found = [msgspec.json.decode(row.body, type=_Counted) for row in rows]
    blobs = sum(len(item.blobs) for item in found)
    return {
        "total_objects": len(found),
        "total_blobs": blobs,
        "avg_blobs_per_object": blobs / max(1, len(found)),
        "objects_by_status": dict(Counter(item.status for item in found)),
    }
