"""The rows that stages hand to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Hit:
    """One row of a working set: a document, or what a stage made of several (then ``document_row`` is 0)."""

    collection_row: int
    document_row: int
    collection_id: str
    document_id: str
    #: None when nothing has ranked it: then the answer has no ``score`` either.
    score: float | None = None
    #: The document as a list shows it, without ``score``. None until a stage or the page needs it: see ``hydrate``.
    document: dict[str, Any] | None = None
    #: What stages added, by root key (``scores``, ``feature_scores``, ``_expanded``, …); shown over the document.
    added: dict[str, Any] = field(default_factory=dict)
    #: The number of the point that a search found: the score is of the vectors that the document had then.
    sequence: int | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Which document it is."""
        return self.collection_row, self.document_row

    def shown(self) -> dict[str, Any]:
        """As the answer shows it. The document must have been loaded."""
        own = {"document_id": self.document_id, "collection_id": self.collection_id} if self.document_row else {}
        shown = own | (self.document or {})
        if self.score is not None:
            shown["score"] = self.score
        return shown | self.added
