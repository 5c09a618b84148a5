"""The generated SDK and the convenience client, unchanged, keep and run retrievers on a live server of two workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek import Mixpeek
from mixpeek.api.adhoc_retrievers_api import AdhocRetrieversApi
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.discovery_api import DiscoveryApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.api.retriever_stages_api import RetrieverStagesApi
from mixpeek.api.retrievers_api import RetrieversApi
from mixpeek.exceptions import ConflictException, NotFoundException, UnprocessableEntityException
from mixpeek.models import (
    AdhocExecuteRequest,
    BYOUpsertRequest,
    CloneRetrieverRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    CreateRetrieverRequest,
    ExecuteBatchRequest,
    ExecuteRetrieverRequest,
    ExplainRetrieverRequest,
    ListExecutionsRequest,
    ListRetrieversRequest,
    PatchRetrieverRequest,
)

from tests.conftest import Server, generated_client

STAGES = [
    {
        "stage_name": "find",
        "stage_type": "filter",
        "config": {
            "stage_id": "feature_search",
            "parameters": {
                "searches": [
                    {"feature_uri": "embedding", "query": {"input_mode": "vector", "value": "{{INPUT.vector}}"}}
                ],
                "final_top_k": 20,
            },
        },
    },
    {"stage_name": "few", "stage_type": "reduce", "config": {"stage_id": "limit", "parameters": {"limit": 3}}},
]


@pytest.fixture
def api(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of a namespace named after the test, with five documents in ``things``."""
    name = request.node.name.replace("_", "-")[:60]
    with generated_client(shared_server) as client:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name=name))
        client.set_default_header("X-Namespace", name)
        source = {"collection_name": "things", "source": {"type": "none"}}
        CollectionsApi(client).create_collection(CreateCollectionRequest.from_dict(source))
        documents = [
            {
                "document_id": f"d{n}",
                "vectors": {"embedding": [1.0, float(n)]},
                "payload": {"n": n, "title": f"Fern {n}"},
            }
            for n in range(5)
        ]
        upsert = BYOUpsertRequest.from_dict({"documents": documents, "collection_id": "things"})
        BYODocumentsApi(client).upsert_documents_byo_namespaces(name, upsert)
        client.namespace = name
        yield client


@pytest.fixture
def retriever(api: Any) -> Any:
    request = CreateRetrieverRequest.from_dict(
        {
            "retriever_name": "near",
            "collection_identifiers": ["things"],
            "stages": STAGES,
            "input_schema": {"vector": {"type": "array", "required": True}},
            "budget_limits": {"max_time_ms": 5000},
            "tags": ["a"],
        }
    )
    return RetrieversApi(api).create_retriever(request)


def execute(api: Any, **body: Any) -> Any:
    request = ExecuteRetrieverRequest.from_dict({"inputs": {"vector": [1.0, 0.0]}, **body})
    return RetrieversApi(api).execute_retriever("near", execute_retriever_request=request)


def ids(answer: Any) -> list[str]:
    return [document["document_id"] for document in answer.documents]


def test_create_get_list_and_delete(api: Any, retriever: Any) -> None:
    retrievers = RetrieversApi(api)

    assert retriever.retriever_id.startswith("ret_")
    assert (retriever.fusion, retriever.version) == ("rrf", 1)
    assert retriever.stages[0].parameters["final_top_k"] == 20
    assert retrievers.get_retriever("near").to_dict()["stages"] == retriever.to_dict()["stages"]
    listed = retrievers.list_retrievers(list_retrievers_request=ListRetrieversRequest(search="nea"))
    assert [one.retriever_name for one in listed.results] == ["near"]
    assert [one.retriever_name for one in retrievers.list_retrievers_get().results] == ["near"]
    with pytest.raises(ConflictException):
        retrievers.create_retriever(CreateRetrieverRequest.from_dict({"retriever_name": "near", "stages": STAGES}))
    assert retrievers.delete_retriever("near")["success"] is True
    with pytest.raises(NotFoundException):
        retrievers.get_retriever("near")


def test_patch_and_clone(api: Any, retriever: Any) -> None:
    retrievers = RetrieversApi(api)

    patch = PatchRetrieverRequest.from_dict({"description": "Near things", "stages": STAGES[:1]})
    patched = retrievers.patch_retriever("near", patch).retriever
    clone = CloneRetrieverRequest.from_dict({"retriever_name": "copy"})
    cloned = retrievers.clone_retriever("near", clone)

    assert (patched.description, len(patched.stages), patched.version) == ("Near things", 1, 2)
    assert cloned.source_retriever_id == retriever.retriever_id
    assert cloned.retriever.retriever_name == "copy"
    breaking = PatchRetrieverRequest.from_dict({"input_schema": {"vector": {"type": "string"}}})
    with pytest.raises(UnprocessableEntityException):
        retrievers.patch_retriever("near", breaking)


def test_execute(api: Any, retriever: Any) -> None:
    answer = execute(api)

    assert answer.status == "completed"
    assert ids(answer) == ["d0", "d1", "d2"]
    assert answer.documents[0]["score"] == pytest.approx(1.0)
    assert answer.documents[0]["title"] == "Fern 0"
    assert answer.results == answer.documents
    assert answer.stage_statistics.stages["find"].output_count == 5
    assert (answer.cache_hit, answer.consistency_mode) == (False, "strong")
    page = execute(api, pagination={"method": "offset", "page_size": 2, "page_number": 2})
    assert (ids(page), page.pagination["has_next"]) == (["d2"], False)


