"""Clients that create, change, delete and upsert as fast as they are answered, and tell the oracle."""

from __future__ import annotations

import random
import threading
import time
from typing import Any
from uuid import UUID

import numpy as np

from .api import Answer, Api, UnansweredError
from .oracle import DIMENSIONS, VECTOR, Oracle, State, UnansweredCreate, packed, stable_part

#: Answers that promise that nothing was stored.
NOTHING_STORED = {503, 507}


class Writer(threading.Thread):
    """Owns the documents of ``oracle``. Runs until ``finished`` is set, or until ``operations`` are done."""

    def __init__(
        self,
        url: str,
        key: str,
        namespace: str,
        collection: str,
        oracle: Oracle,
        seed: int,
        *,
        operations: int | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self.finished = threading.Event()
        self._url, self._key, self._namespace, self._collection = url, key, namespace, collection
        self._oracle = oracle
        self._choose = random.Random(seed)
        self._operations = operations
        self._path = f"/v1/collections/{collection}/documents"

    def run(self) -> None:
        with Api(self._url, key=self._key, namespace=self._namespace) as self._api:
            done = 0
            while not self.finished.is_set() and done != self._operations:
                self._step()
                done += 1

    def _step(self) -> None:
        living = self._oracle.living()
        actions = [self._create_one, self._create_one, self._upsert_some]
        if living:
            actions += [self._patch_one, self._patch_one, self._delete_one]
        self._choose.choice(actions)(living)

    # -- operations -------------------------------------------------------------------------------------------

    def _create_one(self, living: list[str]) -> None:
        state = self._new_state()
        body = state.fields | {"features": [_feature(state)]}
        document_id = self._new_id() if self._choose.random() < 0.3 else None
        if document_id is not None:
            body["document_id"] = document_id
        replay_key = self._marker() if document_id is None and self._choose.random() < 0.5 else None
        headers = {} if replay_key is None else {"Idempotency_Key": replay_key}
        answer = self._send("POST", self._path, body, **headers)
        if answer is not None and answer.status == 200:
            made = answer.json
            self._oracle.settle(made["document_id"], State(state.fields, state.vector, stable_part(made)))
        elif self._unclear(answer):
            if document_id is not None:
                self._oracle.doubt(document_id, state)
            else:
                self._oracle.unanswered[state.fields["marker"]] = UnansweredCreate(state, body, replay_key)

    def _patch_one(self, living: list[str]) -> None:
        document_id = self._choose.choice(living)
        before = self._oracle.documents[document_id].certain
        assert before is not None
        change: dict[str, Any] = {
            "n": self._choose.randrange(10**9),
            "note": self._text(),
            "metadata": {"status": self._choose.choice(["draft", "live"])},
        }
        vector = self._vector() if self._choose.random() < 0.5 else before.vector
        metadata = before.fields.get("metadata", {}) | change["metadata"]
        after = State(before.fields | change | {"metadata": metadata}, vector)
        body = change if vector == before.vector else change | {"features": [_feature(after)]}
        answer = self._send("PATCH", f"{self._path}/{document_id}", body)
        if answer is not None and answer.status == 200:
            self._oracle.settle(document_id, State(after.fields, vector, stable_part(answer.json)))
        elif self._unclear(answer):
            self._oracle.doubt(document_id, after)

    def _delete_one(self, living: list[str]) -> None:
        document_id = self._choose.choice(living)
        answer = self._send("DELETE", f"{self._path}/{document_id}")
        if answer is not None and answer.status == 200:
            self._oracle.settle(document_id, None)
        elif self._unclear(answer):
            self._oracle.doubt(document_id, None)

    def _upsert_some(self, living: list[str]) -> None:
        count = self._choose.randint(2, 12)
        ids = self._choose.sample(living, min(len(living), count // 3))
        ids += [self._new_id() for _ in range(count - len(ids))]
        states = {document_id: self._new_state(metadata=False) for document_id in ids}
        documents = [
            {"document_id": document_id, "vectors": {VECTOR: _numbers(state.vector)}, "payload": state.fields}
            for document_id, state in states.items()
        ]
        body = {"collection_id": self._collection, "documents": documents}
        answer = self._send("POST", f"/v1/namespaces/{self._namespace}/documents/upsert", body)
        for document_id, state in states.items():
            if answer is not None and answer.status == 200:
                self._oracle.settle(document_id, state)
            elif self._unclear(answer):
                self._oracle.doubt(document_id, state)

    # -- answers ----------------------------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        try:
            answer = self._api.request(method, path, body, **headers)
        except UnansweredError:
            time.sleep(0.02)
            return None
        if answer.status == 200:
            self._oracle.acknowledged += 1
        elif answer.status in NOTHING_STORED:
            time.sleep(0.02)
        elif not _outcome_unknown(answer):
            self._oracle.violations.append(f"{method} {path}: {answer.status} {answer.body[:400]!r}")
        return answer

    def _unclear(self, answer: Answer | None) -> bool:
        return answer is None or answer.status not in NOTHING_STORED

    # -- random content ---------------------------------------------------------------------------------------

    def _new_state(self, *, metadata: bool = True) -> State:
        fields: dict[str, Any] = {
            "marker": self._marker(),
            "n": self._choose.randrange(10**9),
            "note": self._text(),
            "tags": [self._text() for _ in range(self._choose.randrange(3))],
        }
        if metadata:
            fields["metadata"] = {"status": "draft", "price": self._choose.random()}
        return State(fields, self._vector())

    def _vector(self) -> bytes:
        return packed([self._choose.gauss(0, 1) for _ in range(DIMENSIONS)])

    def _marker(self) -> str:
        return UUID(int=self._choose.getrandbits(128)).hex

    def _new_id(self) -> str:
        return f"doc_{self._choose.getrandbits(96):024x}"

    def _text(self) -> str:
        return "".join(self._choose.choice('abc äß語\n"\\ 0') for _ in range(self._choose.randrange(40)))


def _numbers(vector: bytes) -> list[float]:
    return [float(value) for value in np.frombuffer(vector, "<f4")]


def _feature(state: State) -> dict[str, Any]:
    return {"feature_extractor_id": "own_v1", "vectors": {"embedding": _numbers(state.vector)}}


def _outcome_unknown(answer: Answer) -> bool:
    if answer.status != 500:
        return False
    return (answer.json["error"].get("details") or {}).get("retryable") is False
