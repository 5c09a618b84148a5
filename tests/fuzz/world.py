"""Things that exist, for generated requests: a request about nothing gets no further than its 404."""

from __future__ import annotations

import copy
from itertools import count
from typing import Any

import httpx2

from tests.conftest import Server
from tests.tenancy.described import leaves

#: What a key of the first start belongs to. A request that changed them would end the run.
OWN_EMAIL = "admin@localhost.local"
_RENEWED_AFTER = 60
#: The one route that is for another kind of namespaces.
PROMOTED = "POST /v1/namespaces/{namespace_identifier}/promote"
_PHOTO = b"\x89PNG pixels"
_SCHEMA = {"properties": {"photo": {"type": "image"}, "title": {"type": "string"}, "content": {"type": "text"}}}


class World:
    """One namespace for ``X-Namespace``, and in it and beside it one of each thing, replaced every now and then since
    the generated requests rename, freeze and delete them."""

    def __init__(self, server: Server) -> None:
        self._client = server.client()
        self._numbers = count()
        self._requests = 0
        declared = [{"field_name": "brand", "type": "text"}]
        self.namespace = self._post("/v1/namespaces", namespace_name="fuzz", payload_indexes=declared)["namespace_id"]
        self._client.headers["X-Namespace"] = self.namespace
        self._ids: dict[str, str] = {}
        #: By their names in paths, where the path says more than the name does.
        self._of_path: dict[tuple[str, str], str] = {}
        self._renew()

    def grow_older(self) -> None:
        """Before each request. Counted, not timed: the same requests meet the same world."""
        self._requests += 1
        if self._requests % _RENEWED_AFTER == 0:
            self._renew()

    def named(self, operation: str, name: str, value: str) -> str:
        """What exists under that name of a path's parameter, for an operation such as ``GET /v1/documents/{id}``."""
        prefixes = (
            found for (prefix, about), found in self._of_path.items() if about == name and operation.startswith(prefix)
        )
        return next(prefixes, self._ids.get(name, value))

    def filled(self, body: Any) -> Any:
        """The body with ids of what exists in place of those that it has."""
        body = copy.deepcopy(body)
        for holder, key in leaves(body):
            known = self._ids.get(key.removesuffix("s"))
            if known is not None and key not in ("document_id", "object_id", "namespace_id"):
                holder[key] = [known] if isinstance(holder[key], list) else known
        return body

    def is_alive(self) -> bool:
        """Whether the key and the namespace are still what they were."""
        return all(self._client.get(path).status_code == 200 for path in ("/v1/me", "/v1/collections"))

    def close(self) -> None:
        self._client.close()

    def _renew(self) -> None:
        number = next(self._numbers)
        self._ids = {"namespace_id": self.namespace, "feature_extractor_id": "passthrough_extractor_v1"}
        self._renew_account(number)
        self._renew_files(number)
        self._renew_documents(number)
        self._renew_retriever(number)

    def _renew_account(self, number: int) -> None:
        email, key = f"user-{number}@example.com", f"key-{number}"
        namespace = self._post("/v1/namespaces", namespace_name=f"spare-{number}")
        vector = {"name": "title", "dimension": 4, "metric": "cosine"}
        standalone = self._post("/v1/namespaces/standalone", namespace_name=f"alone-{number}", vector_configs=[vector])
        self._of_path[PROMOTED, "namespace_identifier"] = standalone["namespace_id"]
        self._post("/v1/organizations/users", email=email, user_name="Somebody")
        self._post(f"/v1/organizations/users/{email}/api-keys", name=key)
        self._ids |= {"namespace_identifier": namespace["namespace_id"], "user_email": email, "key_name": key}

    def _renew_files(self, number: int) -> None:
        bucket = self._post("/v1/buckets", bucket_name=f"files-{number}", bucket_schema=_SCHEMA)
        path = f"/v1/buckets/{bucket['bucket_id']}"
        blob = {"property": "content", "type": "text", "data": f"a text {number}"}
        made = self._post(f"{path}/objects", title="Trail runner", blobs=[blob])
        shown = self._client.get(f"{path}/objects/{made['object_id']}?return_presigned_urls=true").json()
        upload = self._post(f"{path}/uploads", filename="photo.png", content_type="image/png")
        sent = self._client.put(upload["presigned_url"], content=_PHOTO, headers={"Content-Type": "image/png"})
        assert sent.status_code == 200, sent.text
        self._ids |= {
            "bucket_identifier": bucket["bucket_id"],
            "bucket_id": bucket["bucket_id"],
            "object_id": made["object_id"],
            "upload_id": upload["upload_id"],
        }
        self._of_path["GET /v1/_storage/", "token"] = _last_segment(shown["blobs"][0]["presigned_url"])
        self._of_path["PUT /v1/_storage/", "token"] = _last_segment(upload["presigned_url"])

    def _renew_documents(self, number: int) -> None:
        things = self._post("/v1/collections", collection_name=f"things-{number}", source={"type": "none"})
        document = self._post(
            f"/v1/collections/{things['collection_id']}/documents",
            brand="Acme",
            metadata={"price": number, "tags": ["a", "b"]},
            root_object_id=self._ids["object_id"],
            features=[{"feature_extractor_id": "text_v1", "payload": {"text": "hi"}, "vectors": {"e": [0.5, 0.25]}}],
        )
        self._ids |= dict.fromkeys(
            ("collection_identifier", "collection_id", "target_collection_id"), things["collection_id"]
        )
        self._ids["document_id"] = document["document_id"]

    def _renew_retriever(self, number: int) -> None:
        stage = {"stage_id": "attribute_filter", "parameters": {"conditions": {"brand": "Acme"}}}
        made = self._post("/v1/retrievers", retriever_name=f"acme-{number}", stages=[stage])
        executed = self._post(f"/v1/retrievers/{made['retriever_id']}/execute")
        ad_hoc = self._post("/v1/retrievers/execute", stages=[stage])
        self._ids |= dict.fromkeys(("retriever_identifier", "retriever_id"), made["retriever_id"])
        self._ids["execution_id"] = executed["execution_id"]
        self._of_path["GET /v1/retrievers/executions/", "execution_id"] = ad_hoc["execution_id"]

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer: httpx2.Response = self._client.post(path, json=body)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json())


def _last_segment(url: str) -> str:
    return url.rpartition("/")[2].partition("?")[0]
