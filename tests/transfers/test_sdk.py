"""The generated SDK, unchanged, exports and imports on a live server."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from mixpeek.api.byo_documents_api import BYODocumentsApi
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.collections_api import CollectionsApi
from mixpeek.api.namespace_clone_api import NamespaceCloneApi
from mixpeek.api.namespaces_api import NamespacesApi
from mixpeek.exceptions import ForbiddenException, NotFoundException
from mixpeek.models import (
    CloneNamespaceRequest,
    CollectionExportRequest,
    CreateCollectionRequest,
    CreateNamespaceRequest,
    ImportRequest,
    MappingValidationRequest,
    PromoteNamespaceRequestModel,
    SchemaInferenceRequest,
)

from tests.conftest import Server, generated_client

DOCUMENTS = 1500


@pytest.fixture(scope="module")
def api(shared_server: Server) -> Iterator[Any]:
    """A client in a namespace with an empty collection ``copies`` and ``things``, which the job lane exports."""
    with generated_client(shared_server) as client:
        NamespacesApi(client).create_namespace(CreateNamespaceRequest(namespace_name="sdk"))
        client.set_default_header("X-Namespace", "sdk")
        for name in ("things", "copies"):
            source = {"collection_name": name, "source": {"type": "none"}}
            CollectionsApi(client).create_collection(CreateCollectionRequest.from_dict(source))
        rows = [{"title": f"row {number}", "n": number} for number in range(DOCUMENTS)]
        request = ImportRequest.from_dict({"export": {"rows": rows}, "mapping": {}})
        answer = CollectionsApi(client).import_collection("things", request)
        assert (answer.imported, answer.skipped, answer.errors) == (DOCUMENTS, 0, [])
        yield client


def test_export_download_and_import(api: Any) -> None:
    collections = CollectionsApi(api)
    request = CollectionExportRequest(format="json", include_vectors=True, include_lineage=True)
    answer = collections.export_collection("things", collection_export_request=request)
    assert (answer.document_count, answer.format.value) == (DOCUMENTS, "json")
    with urllib.request.urlopen(answer.download_url) as file:
        content = file.read()
    assert len(content) == answer.file_size_bytes
    rows = [json.loads(line) for line in content.split(b"\n") if line]
    assert sorted(row["n"] for row in rows) == list(range(DOCUMENTS))
    for row in rows:
        row["document_id"] = f"copy-{row['n']}"
    for part in (rows[:1000], rows[1000:]):
        request = ImportRequest.from_dict({"export": {"rows": part}, "mapping": {}})
        assert collections.import_collection("copies", request).errors == []
    assert CollectionDocumentsApi(api).count_documents("copies").count == DOCUMENTS
    request = ImportRequest.from_dict({"export": {"s3_path": answer.s3_path}, "mapping": {}})
    # Ids are the namespace's: what is in another collection is refused, row by row.
    refused = collections.import_collection("copies", request)
    assert (refused.imported, refused.skipped, refused.errors[0].row) == (0, DOCUMENTS, 0)


def test_parquet_is_the_default(api: Any) -> None:
    answer = CollectionsApi(api).export_collection("things")
    assert (answer.format.value, answer.document_count) == ("parquet", DOCUMENTS)
    with pytest.raises(ForbiddenException):
        request = CollectionExportRequest(format="webdataset")
        CollectionsApi(api).export_collection("things", collection_export_request=request)
    with pytest.raises(NotFoundException):
        CollectionsApi(api).export_collection("nothing")


def test_infer_and_validate(api: Any) -> None:
    collections = CollectionsApi(api)
    sample = [{"title": "Launch", "v": [0.5] * 8}]
    inferred = collections.infer_import_schema(SchemaInferenceRequest.from_dict({"sample_rows": sample}))
    assert [(field.path, field.type) for field in inferred.fields] == [("title", "string"), ("v", "vector")]
    fields = [{"source_field": field.path, "target": field.suggested_target.to_dict()} for field in inferred.fields]
    request = {"source_fields": [{"path": "title", "type": "string"}], "mapping": {"fields": fields}}
    checked = collections.validate_import_mapping(MappingValidationRequest.from_dict(request))
    assert (checked.ok, [error.var_field for error in checked.errors]) == (False, ["v"])


def test_clone(api: Any) -> None:
    answer = NamespaceCloneApi(api).clone_namespace("sdk", CloneNamespaceRequest(namespace_name="sdk-copy"))
    assert (answer.status, bool(answer.task_id)) == ("cloning", True)
    namespaces = NamespacesApi(api)
    for _ in range(600):
        found = namespaces.get_namespace("sdk-copy")
        if found.clone_status != "cloning":
            break
        time.sleep(0.1)
    assert (found.clone_status, found.namespace_ready) == ("ready", True)
    assert found.document_count == namespaces.get_namespace("sdk").document_count


def test_promote(api: Any) -> None:
    body = CreateNamespaceRequest.from_dict(
        {"namespace_name": "alone", "mode": "standalone", "vector_configs": [{"name": "image", "dimension": 2}]}
    )
    namespace_id = NamespacesApi(api).create_namespace(body).namespace_id
    request = PromoteNamespaceRequestModel.from_dict({"add_vectors": [{"name": "title", "dimension": 3}]})
    checked = BYODocumentsApi(api).validate_promotion_namespaces_id_promote(namespace_id, request)
    assert (checked.valid, checked.current_mode) == (True, "standalone")
    done = BYODocumentsApi(api).promote_namespace(namespace_id, request)
    assert (done.previous_mode, done.mode) == ("standalone", "managed")
    assert [config["name"] for config in done.vector_configs] == ["image", "title"]
