"""The generated SDK, unchanged, does namespaces and collections against a live server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collection_lifecycle_api import CollectionLifecycleApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.feature_extractors_api import FeatureExtractorsApi
from mixpeek.api.features_api import FeaturesApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import ConflictException, NotFoundException
from mixpeek.models import (
    CloneCollectionRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    CreateStandaloneNamespaceRequestModel,
    ListCollectionsRequest,
    NamespaceStatsBatchRequest,
    PatchNamespaceRequest,
    SourceConfigInput,
    TransitionLifecycleRequest,
    UpdateNamespaceRequest,
)

from tests.conftest import Server, generated_client


@pytest.fixture
def api(shared_server: Server) -> Iterator[Any]:
    with generated_client(shared_server) as client:
        yield client


def test_namespaces(api: Any) -> None:
    namespaces = NamespacesApi(api)
    made = namespaces.create_namespace(CreateNamespaceRequest(namespace_name="products", description="The shop"))
    assert made.namespace_ready
    assert namespaces.get_namespace("products") == made
    patched = namespaces.patch_namespace("products", PatchNamespaceRequest(ttl_seconds=3600))
    assert patched.expires_at is not None
    index = {"field_name": "price", "type": "float"}
    updated = namespaces.update_namespace("products", UpdateNamespaceRequest.from_dict({"payload_indexes": [index]}))
    assert updated.payload_indexes[0].field_name == "price"
    standalone = BYODocumentsApi(api).create_standalone_namespace(
        CreateStandaloneNamespaceRequestModel.from_dict(
            {"namespace_id": "mine", "vector_configs": [{"name": "embedding", "dimension": 4}]}
        )
    )
    assert standalone.namespace_id == "mine"
    listed = namespaces.list_namespaces()
    assert [row.namespace_id for row in namespaces.list_namespaces_get(limit=1).results] == [
        listed.results[0].namespace_id
    ]
    assert listed.total_count == len(listed.results) >= 2
    stats = namespaces.get_namespace_stats_batch(NamespaceStatsBatchRequest(namespace_ids=["mine", "nope"]))
    assert set(stats.stats) == {"mine"}
    assert namespaces.get_namespace_stats("mine").document_count == 0
    namespaces.delete_namespace("products")
    with pytest.raises(NotFoundException):
        namespaces.get_namespace("products")


def test_collections(api: Any) -> None:
    namespace = NamespacesApi(api).create_namespace(CreateNamespaceRequest(namespace_name="books"))
    api.set_default_header("X-Namespace", namespace.namespace_id)
    collections = CollectionsApi(api)
    request = CreateCollectionRequest(
        collection_name="articles",
        source=SourceConfigInput(type="bucket", bucket_ids=["bkt_a1"]),
        metadata={"team": "search"},
    )
    made = collections.create_collection(request)
    assert made.feature_extractor.feature_extractor_id == "passthrough_extractor_v1"
    assert made.source.bucket_ids == ["bkt_a1"]
    assert collections.get_collection("articles") == made
    with pytest.raises(ConflictException):
        collections.create_collection(request)
    downstream = CreateCollectionRequest(
        collection_name="summaries", source=SourceConfigInput(type="collection", collection_id=made.collection_id)
    )
    assert len(collections.create_collection(downstream).source_lineage) == 2
    changed = collections.update_collection("articles", {"description": "News", "enabled": False})
    assert (changed.description, changed.enabled) == ("News", False)
    clone = collections.clone_collection("articles", CloneCollectionRequest(collection_name="copy"))
    assert clone.collection.collection_name == "copy"
    condition = {"field": "metadata.team", "value": "search"}
    listed = collections.list_collections(
        list_collections_request=ListCollectionsRequest(
            filters={"AND": [condition]}, sorts=[{"field": "collection_name"}]
        )
    )
    assert [row.collection_name for row in listed.results] == ["articles", "copy"]
    assert collections.list_collections_get(search="summ").total_count == 1
    assert collections.describe_collection_features("articles").features == []
    lifecycle = CollectionLifecycleApi(api)
    frozen = lifecycle.transition_lifecycle("copy", TransitionLifecycleRequest(lifecycle_state="frozen"))
    assert frozen.lifecycle_state == lifecycle.get_lifecycle("copy").lifecycle_state == "frozen"
    collections.delete_collection("articles")
    orphan = collections.get_collection("summaries")
    assert orphan.disabled_reason.source_collection_id == made.collection_id


def test_the_public_catalogue(api: Any) -> None:
    extractors = FeatureExtractorsApi(api)
    for one in extractors.list_feature_extractors():
        assert extractors.get_feature_extractor_by(one.feature_extractor_id).description == one.description
    assert [entry["modality"] for entry in FeaturesApi(api).discover_features().modalities] == ["text"]


def test_the_server_purges_by_itself(shared_server: Server) -> None:
    with shared_server.client() as client:
        namespace = client.post("/v1/namespaces", json={"namespace_name": "library"}).json()["namespace_id"]
        client.headers["X-Namespace"] = namespace
        assert client.post(
            "/v1/collections", json={"collection_name": "articles", "source": {"type": "none"}}
        ).is_success
        feature = {"feature_extractor_id": "own_v1", "vectors": {"v": [0.5] * 256}}
        for _ in range(60):
            body = {"text": "x" * 50_000, "features": [feature]}
            assert client.post("/v1/collections/articles/documents", json=body).is_success
        assert client.delete("/v1/collections/articles").json()["deleted_documents"] == 60
        files = [shared_server.data / "headwater.db", shared_server.data / "headwater.db-wal"]
        deadline = time.monotonic() + 60
        while sum(file.stat().st_size for file in files) > 1_500_000:
            assert time.monotonic() < deadline, "the disk was not given back"
            time.sleep(0.1)
        assert not [entry for entry in (shared_server.data / "vectors").iterdir() if any(entry.iterdir())]
