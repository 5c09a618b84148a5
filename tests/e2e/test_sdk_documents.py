"""The generated SDK, unchanged, does documents against a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.documents_api import DocumentsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import NotFoundException
from mixpeek.models import (
    BatchGetDocumentsRequest,
    BYOUpsertRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    DocumentCreateRequest,
    ListDocumentsRequest,
)

from tests.conftest import Server, generated_client


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[Any]:
    with generated_client(server) as client:
        made = NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name="sdk-documents"))
        client.set_default_header("X-Namespace", made.namespace_id)
        CollectionsApi(client).create_collection(
            CreateCollectionRequest.from_dict({"collection_name": "films", "source": {"type": "none"}})
        )
        yield client


def make(api: Any, **fields: Any) -> Any:
    request = DocumentCreateRequest.from_dict({"collection_id": "films", **fields})
    return CollectionDocumentsApi(api).create_document("films", request)


def test_create_and_get(api: Any) -> None:
    made = make(
        api,
        root_object_id="obj_1",
        root_bucket_id="bkt_1",
        source_type="bucket",
        metadata={"status": "draft"},
        features=[{"feature_extractor_id": "text_v1", "payload": {"text": "hi"}, "vectors": {"e": [0.25, 0.5]}}],
    )
    assert made.internal.lineage.root_object_id == "obj_1"
    found = CollectionDocumentsApi(api).get_document("films", made.document_id, return_vectors=True)
    assert found.additional_properties["metadata"] == {"status": "draft"}
    assert found.additional_properties["text"] == "hi"
    assert found.additional_properties["text_v1_e"] == [0.25, 0.5]
    assert found.additional_properties["_vectors"] == ["text_v1_e"]


def test_put_patch_and_delete(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    made = make(api, metadata={"a": 1, "c": 3})
    patched = documents.patch_document("films", made.document_id, {"metadata": {"a": None, "b": 2}})
    assert patched.additional_properties["metadata"] == {"b": 2, "c": 3}
    put = documents.update_document("films", made.document_id, {"brand": "Acme"})
    assert put.additional_properties["metadata"] == {"b": 2, "c": 3}
    assert put.additional_properties["brand"] == "Acme"
    documents.delete_document("films", made.document_id)
    with pytest.raises(NotFoundException):
        documents.get_document("films", made.document_id)


def test_the_namespaces_own_routes(api: Any) -> None:
    documents = DocumentsApi(api)
    first, second = make(api, number=1), make(api, number=2)
    assert documents.get_document_ns(first.document_id).additional_properties["number"] == 1
    assert documents.patch_document_ns(first.document_id, {"number": 3}).additional_properties["number"] == 3
    assert documents.update_document_ns(first.document_id, {"number": 4}).additional_properties["number"] == 4
    found = documents.batch_get(
        BatchGetDocumentsRequest(document_ids=[second.document_id, "doc_nope", first.document_id])
    )
    assert [document.document_id for document in found.documents] == [second.document_id, first.document_id]
    assert found.not_found == ["doc_nope"]


def test_count_and_both_lists(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    count = documents.count_documents("films").count
    seen: list[str] = []
    cursor = None
    while True:
        page = documents.list_documents(
            "films", list_documents_request=ListDocumentsRequest(limit=2, cursor=cursor, include_total=True)
        )
        assert page.pagination.total == count
        seen += [document.document_id for document in page.results]
        cursor = page.pagination.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == count
    assert len(documents.list_documents_0("films", limit=3).results) == min(3, count)


def test_upsert_and_get_of_own_vectors(api: Any) -> None:
    vector = np.random.default_rng(7).standard_normal(16).astype("f4")
    request = {
        "documents": [
            {"document_id": f"own-{number}", "vectors": {"embedding": vector.tolist()}, "payload": {"number": number}}
            for number in range(20)
        ]
    }
    byo = BYODocumentsApi(api)
    answer = byo.upsert_documents_byo_namespaces("sdk-documents", BYOUpsertRequest.from_dict(request))
    assert answer.inserted == 20
    found = byo.get_document_byo_namespaces("sdk-documents", "own-7", return_vectors=True)
    values = found if isinstance(found, dict) else found.to_dict()
    assert np.array_equal(np.asarray(values["embedding"], "f4"), vector)
