"""What the clients know: for each document the states that it may be in, given every answer and missing answer.

The oracle lives in the test's process, outside of everything that is killed, and holds content, not counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

VECTOR = "own_v1_embedding"
DIMENSIONS = 16
_FIELDS = ("marker", "n", "note", "tags", "metadata")
#: Members of a read document that say something about the moment of reading, or are the vectors themselves.
_VOLATILE = ("searchable_at", "_vectors", "vector_hydration_incomplete", VECTOR)


@dataclass(frozen=True)
class State:
    """A document as a client may find it. ``document`` is the acknowledged JSON, when an answer showed it."""

    fields: dict[str, Any]
    vector: bytes
    document: dict[str, Any] | None = None

    def difference(self, found: dict[str, Any]) -> str | None:
        """What tells the found document (read with its vectors) from this state, or None."""
        if (fields := fields_of(found)) != self.fields:
            return f"fields are {fields}, not {self.fields}"
        if VECTOR not in found:
            return "its vector is missing"
        if packed(found[VECTOR]) != self.vector:
            return "its vector is another"
        if self.document is not None and (stable := stable_part(found)) != self.document:
            return f"it reads {stable}, acknowledged was {self.document}"
        return None


def packed(values: Iterable[float]) -> bytes:
    return np.asarray(values, dtype="<f4").tobytes()


def fields_of(document: dict[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in _FIELDS if name in document}


def stable_part(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _VOLATILE}


@dataclass
class Known:
    """The states that a document may be in; None among them is "absent". More than one: an answer is missing."""

    states: list[State | None]

    @property
    def certain(self) -> State | None:
        assert len(self.states) == 1
        return self.states[0]

    @property
    def settled(self) -> bool:
        return len(self.states) == 1


@dataclass
class UnansweredCreate:
    """A create without an id of its own: if it happened, the marker finds it."""

    state: State
    body: dict[str, Any]
    idempotency_key: str | None


@dataclass
class Oracle:
    """Everything that one writer knows. Writers own disjoint documents."""

    documents: dict[str, Known] = field(default_factory=dict)
    unanswered: dict[str, UnansweredCreate] = field(default_factory=dict)
    #: Written since the last audit: these get the closer look.
    touched: set[str] = field(default_factory=set)
    acknowledged: int = 0
    #: Answers that no fault explains.
    violations: list[str] = field(default_factory=list)

    def settle(self, document_id: str, state: State | None) -> None:
        """An answer says what the document is now."""
        self.documents[document_id] = Known([state])
        self.touched.add(document_id)

    def doubt(self, document_id: str, state: State | None) -> None:
        """No answer came: the document is as before, or in the new state."""
        known = self.documents.setdefault(document_id, Known([None]))
        known.states = [*known.states, state]
        self.touched.add(document_id)

    def living(self) -> list[str]:
        return [key for key, known in self.documents.items() if known.settled and known.certain is not None]
