"""The generated SDK, unchanged, upserts, lists and fetches documents on a live server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.document_lineage_api import DocumentLineageApi
from mixpeek.api.documents_api import DocumentsApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.api.tasks_api import TasksApi
from mixpeek.exceptions import ConflictException, NotFoundException, UnprocessableEntityException
from mixpeek.models import (
    BatchDeleteDocumentsRequest,
    BatchDocumentUpdate,
    BatchGetDocumentsRequest,
    BatchUpdateDocumentsRequest,
    BulkUpdateDocumentsRequest,
    BYOUpsertRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    DistinctValuesRequest,
    DocumentAggregationRequest,
    ListDocumentsRequest,
    ListTasksRequest,
    LogicalOperatorInput,
)

from tests.conftest import Server, generated_client


@pytest.fixture
def api(shared_server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of a namespace named after the test, with a collection ``things``."""
    name = request.node.name.replace("_", "-")[:60]
    with generated_client(shared_server) as client:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name=name))
        client.set_default_header("X-Namespace", name)
        source = {"collection_name": "things", "source": {"type": "none"}}
        CollectionsApi(client).create_collection(CreateCollectionRequest.from_dict(source))
        client.namespace = name
        yield client


def upsert(api: Any, count: int, **body: Any) -> Any:
    documents = [
        {"document_id": f"item-{number}", "vectors": {"embedding": [1.0, float(number)]}, "payload": {"n": number}}
        for number in range(count)
    ]
    request = BYOUpsertRequest.from_dict({"documents": documents, **body})
    return BYODocumentsApi(api).upsert_documents_byo_namespaces(api.namespace, request)


def test_upsert_and_read_back(api: Any) -> None:
    answer = upsert(api, 3, options={"idempotency_key": "k", "write_token": True})
    assert (answer.inserted, answer.document_ids) == (3, ["item-0", "item-1", "item-2"])
    assert answer.consistency.write_token_available
    assert upsert(api, 3, options={"idempotency_key": "k", "write_token": True}) == answer
    with pytest.raises(ConflictException):
        upsert(api, 2, options={"idempotency_key": "k"})
    read = BYODocumentsApi(api).get_document_byo_namespaces(api.namespace, "item-2", return_vectors=True)
    assert read["embedding"] == [1.0, 2.0]
    assert DocumentsApi(api).get_document_ns("item-2").additional_properties["n"] == 2


def test_batch_get(api: Any) -> None:
    upsert(api, 3, collection_id="things")
    request = BatchGetDocumentsRequest(document_ids=["item-2", "nope", "item-0"])
    answer = DocumentsApi(api).batch_get(request)
    assert [document.document_id for document in answer.documents] == ["item-2", "item-0"]
    assert answer.not_found == ["nope"]