def test_scroll_goes_on_in_any_worker(api: Any, retriever: Any) -> None:
    page: dict[str, Any] = {"method": "scroll", "limit": 1}
    seen = []
    while True:
        answer = execute(api, pagination=page)
        seen += ids(answer)
        if answer.pagination["scroll_id"] is None:
            break
        page["scroll_id"] = answer.pagination["scroll_id"]

    assert seen == ["d0", "d1", "d2"]


def test_history_is_the_same_in_every_worker(api: Any, retriever: Any) -> None:
    retrievers = RetrieversApi(api)
    execution_id = execute(api).execution_id

    for _ in range(6):
        detail = retrievers.get_execution_retrievers("near", execution_id)
        assert (detail.status, detail.total_returned, detail.documents) == ("completed", 3, [])
    listed = retrievers.list_executions_retrievers("near", list_executions_request=ListExecutionsRequest())
    assert [row.execution_id for row in listed.results] == [execution_id]
    assert retrievers.get_execution_status_retrievers("near", execution_id)["status"] == "completed"
    assert retrievers.get_execution_profile_retrievers("near", execution_id)["stage_statistics"]["stages"]


def test_batch_and_explain(api: Any, retriever: Any) -> None:
    retrievers = RetrieversApi(api)
    queries = [{"inputs": {"vector": [1.0, float(n)]}} for n in (0, 4)]

    batch = retrievers.execute_batch_retrievers("near", ExecuteBatchRequest.from_dict({"queries": queries}))
    plan = retrievers.explain_retriever_execution_id_execute("near", ExplainRetrieverRequest())

    assert [result["documents"][0]["document_id"] for result in batch["results"]] == ["d0", "d4"]
    assert [stage.stage_name for stage in plan.execution_plan] == ["find", "few"]
    assert plan.bottleneck_stages == ["find"]


def test_ad_hoc(api: Any) -> None:
    ad_hoc = AdhocRetrieversApi(api)
    body = {"collection_identifiers": ["things"], "stages": STAGES, "inputs": {"vector": [1.0, 0.0]}}

    answer = ad_hoc.execute_adhoc_retriever(AdhocExecuteRequest.from_dict(body))

    assert [document["document_id"] for document in answer["documents"]] == ["d0", "d1", "d2"]
    detail = ad_hoc.get_adhoc_execution_retrievers(answer["execution_id"])
    assert (detail.execution_mode, detail.total_stages) == ("adhoc", 2)
    listed = ad_hoc.list_adhoc_executions_retrievers()
    assert [row.execution_id for row in listed.results] == [answer["execution_id"]]


def test_stages(api: Any) -> None:
    assert len(RetrieverStagesApi(api).list_stages_retrievers()) == 33
    assert DiscoveryApi(api).list_stages_with_examples_discovery()


def test_convenience_client_searches_by_vectors(api: Any, shared_server: Server) -> None:
    client = Mixpeek(shared_server.key, namespace=api.namespace, base_url=f"{shared_server.url}/v1")
    query = {"vector_name": "embedding", "vector": [1.0, 4.0], "top_k": 2}

    answer = client.search(namespace_id=api.namespace, queries=[query])
    filtered = client.search(namespace_id=api.namespace, queries=[query], filters={"n": {"lte": 1}})

    assert [result.document_id for result in answer.results] == ["d4", "d3"]
    assert [result.document_id for result in filtered.documents] == ["d1", "d0"]
    assert RetrieversApi(api).list_retrievers_get().results == []
    client._http.clear()


TEXTS = {"fern": "Ferns want shade and moist soil.", "tax": "Taxes are due in April.", "sea": "Ships sail the ocean."}


@pytest.fixture
def texts(api: Any, shared_server: Server) -> None:
    """Three documents in a collection ``texts``, with vectors of the text model."""
    with shared_server.client(**{"X-Namespace": api.namespace}) as client:
        client.post("/v1/collections", json={"collection_name": "texts", "source": {"type": "none"}})
        body = {"inference_name": "all_minilm_l6_v2_v1", "inputs": {"texts": list(TEXTS.values())}}
        made = client.post("/v1/inference", json=body)
        assert made.status_code == 200, made.text
        vectors = made.json()["data"]["embeddings"]
        for number, ((name, text), vector) in enumerate(zip(TEXTS.items(), vectors, strict=True)):
            feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": vector}}
            stored = {"document_id": name, "text": text, "n": number, "features": [feature]}
            assert client.post("/v1/collections/texts/documents", json=stored).status_code == 200


def test_convenience_client_searches_by_text(api: Any, texts: None, shared_server: Server) -> None:
    client = Mixpeek(shared_server.key, namespace=api.namespace, base_url=f"{shared_server.url}/v1")

    answer = client.search("boats on the water", collection="texts", limit=2)
    filtered = client.search("boats on the water", collection="texts", filters={"n": {"lt": 2}})

    assert [result.document_id for result in answer.results] == ["sea", "fern"]
    assert all(result.score for result in filtered.results)
    assert [result.document_id for result in filtered.results] == ["fern", "tax"]
    assert not answer.warnings
    client._http.clear()


def test_convenience_client_manages_retrievers(api: Any, shared_server: Server) -> None:
    client = Mixpeek(shared_server.key, namespace=api.namespace, base_url=f"{shared_server.url}/v1")
    made = client.retrievers.create(name="mine", stages=STAGES, collection_identifiers=["things"])

    answer = client.retrievers.execute(made.retriever_id, inputs={"vector": [1.0, 0.0]})

    assert [result.document_id for result in answer.results] == ["d0", "d1", "d2"]
    assert client.retrievers.get(made.retriever_id).retriever_name == "mine"
    assert client.retrievers.list().results[0].retriever_id == made.retriever_id
    client.retrievers.delete(made.retriever_id)
    client._http.clear()
