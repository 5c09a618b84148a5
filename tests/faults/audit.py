"""Compares everything that the server holds with everything that the clients know."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from .api import Api
from .oracle import Known, Oracle, State, fields_of, stable_part
from .storage_socket import nearest

_CLOSER_LOOKS = 40


class Audit:
    """One look at one collection after a fault. ``findings`` is empty when nothing was lost, changed or invented."""

    def __init__(self, api: Api, namespace: str, collection: str, oracles: list[Oracle]) -> None:
        self._api = api
        self._namespace = namespace
        self._path = f"/v1/collections/{collection}/documents"
        self._oracles = oracles
        self.findings: list[str] = []
        self.listed: dict[str, dict[str, Any]] = {}

    def run(self, choose: random.Random, *, search: Any = None) -> list[str]:
        """Retry what was never answered, compare everything, look closer at some of what was touched.

        ``search`` is a ``StorageSocket`` to find the touched documents by their vectors with.
        Afterwards the oracles are certain again: of each document's possible states, the one found.
        """
        for oracle in self._oracles:
            self.findings += oracle.violations
            oracle.violations.clear()
        self._retry_creates()
        self._read_everything()
        self._compare_unanswered_creates()
        self._compare_documents()
        self._look_closer(choose, search)
        return self.findings

    # -- the parts --------------------------------------------------------------------------------------------

    def _retry_creates(self) -> None:
        """A client that saw no answer sends the same request with the same key again, even twice."""
        for oracle in self._oracles:
            for marker, create in list(oracle.unanswered.items()):
                if create.idempotency_key is None:
                    continue
                first, second = (
                    self._api.request("POST", self._path, create.body, Idempotency_Key=create.idempotency_key)
                    for _ in range(2)
                )
                if first.status != 200 or first.body != second.body:
                    self._find(marker, f"retries answered {first.status} {first.body!r}, {second.body!r}")
                    continue
                made = first.json
                state = State(create.state.fields, create.state.vector, stable_part(made))
                oracle.settle(made["document_id"], state)
                del oracle.unanswered[marker]

    def _read_everything(self) -> None:
        markers: dict[str, str] = {}
        for document in all_documents(self._api, self._path):
            document_id = document["document_id"]
            if document_id in self.listed:
                self._find(document_id, "is listed twice")
            marker = document.get("marker")
            if marker in markers:
                self._find(document_id, f"was made twice: {markers[marker]} has its marker too")
            markers[marker] = document_id
            self.listed[document_id] = document
        count = self._api.get(f"{self._path}/count")["count"]
        if count != len(self.listed):
            self._find(self._path, f"count says {count}, {len(self.listed)} are listed")

    def _compare_unanswered_creates(self) -> None:
        by_marker = {document.get("marker"): document for document in self.listed.values()}
        for oracle in self._oracles:
            for marker, create in oracle.unanswered.items():
                document = by_marker.get(marker)
                if document is not None:
                    oracle.documents[document["document_id"]] = Known([create.state])
                    oracle.touched.add(document["document_id"])
            oracle.unanswered.clear()

    def _compare_documents(self) -> None:
        invented = set(self.listed)
        for oracle in self._oracles:
            for document_id, known in oracle.documents.items():
                invented.discard(document_id)
                self._compare(document_id, known)
        for document_id in invented:
            self._find(document_id, f"was never written: {fields_of(self.listed[document_id])}")

    def _compare(self, document_id: str, known: Known) -> None:
        found = self.listed.get(document_id)
        reasons = []
        for state in known.states:
            reason = _difference(state, found)
            if reason is None:
                document = None if found is None else stable_part(found)
                known.states = [None if state is None else State(state.fields, state.vector, document)]
                return
            reasons.append(reason)
        self._find(document_id, " / ".join(reasons))

    def _look_closer(self, choose: random.Random, search: Any) -> None:
        for oracle in self._oracles:
            touched = sorted(oracle.touched)
            oracle.touched.clear()
            for document_id in choose.sample(touched, min(_CLOSER_LOOKS, len(touched))):
                self._look_at(document_id, oracle.documents[document_id], search)

    def _look_at(self, document_id: str, known: Known, search: Any) -> None:
        if not known.settled:
            return  # reported by the comparison
        answer = self._api.request("GET", f"{self._path}/{document_id}?return_vectors=true")
        if known.certain is None:
            if answer.status != 404:
                self._find(document_id, f"was deleted, and reads {answer.status} {answer.body[:300]!r}")
            return
        if answer.status != 200:
            self._find(document_id, f"reads {answer.status} {answer.body[:300]!r}")
        elif reason := known.certain.difference(answer.json):
            self._find(document_id, f"read alone: {reason}")
        if search is not None and (first := nearest(search, document_id, known.certain.vector)) != document_id:
            self._find(document_id, f"its own vector finds {first} first")

    def _find(self, what: str, finding: str) -> None:
        self.findings.append(f"{what}: {finding}")


def _difference(state: State | None, found: dict[str, Any] | None) -> str | None:
    if state is None:
        return None if found is None else f"should be absent, reads {fields_of(found)}"
    return "is lost" if found is None else state.difference(found)


def all_documents(api: Api, path: str) -> Iterator[dict[str, Any]]:
    """Every document of the collection with its vectors, page by page."""
    cursor = ""
    while True:
        page = api.get(f"{path}?limit=1000&return_vectors=true" + (cursor and f"&cursor={cursor}"))
        yield from page["results"]
        cursor = page["pagination"]["next_cursor"]
        if not cursor:
            return
