"""The text of a row, for stages that read one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.retrieval.hits import Hit
from headwater.retrieval.rows import Row

#: Where text stands when it is not where the stage was told to look.
_USUAL = ("text", "transcription")
#: What the system says about a document, at its root.
SYSTEM_FIELDS = frozenset(
    {"document_id", "collection_id", "document_blobs", "searchable_at", "_internal", "_vectors", "_expanded"}
)


def text_of(value: Any) -> str:
    """The strings in a value, from front to back."""
    return "\n".join(_strings(value))


def document_text(hit: Hit, path: str) -> str:
    """What stands at the path, or else in the usual fields, or else in all fields of the document."""
    row = Row(hit)
    for candidate in (path, *_USUAL):
        found = text_of(row.value(candidate))
        if found:
            return found
    return text_of(fields_of(hit))


def fields_of(hit: Hit) -> dict[str, Any]:
    """The document without what the system says about it."""
    shown = hit.document or {}
    return {name: value for name, value in shown.items() if name not in SYSTEM_FIELDS}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
