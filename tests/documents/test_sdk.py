"""The generated SDK, unchanged, creates, reads, changes and deletes documents on a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.documents_api import DocumentsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import BadRequestException, NotFoundException, UnprocessableEntityException
from mixpeek.models import CreateCollectionRequest, CreateNamespaceRequest, DocumentCreateRequest

from tests.conftest import Server, generated_client

CREATE = {
    "collection_id": "articles",
    "root_object_id": "obj_b2",
    "root_bucket_id": "bkt_a1",
    "source_type": "bucket",
    "metadata": {"status": "draft", "price": 12.5},
    "brand": "Acme",
    "features": [
        {
            "feature_extractor_id": "text_extractor_v1",
            "payload": {"text": "hi"},
            "vectors": {"embedding": [0.5, -0.25, 1.0]},
        }
    ],
}


@pytest.fixture(scope="module")
def api(shared_server: Server) -> Iterator[Any]:
    """A client of a namespace with the collection ``articles``."""
    with generated_client(shared_server) as client:
        made = NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name="sdk"))
        client.set_default_header("X-Namespace", made.namespace_id)
        body = {"collection_name": "articles", "source": {"type": "none"}}
        CollectionsApi(client).create_collection(CreateCollectionRequest.from_dict(body))
        yield client


def test_a_document_from_its_creation_to_its_end(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    created = documents.create_document("articles", DocumentCreateRequest.from_dict(CREATE))
    assert created.additional_properties["brand"] == "Acme"
    assert created.additional_properties["text"] == "hi"
    assert created.additional_properties["metadata"] == CREATE["metadata"]
    assert created.internal.lineage.root_object_id == "obj_b2"
    assert created.internal.lineage.path == f"bkt_a1/{created.collection_id}"
    assert created.searchable_at == created.internal.updated_at
    assert documents.get_document("articles", created.document_id) == created

    with_vectors = documents.get_document("articles", created.document_id, return_vectors=True)
    assert with_vectors.additional_properties["text_extractor_v1_embedding"] == [0.5, -0.25, 1.0]
    assert with_vectors.vector_hydration_incomplete is False

    patched = documents.patch_document("articles", created.document_id, {"metadata": {"status": None}, "brand": "B"})
    assert patched.additional_properties["metadata"] == {"price": 12.5}
    assert patched.additional_properties["brand"] == "B"
    put = documents.update_document("articles", created.document_id, with_vectors.to_dict() | {"brand": "C"})
    assert put.additional_properties["brand"] == "C"
    assert put.internal.created_at == created.internal.created_at

    deleted = documents.delete_document("articles", created.document_id)
    assert deleted.success is True
    with pytest.raises(NotFoundException):
        documents.get_document("articles", created.document_id)


def test_a_document_of_the_namespace(api: Any) -> None:
    created = CollectionDocumentsApi(api).create_document("articles", DocumentCreateRequest.from_dict(CREATE))
    documents = DocumentsApi(api)
    assert documents.get_document_ns(created.document_id) == created
    assert documents.patch_document_ns(created.document_id, {"n": 1}).additional_properties["n"] == 1
    assert documents.update_document_ns(created.document_id, {"n": 2}).additional_properties["n"] == 2


def test_errors_reach_the_client_as_their_kind(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    with pytest.raises(BadRequestException):
        documents.create_document("articles", DocumentCreateRequest.from_dict({"collection_id": "other"}))
    with pytest.raises(NotFoundException):
        documents.create_document("nope", DocumentCreateRequest.from_dict({}))
    wrong = {"features": [{"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [1.0]}}]}
    documents.create_document("articles", DocumentCreateRequest.from_dict(CREATE))
    with pytest.raises(UnprocessableEntityException) as caught:
        documents.create_document("articles", DocumentCreateRequest.from_dict(wrong))
    assert "text_extractor_v1_embedding" in str(caught.value.body)
