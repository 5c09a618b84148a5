"""Stages one after the other, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from headwater.store.find import room
from tests.retrieval.conftest import Put

pytestmark = pytest.mark.anyio

Answer = dict[str, Any]
Execute = Callable[..., Awaitable[Answer]]
SEARCH = {
    "stage_id": "feature_search",
    "parameters": {
        "searches": [
            {
                "feature_uri": "mixpeek://text_extractor@v1/embedding",
                "query": {"input_mode": "vector", "value": "{{INPUT.vector}}"},
            }
        ]
    },
}
FILMS: list[tuple[list[float], dict[str, Any]]] = [
    ([1.0, 0.0], {"brand": "x", "price": 5, "tags": ["a", "b"], "content": "rain in the hills"}),
    ([0.99, 0.05], {"brand": "x", "price": 9, "tags": ["b"], "content": "rain in the  hills"}),
    ([0.6, 0.8], {"brand": "y", "price": 7, "tags": [], "content": "snow on the lake"}),
    ([0.0, 1.0], {"brand": "z", "price": 1, "content": "wind"}),
]


@pytest.fixture
async def films(put: Put, make: Any) -> None:
    for number, (vector, body) in enumerate(FILMS):
        await put(f"f{number}", vector, **body)
    await make("brands")
    await put("x", in_collection="brands", name="Acme", country="NL")
    await put("y", in_collection="brands", name="Bolt", country="BE")


@pytest.fixture
def execute(client: httpx2.AsyncClient, films: None) -> Execute:
    async def run(*stages: dict[str, Any], status: int = 200, **body: Any) -> Answer:
        sent = {"collection_identifiers": ["things"], "stages": list(stages), "inputs": {"vector": [1, 0]}, **body}
        answer = await client.post("/v1/retrievers/execute", json=sent)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    return run


def stage(stage_id: str, **parameters: Any) -> dict[str, Any]:
    return {"stage_id": stage_id, "parameters": parameters}


def ids(answer: Answer) -> list[str]:
    return [document["document_id"] for document in answer["documents"]]


async def test_filter_search_mmr_and_join(execute: Execute) -> None:
    answer = await execute(
        stage("attribute_filter", field="price", operator="gte", value=5),
        SEARCH,
        stage("mmr", **{"lambda": 0.2}),
        stage(
            "document_enrich",
            target_collection_id="brands",
            source_field="brand",
            fields_to_merge=["name"],
            output_field="maker",
        ),
    )

    assert ids(answer) == ["f0", "f2", "f1"]
    assert [document["maker"] for document in answer["documents"]] == [
        {"name": "Acme"},
        {"name": "Bolt"},
        {"name": "Acme"},
    ]
    assert all(document["_internal"] and "mmr" in document["scores"] for document in answer["documents"])
    assert answer["warnings"] == []


async def test_deduplicate_normalize_and_limit(execute: Execute) -> None:
    answer = await execute(
        SEARCH, stage("deduplicate", strategy="content"), stage("score_normalize"), stage("limit", limit=2)
    )

    assert [(document["document_id"], document["score"]) for document in answer["documents"]] == [
        ("f0", 1.0),
        ("f2", pytest.approx(0.6)),
    ]
    assert answer["pagination"]["total"] == 2


async def test_groups_are_rows_that_later_stages_see(execute: Execute) -> None:
    answer = await execute(
        SEARCH,
        stage("group_by", group_by_field="brand", max_per_group=1),
        stage("attribute_filter", field="count", operator="eq", value=1),
        stage("sort_attribute", field="group_key", direction="desc"),
    )

    assert [row["group_key"] for row in answer["documents"]] == ["z", "y"]
    assert [row["documents"][0]["document_id"] for row in answer["documents"]] == ["f3", "f2"]
    assert "document_id" not in answer["documents"][0]


async def test_unwind_aggregate_and_transform(execute: Execute) -> None:
    answer = await execute(
        SEARCH,
        stage("unwind", field="tags"),
        stage("aggregate", group_by="tags", aggregations=[{"function": "count", "alias": "n"}], sort_by="n"),
        stage("json_transform", template='{"tag": {{ DOC.tags | tojson }}, "times": {{ DOC.n }}}'),
    )

    assert answer["documents"] == [{"tag": "b", "times": 2}, {"tag": "a", "times": 1}]
    assert answer["stage_statistics"]["stages"]["aggregate"]["metadata"]["aggregations"][0] == {"tags": "b", "n": 2}


async def test_sorts_and_samples_page_by_page(execute: Execute) -> None:
    stages = (SEARCH, stage("sort_attribute", field="price", order="asc"), stage("sample", count=3, seed=1))
    first = await execute(*stages, pagination={"method": "offset", "page_size": 2, "page_number": 1})
    second = await execute(*stages, pagination={"method": "offset", "page_size": 2, "page_number": 2})

    prices = [document["price"] for answer in (first, second) for document in answer["documents"]]
    assert len(prices) == 3
    assert prices == sorted(prices)


async def test_a_stage_that_cannot_run_fails_the_run_or_is_skipped(execute: Execute) -> None:
    rerank = stage("rerank", query="rain")

    refused = await execute(SEARCH, rerank, status=403)
    skipped = await execute(SEARCH, {**rerank, "on_error": "skip"})

    assert refused["error"]["type"] == "NotEnabledError"
    assert (ids(skipped)[0], skipped["status"]) == ("f0", "degraded")
    assert [entry["id"] for entry in skipped["degraded"]] == ["rerank"]


async def test_bad_parameters_name_their_place(execute: Execute) -> None:
    refused = await execute(SEARCH, stage("limit", limit=0), status=422)

    [problem] = refused["error"]["details"]["validation_errors"]
    assert problem["location"][:3] == ["body", "stages", 1]
    assert problem["location"][-1] == "limit"


async def test_filter_alone_lists_what_matches(execute: Execute) -> None:
    answer = await execute(
        stage("attribute_filter", AND=[{"field": "brand", "operator": "eq", "value": "{{INPUT.brand}}"}]),
        inputs={"brand": "x"},
    )

    assert ids(answer) == ["f0", "f1"]
    assert "score" not in answer["documents"][0]


async def test_unknown_parameters_are_warned_of(execute: Execute) -> None:
    answer = await execute(SEARCH, stage("limit", limit=1, colour="red"))

    assert any("colour" in str(warning) for warning in answer["warnings"])


NEAREST = {
    "collection_identifiers": ["things"],
    "stages": [
        {
            "stage_id": "feature_search",
            "pre_filters": {"field": "brand", "operator": "ne", "value": "{{INPUT.brand}}"},
            "parameters": {
                "searches": [
                    {
                        "feature_uri": "mixpeek://text_extractor@v1/embedding",
                        "query": {"input_mode": "vector", "value": [1, 0]},
                    }
                ]
            },
        }
    ],
}


def by_retriever(**parameters: Any) -> dict[str, Any]:
    inputs = {"brand": "{{DOC.brand}}"}
    return stage("document_enrich", output_field="other", retriever_inputs=inputs, **parameters)


async def test_join_by_a_retriever_takes_the_best_row_and_its_score(
    execute: Execute, client: httpx2.AsyncClient
) -> None:
    made = await client.post("/v1/retrievers", json={"retriever_name": "nearest", "input_schema": {}, **NEAREST})
    assert made.status_code == 200, made.text

    for join in ({"retriever_config": NEAREST}, {"retriever_id": "nearest"}):
        answer = await execute(SEARCH, by_retriever(**join))
        others = [document["other"] for document in answer["documents"]]
        assert [other["document_id"] for other in others] == ["f2", "f2", "f0", "f0"]
        assert [other["score"] for other in others] == pytest.approx([0.6, 0.6, 1, 1], abs=1e-3)
        assert answer["documents"][0]["score"] == pytest.approx(1)


async def test_join_by_a_retriever_of_several_rows_in_another_collection(execute: Execute) -> None:
    config = {"stages": [stage("attribute_filter", field="country", operator="exists")]}

    answer = await execute(
        stage("attribute_filter", field="brand", operator="eq", value="x"),
        by_retriever(retriever_config=config, target_collection_id="brands", multiple=True, fields_to_merge=["name"]),
        filters={"price": 5},
    )

    assert [document["other"] for document in answer["documents"]] == [[{"name": "Acme"}, {"name": "Bolt"}]]


async def test_retrievers_that_cannot_be_joined_by(execute: Execute) -> None:
    third = {"stages": [stage("attribute_filter", conditions={}), by_retriever(retriever_config=NEAREST)]}

    await execute(SEARCH, by_retriever(retriever_id="ret_of_nobody"), status=404)
    await execute(SEARCH, by_retriever(retriever_config={"stages": []}), status=422)
    await execute(SEARCH, by_retriever(retriever_config={"stages": [{"stage_id": "llm_filter"}]}), status=403)
    refused = await execute(SEARCH, by_retriever(retriever_config=third), status=422)
    assert "cannot join by a third" in refused["error"]["message"]


@pytest.mark.parametrize(
    "repeating",
    [
        stage("unwind", field="parts"),
        stage("group_by", field="parts"),
        stage(
            "document_enrich",
            target_collection_id="things",
            source_field="big",
            target_field="document_id",
            output_field="found",
        ),
    ],
)
async def test_a_page_that_repeats_a_large_document_is_refused(
    execute: Execute, put: Put, monkeypatch: pytest.MonkeyPatch, repeating: dict[str, Any]
) -> None:
    await put("large", None, text="x" * 50_000, parts=list(range(30)), kind="large")
    for number in range(30):
        await put(f"small{number}", None, big="large", kind="small")
    kind = "small" if repeating["stage_id"] == "document_enrich" else "large"
    of_kind = stage("attribute_filter", field="kind", operator="eq", value=kind)
    monkeypatch.setattr(room, "MAX_BYTES", 1_000_000)
    refused = await execute(of_kind, repeating, limit=30, status=400)
    assert refused["error"]["code"] == "documents_too_large"
    assert len((await execute(of_kind, repeating, limit=3))["documents"]) == 3
