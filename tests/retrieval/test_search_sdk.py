"""The Mixpeek clients, unchanged, search a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek import Mixpeek
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.feature_search_api import FeatureSearchApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import UnprocessableEntityException
from mixpeek.models import BYOUpsertRequest, CreateNamespaceRequest, FeatureSearchRequest

from headwater.models.interface import DEFAULT_TEXT_MODEL
from tests.conftest import Server, generated_client

TEXTS = {"fern": "Ferns want shade and moist soil.", "tax": "Taxes are due in April.", "sea": "Ships sail the ocean."}


@pytest.fixture(scope="module")
def api(shared_server: Server) -> Iterator[Any]:
    """A namespace of documents with vectors of the default text model, named after it."""
    with generated_client(shared_server) as client, shared_server.client() as http:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name="library"))
        client.set_default_header("X-Namespace", "library")
        documents = [
            {"document_id": name, "vectors": {DEFAULT_TEXT_MODEL: embed(http, text)}, "payload": {"text": text}}
            for name, text in TEXTS.items()
        ]
        BYODocumentsApi(client).upsert_documents_byo_namespaces(
            "library", BYOUpsertRequest.from_dict({"documents": documents})
        )
        yield client


def embed(http: Any, text: str) -> list[float]:
    answer = http.post("/v1/inference", json={"inference_name": DEFAULT_TEXT_MODEL, "inputs": {"text": text}})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"]["embedding"])


def found(answer: Any) -> list[str]:
    return [document["document_id"] for document in answer["documents"]]


def test_generated_client_searches_by_text_and_by_vector(api: Any, shared_server: Server) -> None:
    by_text = {"query": {"input_mode": "text", "text": "how do I grow plants"}, "feature_uri": DEFAULT_TEXT_MODEL}
    answer = FeatureSearchApi(api).feature_search(FeatureSearchRequest.from_dict(by_text | {"top_k": 1}))
    assert found(answer) == ["fern"]
    with shared_server.client() as http:
        vector = embed(http, TEXTS["sea"])
    by_vector = {"query": {"input_mode": "vector", "vector": vector}, "feature_uri": DEFAULT_TEXT_MODEL}
    answer = FeatureSearchApi(api).feature_search(FeatureSearchRequest.from_dict(by_vector))
    assert found(answer)[0] == "sea"
    filtered = by_vector | {"filters": {"document_id": "tax"}}
    assert found(FeatureSearchApi(api).feature_search(FeatureSearchRequest.from_dict(filtered))) == ["tax"]


def test_generated_client_reads_a_refusal(api: Any) -> None:
    request = {"query": {"input_mode": "vector", "vector": [1.0]}, "feature_uri": DEFAULT_TEXT_MODEL}
    with pytest.raises(UnprocessableEntityException, match="expected dense of 384, got dense of 1"):
        FeatureSearchApi(api).feature_search(FeatureSearchRequest.from_dict(request))


def test_convenience_client_searches_documents(api: Any, shared_server: Server) -> None:
    client = Mixpeek(shared_server.key, namespace="library", base_url=f"{shared_server.url}/v1")
    answer = client.documents.search(query="boats", feature_uri=DEFAULT_TEXT_MODEL, page_size=2)
    assert found(answer)[0] == "sea"
    assert len(answer["results"]) == 2
