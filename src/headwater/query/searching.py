"""``search``: a text anywhere in a document, in its id or in one of its strings."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from headwater.query.fields import Fields


def compile_search(text: str, unsearched: Collection[str] = ()) -> Callable[[Fields], bool]:
    """A function that says whether the text occurs in the document, in whatever case. Members of these names at the
    root are not looked at."""
    wanted, skipped = text.lower(), {"_schema_violations", *unsearched}

    def found(fields: Fields) -> bool:
        return wanted in fields.document_id.lower() or any(
            _occurs(value, wanted) for name, value in fields.body.items() if name not in skipped
        )

    return found


def _occurs(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return wanted in value.lower()
    if isinstance(value, dict):
        return any(_occurs(member, wanted) for member in value.values())
    if isinstance(value, list):
        return any(_occurs(member, wanted) for member in value)
    return False
