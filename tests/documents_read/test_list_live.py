"""Lists of a live server with two workers: walks while others write, and the generated SDK, unchanged."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import mixpeek
import pytest
from mixpeek.api.collection_documents_api import CollectionDocumentsApi
from mixpeek.api.documents_api import DocumentsApi
from mixpeek.models import BatchListDocumentsRequest, ListDocumentsRequest, NamespaceListDocumentsRequest

from tests.conftest import Server, start_server

DOCUMENTS = "/v1/collections/things/documents"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("live") / "data", "--workers", "2")
    with running.client() as client:
        assert client.post("/v1/namespaces", json={"namespace_name": "live"}).status_code == 200
    yield running
    running.stop()


@pytest.fixture
def client(live: Server, request: pytest.FixtureRequest) -> Iterator[httpx2.Client]:
    with live.client(**{"X-Namespace": "live"}) as client:
        source = {"collection_name": "things", "source": {"type": "none"}}
        assert client.post("/v1/collections", json=source).status_code == 200
        yield client
        assert client.delete("/v1/collections/things").status_code == 200


class Writers:
    """Threads that create and delete documents until they are told to stop."""

    def __init__(self, server: Server, doomed: list[str]) -> None:
        self._server = server
        self._stop = threading.Event()
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._insert, args=("before_",)),
            threading.Thread(target=self._insert, args=("zz_after_",)),
            threading.Thread(target=self._delete, args=(doomed,)),
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _insert(self, prefix: str) -> None:
        with self._server.client(**{"X-Namespace": "live"}) as client:
            for number in range(400):
                if self._stop.is_set():
                    return
                self._note(client.post(DOCUMENTS, json={"document_id": f"{prefix}{number}", "rank": number % 5}))

    def _delete(self, doomed: list[str]) -> None:
        with self._server.client(**{"X-Namespace": "live"}) as client:
            for name in doomed:
                self._note(client.delete(f"{DOCUMENTS}/{name}"))

    def _note(self, answer: httpx2.Response) -> None:
        if answer.status_code != 200:
            self.failures.append(answer.text)


def walk(client: httpx2.Client, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    # In the order of creation a writer may stay ahead for as long as it writes.
    for _ in range(400):
        answer = client.post(f"{DOCUMENTS}/list", json={**asked, "limit": 9})
        assert answer.status_code == 200, answer.text
        found += answer.json()["results"]
        asked["cursor"] = answer.json()["pagination"]["next_cursor"]
        if asked["cursor"] is None:
            break
    return found


@pytest.mark.parametrize(
    "asked",
    [{}, {"sort": "rank:desc"}, {"sort": "document_id"}, {"sort": "rank", "filters": {"rank": {"gte": 0}}}],
)
def test_what_lasts_is_seen_once_while_others_write(live: Server, client: httpx2.Client, asked: dict[str, Any]) -> None:
    lasting = [f"keep_{number:03d}" for number in range(120)]
    doomed = [f"drop_{number:03d}" for number in range(60)]
    documents = [
        {"document_id": name, "vectors": {}, "payload": {"rank": number % 5}}
        for number, name in enumerate(sorted([*lasting, *doomed], key=lambda name: name[::-1]))
    ]
    made = client.post("/v1/namespaces/live/documents/upsert", json={"collection_id": "things", "documents": documents})
    assert made.status_code == 200, made.text
    with Writers(live, doomed) as writers:
        found = [document["document_id"] for document in walk(client, **asked)]
    assert writers.failures == []
    assert len(found) == len(set(found)), "no document twice"
    assert sorted(name for name in found if name.startswith("keep_")) == lasting


@pytest.fixture
def api(live: Server) -> Iterator[Any]:
    with mixpeek.ApiClient(mixpeek.Configuration(host=live.url)) as client:
        client.set_default_header("Authorization", f"Bearer {live.key}")
        client.set_default_header("X-Namespace", "live")
        yield client
        client.rest_client.pool_manager.clear()


def fill(client: httpx2.Client, count: int) -> None:
    for number in range(count):
        assert client.post(DOCUMENTS, json={"document_id": f"item-{number}", "n": number}).status_code == 200


ODD = {"AND": [{"field": "n", "operator": "in", "value": [1, 3, 5]}]}
DOWN = {"field": "n", "direction": "desc"}


def numbers(documents: list[Any]) -> list[int]:
    return [document.additional_properties["n"] for document in documents]


def test_list_with_filter_sort_and_select(client: httpx2.Client, api: Any) -> None:
    fill(client, 6)
    documents = CollectionDocumentsApi(api)
    request = ListDocumentsRequest.from_dict({"filters": ODD, "sort": DOWN, "select": ["n"], "include_total": True})
    page = documents.list_documents("things", list_documents_request=request)
    assert numbers(page.results) == [5, 3, 1]
    assert (page.total_documents, page.pagination.total, page.groups) == (3, 3, None)
    by_get = documents.list_documents_0("things", filters=json.dumps(ODD), sort="n:desc", include_total=True)
    assert numbers(by_get.results) == [5, 3, 1]
    partitions = [
        documents.list_documents(
            "things", list_documents_request=ListDocumentsRequest.from_dict({"partition": {"index": i, "count": 3}})
        )
        for i in range(3)
    ]
    assert sorted(n for page in partitions for n in numbers(page.results)) == list(range(6))


def test_list_in_groups(client: httpx2.Client, api: Any) -> None:
    fill(client, 3)
    request = ListDocumentsRequest(group_by="n", limit=2)
    page = CollectionDocumentsApi(api).list_documents("things", list_documents_request=request)
    assert [(group.group_key, group.count) for group in page.groups] == [(0, 1), (1, 1)]
    assert numbers(page.groups[1].documents) == [1]
    assert (page.results, page.group_by_field, page.stats.total_groups) == (None, "n", 3)


def test_list_of_the_namespace_and_batch(client: httpx2.Client, api: Any) -> None:
    fill(client, 4)
    documents = DocumentsApi(api)
    everything = NamespaceListDocumentsRequest.from_dict({"collection_ids": ["things", "nowhere"], "sort": DOWN})
    page = documents.list_documents_ns(namespace_list_documents_request=everything)
    assert numbers(page.results) == [3, 2, 1, 0]
    assert page.unknown_collection_ids == ["nowhere"]
    queries = [
        {"key": "odd", "request": {"filters": ODD}},
        {"key": "gone", "request": {"collection_ids": ["nowhere"]}},
    ]
    batch = documents.list_documents_batch(BatchListDocumentsRequest.from_dict({"queries": queries}))
    assert [result.key for result in batch.results] == ["odd", "gone"]
    assert numbers(batch.results[0].response.results) == [1, 3]
    assert (batch.results[1].response, batch.results[1].error) == (None, "Collection not found")
