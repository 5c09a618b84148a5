"""Things that exist, for generated requests: a request about nothing gets no further than its 404."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx2

from tests.conftest import Server

#: What a key of the first start belongs to. A request that changed them would end the run.
OWN_EMAIL = "admin@localhost.local"
_RENEWED_AFTER = 30


class World:
    """One namespace for ``X-Namespace``, and in it and beside it one of each thing, replaced every now and then since
    the generated requests rename, freeze and delete them."""

    def __init__(self, server: Server) -> None:
        self._client = server.client()
        self._numbers = count()
        self._requests = 0
        self.namespace = self._post("/v1/namespaces", namespace_name="fuzz")["namespace_id"]
        self._client.headers["X-Namespace"] = self.namespace
        self.ids: dict[str, str] = {}
        self._renew()

    def grow_older(self) -> None:
        """Before each request. Counted, not timed: the same requests meet the same world."""
        self._requests += 1
        if self._requests % _RENEWED_AFTER == 0:
            self._renew()

    def is_alive(self) -> bool:
        """Whether the key and the namespace are still what they were."""
        return all(self._client.get(path).status_code == 200 for path in ("/v1/me", "/v1/collections"))

    def close(self) -> None:
        self._client.close()

    def _renew(self) -> None:
        number = next(self._numbers)
        email, key = f"user-{number}@example.com", f"key-{number}"
        namespace = self._post("/v1/namespaces", namespace_name=f"spare-{number}")
        things = self._post("/v1/collections", collection_name=f"things-{number}", source={"type": "none"})
        document = self._post(
            f"/v1/collections/{things['collection_id']}/documents",
            brand="Acme",
            metadata={"price": number, "tags": ["a", "b"]},
            root_object_id=f"obj-{number}",
            features=[{"feature_extractor_id": "text_v1", "payload": {"text": "hi"}, "vectors": {"e": [0.5, 0.25]}}],
        )
        stage = {"stage_id": "attribute_filter", "parameters": {"conditions": {"brand": "Acme"}}}
        retriever = self._post("/v1/retrievers", retriever_name=f"acme-{number}", stages=[stage])
        executed = self._post(f"/v1/retrievers/{retriever['retriever_id']}/execute")
        self._post("/v1/organizations/users", email=email, user_name="Somebody")
        self._post(f"/v1/organizations/users/{email}/api-keys", name=key)
        self.ids = {
            "namespace_id": self.namespace,
            "namespace_identifier": namespace["namespace_id"],
            "collection_identifier": things["collection_id"],
            "document_id": document["document_id"],
            "object_id": f"obj-{number}",
            "retriever_identifier": retriever["retriever_id"],
            "execution_id": executed["execution_id"],
            "user_email": email,
            "key_name": key,
            "feature_extractor_id": "passthrough_extractor_v1",
        }

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer: httpx2.Response = self._client.post(path, json=body)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json())
