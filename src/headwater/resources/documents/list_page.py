"""One page of a list, from a connection: found, rendered, counted. Its question and its answer are plain data, so that
what has to read many documents can do so in another process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import apsw
import msgspec

from headwater.blobs.file_links import FileLinks
from headwater.resources.documents.expand import expand_documents
from headwater.resources.documents.repository import Found
from headwater.resources.documents.select import Selection
from headwater.scope import DocumentScope
from headwater.store.documents.records import DocumentRow, load_vectors_of
from headwater.store.documents.render import (
    PLAIN,
    RenderOptions,
    render_document,
    shadowed_names,
    shown_vectors,
    with_expanded,
)
from headwater.store.documents.signed_urls import with_signed_urls
from headwater.store.find import (
    Budget,
    Counted,
    Explain,
    Group,
    Order,
    Position,
    Query,
    count,
    find_groups,
    find_page,
)

#: Documents of a group that an answer shows.
SHOWN_OF_GROUP = 10
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class View:
    """How the documents of an answer are shown."""

    options: RenderOptions = PLAIN
    select: Selection | None = None
    #: Makes links to files; None where none are wanted.
    links: FileLinks | None = None
    expand: tuple[str, ...] = ()
    #: What ``expand`` may reach; None without it.
    scope: DocumentScope | None = None


@dataclass(frozen=True)
class Question:
    """Which page. ``after`` outranks ``offset``."""

    query: Query
    view: View
    order: Order
    group_by: str | None
    after: Position | None
    offset: int
    limit: int
    counted: bool


class Answer(NamedTuple):
    """The documents, or groups, as a JSON list, and what the envelope says about them."""

    content: bytes
    #: Where the next page starts; None when nothing follows.
    following: Position | None
    #: How many documents match, if they were counted.
    total: int | None
    total_groups: int | None
    average_group: float | None
    average_blobs: float
    #: User fields that vectors of the same name hide.
    hidden: list[str]
    explain: Explain


def answer(connection: apsw.Connection, budget: Budget, question: Question) -> Answer:
    """The page. Call it by ``Runtime.find``."""
    if question.group_by is None:
        return _page_of_documents(connection, budget, question)
    return _page_of_groups(connection, budget, question, question.group_by)


def count_matches(connection: apsw.Connection, budget: Budget, query: Query) -> Counted:
    """How many documents match. Call it by ``Runtime.find``."""
    return count(connection, query, budget=budget)


def _page_of_documents(connection: apsw.Connection, budget: Budget, question: Question) -> Answer:
    page = find_page(
        connection,
        question.query,
        question.order,
        budget=budget,
        after=question.after,
        offset=question.offset,
        limit=question.limit,
    )
    found = _with_vectors(connection, page.documents, question.view)
    return Answer(
        content=_json_list(_rendered(connection, found, question.view)),
        following=page.last if page.has_more else None,
        total=_total(connection, budget, question, page.explain),
        total_groups=None,
        average_group=None,
        average_blobs=_average_blobs(found),
        hidden=_hidden(found, question.view),
        explain=page.explain,
    )


def _page_of_groups(connection: apsw.Connection, budget: Budget, question: Question, path: str) -> Answer:
    page = find_groups(
        connection,
        question.query,
        path,
        budget=budget,
        after=question.after,
        offset=question.offset,
        limit=question.limit,
        documents_per_group=SHOWN_OF_GROUP,
    )
    documents = [document for group in page.groups for document in group.documents]
    found = _with_vectors(connection, documents, question.view)
    rendered = iter(_rendered(connection, found, question.view))
    return Answer(
        content=_json_list([_group(group, rendered) for group in page.groups]),
        following=page.last if page.has_more else None,
        total=_total(connection, budget, question, page.explain),
        total_groups=page.total_groups,
        average_group=page.memberships / page.total_groups if page.total_groups else 0.0,
        average_blobs=_average_blobs(found),
        hidden=_hidden(found, question.view),
        explain=page.explain,
    )


def _total(connection: apsw.Connection, budget: Budget, question: Question, explain: Explain) -> int | None:
    if not question.counted:
        return None
    total, counting = count(connection, question.query, budget=budget)
    explain.rows_read += counting.rows_read
    explain.plan += [f"total: {line}" for line in counting.plan]
    return total


def _group(group: Group, rendered: Iterator[bytes]) -> bytes:
    documents = _json_list([next(rendered) for _ in group.documents])
    return b'{"group_key":%b,"count":%d,"documents":%b}' % (_encode(group.value), group.count, documents)


def _with_vectors(connection: apsw.Connection, documents: Sequence[DocumentRow], view: View) -> list[Found]:
    if not view.options.needs_vectors:
        return [Found(document, []) for document in documents]
    vectors = load_vectors_of(connection, [document.document_row for document in documents])
    return [Found(document, vectors.get(document.document_row, [])) for document in documents]


def _rendered(connection: apsw.Connection, found: Sequence[Found], view: View) -> list[bytes]:
    rendered = [render_document(document, view.options, vectors) for document, vectors in found]
    if view.select is not None:
        rendered = [
            view.select.cut(content, [vector.name for vector in shown_vectors(view.options, vectors)])
            for content, (_, vectors) in zip(rendered, found, strict=True)
        ]
    if view.links is not None:
        rendered = [with_signed_urls(content, view.links) for content in rendered]
    if view.scope is None:
        return rendered
    documents = [document for document, _ in found]
    expanded = expand_documents(connection, view.scope, documents, view.expand, view.links, ["body", "expand"])
    return [with_expanded(content, inside) for content, inside in zip(rendered, expanded, strict=True)]


def _json_list(items: Sequence[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


class _Blobs(msgspec.Struct):
    source_blobs: list[msgspec.Raw] = []


def _average_blobs(found: Sequence[Found]) -> float:
    counts = [
        len(msgspec.json.decode(document.internal, type=_Blobs).source_blobs)
        for document, _ in found
        if b'"source_blobs"' in document.internal
    ]
    return sum(counts) / len(found) if counts else 0.0


def _hidden(found: Sequence[Found], view: View) -> list[str]:
    return sorted({name for document, vectors in found for name in shadowed_names(document, view.options, vectors)})
