"""The request of the "Create a document" page, to the letter, against a collection named as in its example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.conftest import Server

SEED = """
{
  "collection_id": "collection_123",
  "root_object_id": "<string>",
  "root_bucket_id": "<string>",
  "source_type": "bucket",
  "source_collection_id": "<string>",
  "source_document_id": "<string>",
  "source_object_id": "<string>",
  "lineage_path": "<string>",
  "lineage_chain": [
    {
      "collection_id": "<string>",
      "feature_extractor_id": "<string>",
      "document_id": "doc_frame001",
      "timestamp": "2023-11-07T05:31:56Z"
    }
  ],
  "document_schema_version": "<string>",
  "metadata": {},
  "features": [
    {
      "feature_extractor_id": "<string>",
      "payload": {},
      "vectors": {}
    }
  ]
}
"""


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.client() as client:
        client.post("/v1/namespaces", json={"namespace_name": "seed"})
        client.headers["X-Namespace"] = "seed"
        made = client.post("/v1/collections", json={"collection_name": "collection_123", "source": {"type": "none"}})
        assert made.status_code in (200, 409), made.text
        yield client


def post_seed(client: httpx2.Client, collection: str = "collection_123", **changes: Any) -> httpx2.Response:
    import json

    body = {**json.loads(SEED), **changes}
    return client.post(f"/v1/collections/{collection}/documents", json=body)


def test_the_literal_request_is_answered_with_the_document(client: httpx2.Client) -> None:
    answer = client.post(
        "/v1/collections/collection_123/documents", content=SEED, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    document = answer.json()
    internal = document["_internal"]
    assert document["document_id"].startswith("doc_")
    assert document["collection_id"].startswith("col_")
    assert internal["document_id"] == document["document_id"]
    assert internal["collection_id"] == document["collection_id"]
    assert internal["document_schema_version"] == "<string>"
    assert internal["metadata"]["ingestion_status"] == "COMPLETED"
    assert internal["lineage"]["source_type"] == "bucket"
    assert internal["lineage"]["path"] == "<string>"
    assert internal["lineage"]["chain"][0]["timestamp"] == "2023-11-07T05:31:56.000Z"
    fetched = client.get(f"/v1/collections/collection_123/documents/{document['document_id']}")
    assert fetched.json() == document


def test_another_collection_in_the_body_is_400_and_stores_nothing(client: httpx2.Client) -> None:
    before = client.get("/v1/collections/collection_123/documents/count").json()
    answer = post_seed(client, collection_id="elsewhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "collection_id_mismatch")
    assert client.get("/v1/collections/collection_123/documents/count").json() == before


def test_unknown_collection_in_the_path_is_404(client: httpx2.Client) -> None:
    answer = post_seed(client, collection="nowhere")
    assert (answer.status_code, answer.json()["error"]["details"]) == (404, {"resource": "collection", "id": "nowhere"})


def test_unknown_source_type_is_422(client: httpx2.Client) -> None:
    assert post_seed(client, source_type="x").status_code == 422


def test_chain_step_without_extractor_is_422_naming_the_field(client: httpx2.Client) -> None:
    answer = post_seed(client, lineage_chain=[{"collection_id": "c"}])
    assert answer.status_code == 422
    (item,) = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["body", "lineage_chain", 0, "feature_extractor_id"]