def test_list_and_count(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    upsert(api, 25, collection_id="things")
    assert documents.count_documents("things").count == 25
    first = documents.list_documents("things")
    assert len(first.results) == 10
    assert first.pagination.total is None
    walked, cursor = [], None
    while True:
        request = ListDocumentsRequest(limit=7, cursor=cursor, include_total=True)
        page = documents.list_documents("things", list_documents_request=request)
        assert page.total_documents == 25
        walked += [document.document_id for document in page.results]
        cursor = page.pagination.next_cursor
        if cursor is None:
            break
    assert sorted(walked) == sorted(f"item-{number}" for number in range(25))
    with pytest.raises(UnprocessableEntityException):
        documents.list_documents("things", filters="{broken")


def test_batch_update_and_delete(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    upsert(api, 3, collection_id="things")
    updates = [
        BatchDocumentUpdate(document_id="item-0", update_data={"n": 7, "metadata.seen": True}),
        BatchDocumentUpdate(document_id="nope", update_data={"n": 7}),
    ]
    updated = documents.batch_update("things", BatchUpdateDocumentsRequest(updates=updates))
    assert (updated.updated_count, updated.failed_count) == (1, 1)
    assert [(result.document_id, result.error) for result in updated.results] == [
        ("item-0", None),
        ("nope", "Document not found"),
    ]
    read = DocumentsApi(api).get_document_ns("item-0").additional_properties
    assert (read["n"], read["metadata"]) == (7, {"seen": True})
    request = BatchDeleteDocumentsRequest(document_ids=["item-0", "nope"], reason="over")
    deleted = documents.batch_delete("things", request)
    assert (deleted.deleted_count, deleted.failed_count, deleted.task_id) == (1, 1, None)
    assert documents.count_documents("things").count == 2


def test_validate_document_schema(api: Any) -> None:
    report = CollectionDocumentsApi(api).validate_document_schema("things", {"brand": "Acme"})
    assert report["valid"] is True


def test_lineage(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    parents = [None, "item-0", "item-1"]
    items = [
        {"document_id": f"item-{number}", "vectors": {}, "source_document_id": parent}
        | ({} if parent else {"source_type": "bucket", "root_object_id": "obj-1", "root_bucket_id": "bkt-1"})
        for number, parent in enumerate(parents)
    ]
    request = BYOUpsertRequest.from_dict({"documents": items, "collection_id": "things"})
    BYODocumentsApi(api).upsert_documents_byo_namespaces(api.namespace, request)
    assert [found.document_id for found in documents.get_document_ancestors("things", "item-2")] == ["item-0", "item-1"]
    assert [found.document_id for found in documents.get_document_descendants("things", "item-0")] == ["item-1"]
    expanded = documents.get_document("things", "item-1", expand="parent,children").additional_properties["_expanded"]
    assert (expanded["parent"]["document_id"], len(expanded["children"])) == ("item-0", 1)
    lineage = DocumentLineageApi(api)
    traced = lineage.get_document_lineage("things", "item-2")
    assert (traced.depth, traced.total_steps, traced.lineage.root_bucket_id) == (3, 3, "bkt-1")
    assert [step.document_id for step in traced.lineage.lineage_chain] == ["item-0", "item-1", "item-2"]
    made = lineage.get_documents_by_object("obj-1", collection_ids=["things"])
    assert (made["total_documents"], len(made["documents"])) == (3, 3)
    tree = lineage.get_decomposition_tree_objects("obj-1", include_document_ids=True)
    assert tree["tree"][0]["document_ids"] == ["item-0", "item-1", "item-2"]
    with pytest.raises(NotFoundException):
        lineage.get_documents_by_object("obj-2")


def test_changes_by_filter_and_their_tasks(api: Any) -> None:
    documents, tasks = CollectionDocumentsApi(api), TasksApi(api)
    upsert(api, 5, collection_id="things")
    some = LogicalOperatorInput.from_dict({"AND": [{"field": "n", "operator": "gte", "value": 2}]})
    request = BulkUpdateDocumentsRequest(filters=some, update_data={"seen": True})
    updated = documents.bulk_update("things", request)
    assert (updated.updated_count, updated.status) == (3, "COMPLETED")
    batch = BatchUpdateDocumentsRequest(filters=some, update_data={"seen": False})
    assert documents.batch_update("things", batch).updated_count == 3
    whole = documents.bulk_update("things", BulkUpdateDocumentsRequest(update_data={"all": 1}))
    assert whole.updated_count == 5
    deleted = documents.batch_delete("things", BatchDeleteDocumentsRequest(filters=some))
    assert (deleted.deleted_count, deleted.limits) == (3, {"max_rows_inline": 10_000, "matched": 3})
    task = tasks.get_task(deleted.task_id)
    assert (task.status, task.task_type) == ("COMPLETED", "api_collections_documents_bulk_delete")
    assert task.additional_data["deleted_count"] == 3
    listed = tasks.list_tasks(list_tasks_request=ListTasksRequest(status="COMPLETED"))
    assert len(listed.results) == 4
    assert tasks.kill_task(deleted.task_id).success
    assert tasks.kill_task("nope").success
    with pytest.raises(UnprocessableEntityException):
        documents.batch_delete("things", BatchDeleteDocumentsRequest(filters=LogicalOperatorInput(AND=[])))
    assert documents.count_documents("things").count == 2


def test_lineage_of_more_documents_than_a_worker_reads_itself(api: Any) -> None:
    """They are read in another process, to which everything must be sent."""
    root = {"source_type": "bucket", "root_object_id": "obj-1"}
    items: list[dict[str, Any]] = [{"document_id": "top", "vectors": {}, **root}]
    items += [{"document_id": f"item-{n}", "vectors": {}, "source_document_id": "top"} for n in range(600)]
    request = BYOUpsertRequest.from_dict({"documents": items, "collection_id": "things"})
    BYODocumentsApi(api).upsert_documents_byo_namespaces(api.namespace, request)
    lineage = DocumentLineageApi(api)
    assert len(lineage.get_documents_by_object("obj-1")["documents"]) == 601
    assert lineage.get_decomposition_tree_objects("obj-1")["tree"][0]["document_count"] == 601

    def get(path: str) -> Any:
        answer = api.call_api("GET", api.configuration.host + path, header_params=api.default_headers)
        return json.loads(answer.read())

    base = "/v1/collections/things/documents/top"
    assert len(get(f"{base}/descendants?limit=1000")) == 600
    graph = get(f"{base}/lineage/graph?limit=700")
    assert (len(graph["nodes"]), graph["truncated"]) == (602, False)


def test_aggregate_and_distinct(api: Any) -> None:
    documents = CollectionDocumentsApi(api)
    upsert(api, 25, collection_id="things")
    request = DocumentAggregationRequest.from_dict(
        {
            "range_buckets": [{"field": "n", "boundaries": [0, 9, 24]}],
            "aggregations": [
                {"function": "count", "alias": "count"},
                {"function": "avg", "field": "n", "alias": "mean"},
            ],
            "filters": {"AND": [{"field": "n", "operator": "lt", "value": 20}]},
            "having": [{"field": "count", "operator": "gte", "value": 2}],
            "sort_by": "mean",
            "limit": 5,
        }
    )
    answer = documents.aggregate_documents("things", request)
    assert [(row.group, row.metrics) for row in answer.results] == [
        ({"n": "9-24"}, {"count": 10, "mean": 14.5}),
        ({"n": "0-9"}, {"count": 10, "mean": 4.5}),
    ]
    assert answer.total_groups == 2
    counted = DocumentAggregationRequest.from_dict({"aggregations": [{"function": "count", "alias": "total"}]})
    assert [row.to_dict() for row in documents.aggregate_documents("things", counted).results] == [
        {"group": {}, "metrics": {"total": 25}}
    ]
    values = documents.distinct_document_values("things", DistinctValuesRequest(field="n", limit=2))
    assert [(value.value, value.count) for value in values.values] == [(0, 1), (1, 1)]
    assert (values.var_field, values.total_distinct) == ("n", 2)
    with pytest.raises(UnprocessableEntityException):
        documents.aggregate_documents("things", DocumentAggregationRequest.from_dict({**counted.to_dict(), "limit": 0}))
