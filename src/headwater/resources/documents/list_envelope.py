"""The JSON of a list's answer. The documents in it are joined as the bytes they are stored as, never parsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from headwater.http.pagination import Page, pagination_envelope
from headwater.resources.documents.list_page import Answer
from headwater.resources.documents.list_request import Asked
from headwater.store.documents.render import RenderOptions


class Listed(NamedTuple):
    """The documents that a list is about."""

    collection_rows: tuple[int, ...]
    #: What a cursor is bound to: the collections as they were named, so that one that comes or goes breaks no walk.
    named: Sequence[str | int]
    options: RenderOptions
    #: The GET that shows the same.
    path: str | None = None
    unknown: Sequence[str] = ()


def list_envelope(
    listed: Listed, page: Page, asked: Asked, answer: Answer, following: str | None, warnings: list[str]
) -> bytes:
    """The whole answer. ``following`` is the cursor of the next page, None when there is none."""
    grouped = asked.group_by is not None
    total = answer.total if page.include_total else None
    rest: dict[str, Any] = {
        "group_by_field": asked.group_by,
        "pagination": pagination_envelope(
            page,
            path=listed.path,
            has_more=following is not None,
            next_cursor=following,
            total=answer.total_groups if grouped else total,
            parameters=asked.parameters | _shown(listed.options),
        ),
        "total_documents": total,
        "stats": {
            "total_documents": total,
            "avg_blobs_per_document": answer.average_blobs,
            "total_groups": answer.total_groups,
            "avg_documents_per_group": answer.average_group,
        },
        "warnings": warnings or None,
    }
    if asked.explain:
        rest["explain"] = msgspec.to_builtins(answer.explain)
    if listed.unknown:
        rest["unknown_collection_ids"] = listed.unknown
    lists = b'"results":null,"groups":%b' if grouped else b'"results":%b,"groups":null'
    return b"{" + lists % answer.content + b"," + orjson.dumps(rest)[1:]


def _shown(options: RenderOptions) -> dict[str, Any]:
    """The query parameters that show documents in that way."""
    names = options.vector_names
    shown = {
        "return_presigned_urls": options.presigned_urls and "true",
        "return_vectors": options.vectors and "true",
        "return_vector_names": names and ("true" if names is True else ",".join(names)),
    }
    return {name: value for name, value in shown.items() if value}
