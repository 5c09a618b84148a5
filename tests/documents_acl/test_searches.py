"""Whatever an end user searches for: documents that may not be seen leave no trace in what is found and counted."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from .conftest import World, done, refusal
from .test_table import whole

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
SEARCH: Body = {"feature_uri": "e", "query": [1.0, 0.0]}
ALL: Body = {"stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}
FIND: Body = {"stage_id": "feature_search", "parameters": {"searches": [SEARCH]}}
SEARCHES: dict[str, Body] = {
    "by a vector": SEARCH,
    "by two vectors": {"searches": [SEARCH, SEARCH | {"query": [0.0, 1.0]}], "explain": True},
    "by a document": {
        "query": {"document_ref": {"collection_id": "things", "document_id": "seen"}},
        "feature_uri": "e",
    },
    "by words": {"query": "rain", "lexical": True},
    "by a filter": {"filters": {"brand": "Acme"}},
    "with facets": SEARCH | {"facets": ["brand", "document_id", "_internal._acl.owner"]},
    "in groups": SEARCH | {"group_by": {"field": "brand", "max_per_group": 9}},
    "rolled up": SEARCH | {"rollup": "root_object"},
    "in pages": SEARCH | {"pagination": {"method": "offset", "page_size": 1}},
    "explained": SEARCH | {"filters": {"brand": "Acme"}, "explain": True},
    "with relatives": {"filters": {"document_id": "low"}, "expand": ["parent", "children", "ancestors"]},
}


def stage(stage_id: str, **parameters: Any) -> Body:
    return {"stage_id": stage_id, "parameters": parameters}


def joined(**parameters: Any) -> Body:
    return stage("document_enrich", source_field="brand", output_field="others", multiple=True, **parameters)


STAGES: dict[str, list[Body]] = {
    "nearest": [FIND],
    "grouped": [ALL, stage("group_by", group_by_field="brand", output_mode="all")],
    "figures": [ALL, stage("aggregate", aggregations=[{"function": "count", "alias": "n"}])],
    "figures of groups": [
        ALL,
        stage(
            "aggregate",
            group_by=[{"field": "brand"}],
            aggregations=[{"function": "count", "alias": "n"}],
            include_documents=True,
        ),
    ],
    "alike": [FIND, stage("mmr", top_k=5)],
    "by likeness of fields": [ALL, stage("mmr", diversity_fields=["brand"], top_k=5)],
    "without duplicates": [ALL, stage("deduplicate", fields=["brand"])],
    "cut": [ALL, stage("sort_attribute", field="brand"), stage("limit", limit=3)],
    "sampled": [ALL, stage("sample", count=2, seed=1)],
    "scaled": [FIND, stage("score_normalize")],
    "written": [FIND, stage("json_transform", template='{"n": {{ STAGE | length }}, "id": "{{ DOC.document_id }}"}')],
    "joined": [ALL, joined(target_collection_id="things", target_field="brand")],
    "joined by stages": [ALL, joined(retriever_config={"stages": [ALL]}, target_collection_id="things")],
    "joined by a retriever": [ALL, joined(retriever_id="everything")],
}
EXECUTED = {name: ("/v1/retrievers/execute", {"stages": stages, "explain": True}) for name, stages in STAGES.items()}
PAGES = {
    f"{method} pages": ("/v1/retrievers/execute", {"stages": [FIND], "pagination": {"method": method, "limit": 1}})
    for method in ("cursor", "keyset", "scroll")
}
FOUND = {name: ("/v1/documents/search", body) for name, body in SEARCHES.items()}
REQUESTS: dict[str, tuple[str, Body]] = FOUND | EXECUTED | PAGES


@pytest.fixture
async def library(world: World) -> World:
    """Three documents that nina may see, in a namespace whose texts can be searched."""
    declared = {"payload_indexes": [{"field_name": "text", "type": "text"}]}
    await done(world.org.patch(f"/v1/namespaces/{world.namespace_id}", json=declared))
    stored = {"retriever_name": "everything", "stages": [ALL]}
    await done(world.org.post("/v1/retrievers", json=stored))
    for document_id, vector in (("seen", [1.0, 0.0]), ("low", [0.6, 0.8]), ("last", [0.0, 1.0])):
        await put(world, document_id, vector, by="nina")
    return world


async def put(world: World, document_id: str, vector: list[float], *, by: str, **body: Any) -> None:
    feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"e": vector}}
    content = {"brand": "Acme", "text": "rain in the hills", "root_object_id": "obj_1"}
    await world.make(document_id, by=by, features=[feature], **content, **body)


async def hide(world: World) -> None:
    """Documents of others that every one of the requests would find."""
    await put(world, "secret", [1.0, 0.0], by="olga", source_document_id="low")
    await put(world, "better", [0.99, 0.01], by="olga")


@pytest.mark.parametrize("name", REQUESTS)
async def test_hidden_documents_leave_no_trace(library: World, name: str) -> None:
    path, body = REQUESTS[name]
    before = trace(await library["nina"].post(path, json=body))
    everything = trace(await library.org.post(path, json=body))
    assert before[0] == everything[0] == 200, before
    await hide(library)
    assert trace(await library["nina"].post(path, json=body)) == before
    # The very same request shows them to those who may see them.
    assert trace(await library.org.post(path, json=body)) != everything


def trace(answer: httpx2.Response) -> tuple[int, bytes]:
    """What the caller gets, but for the id of a scroll and for what a word weighs: how rare it is, is counted over
    all documents of a collection."""
    status, content, _ = whole(answer)
    weights = rb'"top_score":[\d.]+|"score":[\d.]+' if b'"lexical":true' in content else b'"scroll_id":"[^"]+"'
    return status, re.sub(weights, b"", content)


@pytest.mark.parametrize(
    "reference",
    [{"collection_id": "things", "document_id": "secret"}, {"collection_id": "things", "document_id": "no"}],
)
async def test_a_hidden_document_cannot_be_searched_by(library: World, reference: Body) -> None:
    await hide(library)
    body = {"query": {"document_ref": reference}, "feature_uri": "e"}
    for path, sent in (
        ("/v1/documents/search", body),
        ("/v1/retrievers/execute", {"stages": [stage("feature_search", searches=[body])]}),
    ):
        answer = await library["nina"].post(path, json=sent)
        assert refusal(answer) == (404, "document_not_found")


async def test_a_scroll_shows_what_may_be_seen_by_then_and_to_its_end_user_only(library: World) -> None:
    await put(library, "shared", [0.9, 0.1], by="olga")
    await library.share("shared", by="olga", read=["nina"])
    body: Body = {"stages": [FIND], "pagination": {"method": "scroll", "limit": 1}}
    first = await done(library["nina"].post("/v1/retrievers/execute", json=body))
    assert first["pagination"]["total"] == 4
    body["pagination"]["scroll_id"] = first["pagination"]["scroll_id"]
    for other in ("rita", None):
        answer = await library[other].post("/v1/retrievers/execute", json=body)
        assert refusal(answer) == (404, "scroll_not_found"), other
    await library.share("shared", by="olga", read=[])
    second = await done(library["nina"].post("/v1/retrievers/execute", json=body))
    assert "shared" not in str(second["documents"])


async def test_retrievers_and_their_history_are_not_for_end_users(library: World) -> None:
    executed = await done(library["nina"].post("/v1/retrievers/everything/execute", json={}))
    for path in ("", "/executions/list", f"/executions/{executed['execution_id']}", "/explain"):
        method = "POST" if path.endswith(("list", "explain")) else "GET"
        answer = await library["nina"].request(method, f"/v1/retrievers/everything{path}")
        assert refusal(answer) == (403, "principal_key"), path
