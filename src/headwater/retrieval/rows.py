"""How stages look at rows and change them.

A path means for a row what it means in a filter over documents; before the document comes what stages have added, and
``score`` is the row's. A row is never changed in place: earlier working sets may still be shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from headwater.query import Fields
from headwater.query.fields import walk
from headwater.retrieval.hits import Hit

SCORE = "score"
_WRAPPERS = ("metadata.", "payload.")


class Row:
    """A hit whose document has been loaded, or a row that a stage made."""

    __slots__ = ("_document", "_hit")

    def __init__(self, hit: Hit) -> None:
        self._hit = hit
        self._document = _ShownFields(hit)

    def values_at(self, path: str) -> list[Any]:
        """As filters see it."""
        if path == "_score":
            path = SCORE
        if path == SCORE and self._hit.score is not None:
            return [self._hit.score]
        added = self._hit.added
        if path in added:
            return [added[path]]
        if added and path.partition(".")[0] in added:
            return walk(added, path.split("."))
        return self._document.values_at(path)

    def find(self, path: str) -> list[Any]:
        """The same for the paths of stages, which other layouts of documents have taught to write ``metadata.price``
        for ``price``, ``price`` for ``metadata.price`` and ``lineage.path`` for ``_internal.lineage.path``."""
        return self.values_at(self.spelling(path))

    def spelling(self, path: str) -> str:
        """The one of these paths that leads to something; the path itself where none does."""
        return next((spelling for spelling in _spellings(path) if self.values_at(spelling)), path)

    def value(self, path: str) -> Any:
        """What stands at the path: a list where it leads to several values, None where it leads to none."""
        found = self.find(path)
        return found if len(found) > 1 else found[0] if found else None

    def number(self, path: str) -> float | None:
        """The first value if it is a finite number."""
        found = self.find(path)
        return finite(found[0]) if found else None


class _ShownFields(Fields):
    """``Fields`` of a document that has been decoded already."""

    __slots__ = ("_shown_blobs",)

    def __init__(self, hit: Hit) -> None:
        super().__init__(hit.document_id, hit.collection_id, b"{}", b"{}")
        document = hit.document or {}
        self._body = document
        self._internal = document.get("_internal") or {}
        self._shown_blobs = document.get("document_blobs") or []

    def _special(self, steps: tuple[str, ...]) -> list[Any]:
        if steps[0] == "document_blobs":
            return walk(self._shown_blobs, steps[1:])
        return super()._special(steps)


def _spellings(path: str) -> Iterator[str]:
    yield path
    for wrapper in _WRAPPERS:
        if path.startswith(wrapper):
            yield path.removeprefix(wrapper)
    for wrapper in ("metadata", "_internal", "_internal.lineage"):
        yield f"{wrapper}.{path}"


def finite(value: Any) -> float | None:
    """The number, if it is one that can be calculated with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def score_of(hit: Hit, path: str = SCORE) -> float | None:
    """The number at the path. Asking for ``score`` needs no document."""
    if path == SCORE and hit.score is not None:
        return finite(hit.score)
    return Row(hit).number(path)


def with_value(hit: Hit, path: str, value: Any) -> Hit:
    """The hit with a value at a dotted path, beside what stands there already."""
    if path in (SCORE, "_score") and isinstance(value, float):
        return replace(hit, score=value)
    root, *steps = path.split(".")
    before = hit.added[root] if root in hit.added else (hit.document or {}).get(root)
    return replace(hit, added={**hit.added, root: placed(before, steps, value)})


def placed(before: Any, steps: list[str], value: Any) -> Any:
    """A copy of a JSON value with another at these steps into it; what is no object gives way to one."""
    if not steps:
        return value
    inner = before if isinstance(before, dict) else {}
    return {**inner, steps[0]: placed(inner.get(steps[0]), steps[1:], value)}
