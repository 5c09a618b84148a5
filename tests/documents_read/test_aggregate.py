"""Aggregate and distinct over HTTP: the wire, what is refused and where, and whose documents are seen."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime
from headwater.store.commands.fields import LearnFieldPaths
from headwater.store.fields_job import fill_field_paths

from .conftest import MakeCollection

pytestmark = pytest.mark.anyio

PLACE = "/v1/collections/things/documents"
COUNT = {"function": "count", "alias": "n"}
DOCUMENTS: list[dict[str, Any]] = [
    {"document_id": "d1", "brand": "Acme", "price": 10, "tags": ["new", "red"], "metadata": {"status": "live"}},
    {"document_id": "d2", "brand": "Acme", "price": 2.5, "tags": ["red"], "metadata": {"status": "live"}},
    {"document_id": "d3", "brand": "Bolt", "price": "free", "tags": [], "metadata": {"status": "draft"}},
    {"document_id": "d4", "brand": 7, "price": 20, "shots": [{"kind": "wide", "s": 1}, {"kind": "close", "s": 2}]},
    {"document_id": "d5", "brand": True, "price": None, "day": "2026-01-05T10:00:00Z"},
]


@pytest.fixture
async def things(client: httpx2.AsyncClient, collection: dict[str, Any]) -> dict[str, Any]:
    for document in DOCUMENTS:
        made = await client.post(PLACE, json=document)
        assert made.status_code == 200, made.text
    return collection


async def ask(client: httpx2.AsyncClient, body: dict[str, Any], action: str = "aggregate") -> dict[str, Any]:
    answer = await client.post(f"{PLACE}/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_groups_and_metrics(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    answer = await ask(
        client,
        {
            "group_by": [{"field": "brand", "alias": "maker"}],
            "aggregations": [
                COUNT,
                {"function": "sum", "field": "price", "alias": "total"},
                {"function": "count_distinct", "distinct_field": "tags", "alias": "tags"},
            ],
            "having": [{"field": "n", "operator": "gte", "value": 1}],
            "sort_by": "n",
            "limit": 3,
        },
    )
    assert answer["results"] == [
        {"group": {"maker": "Acme"}, "metrics": {"n": 2, "total": 12.5, "tags": 2}},
        {"group": {"maker": 7}, "metrics": {"n": 1, "total": 20, "tags": 0}},
        {"group": {"maker": "Bolt"}, "metrics": {"n": 1, "total": 0, "tags": 0}},
    ]
    assert answer["total_groups"] == 3
    info = answer["query_info"]
    assert isinstance(info.pop("execution_time_ms"), int)
    assert info == {
        "collection_id": things["collection_id"],
        "pipeline_stages": 4,
        "indexed_paths": [],
        "unindexed_paths": ["brand", "price", "tags"],
        "documents_read": 5,
        "warnings": None,
    }


async def test_counts_alone_need_no_group(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    # What a generated client sends when it was given nothing else.
    body = {"aggregations": [{**COUNT, "field": None}], "group_by": None, "sort_direction": "desc"}
    assert (await ask(client, body))["results"] == [{"group": {}, "metrics": {"n": 5}}]
    filtered = await ask(client, {**body, "filters": {"metadata.status": "live"}})
    assert filtered["results"] == [{"group": {}, "metrics": {"n": 2}}]
    nothing = await ask(client, {**body, "filters": {"collection_id": "col_other"}})
    assert nothing["results"] == [{"group": {}, "metrics": {"n": 0}}]


async def test_filters_take_both_forms(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    body: dict[str, Any] = {"group_by": [{"field": "brand"}], "aggregations": [COUNT]}
    short = await ask(client, {**body, "filters": {"price": {"gte": 10}}})
    long = {"AND": [{"field": "price", "operator": "gte", "value": 10, "case_sensitive": False}]}
    assert short["results"] == (await ask(client, {**body, "filters": long}))["results"]
    assert [row["group"]["brand"] for row in short["results"]] == [7, "Acme"]


async def test_unwind_dates_and_ranges(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    unwound = await ask(
        client,
        {
            "unwind": "shots",
            "group_by": [{"field": "shots.kind"}],
            "aggregations": [{"function": "sum", "field": "shots.s", "alias": "s"}],
        },
    )
    assert [(*row["group"].values(), row["metrics"]["s"]) for row in unwound["results"]] == [("close", 2), ("wide", 1)]
    dated = await ask(
        client,
        {
            "group_by": [
                {"field": "day", "date_trunc": "month", "alias": "month"},
                {"field": "day", "date_part": "dayOfWeek", "alias": "weekday"},
            ],
            "aggregations": [COUNT],
            "filters": {"field": "day", "operator": "exists"},
        },
    )
    assert dated["results"][0]["group"] == {"month": "2026-01-01T00:00:00Z", "weekday": 2}
    ranges = await ask(
        client, {"range_buckets": [{"field": "price", "boundaries": [0, 10, 15]}], "aggregations": [COUNT]}
    )
    assert [(row["group"]["price"], row["metrics"]["n"]) for row in ranges["results"]] == [
        ("0-10", 2),
        ("other", 1),
        (None, 2),
    ]


async def test_created_at_is_grouped_by_its_alias(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    created = (await client.get("/v1/documents/d1")).json()["_internal"]["created_at"]
    answer = await ask(
        client, {"group_by": [{"field": "created_at", "date_trunc": "year", "alias": "year"}], "aggregations": [COUNT]}
    )
    assert answer["results"][0]["group"] == {"year": f"{created[:4]}-01-01T00:00:00Z"}


async def test_distinct(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    answer = await ask(client, {"field": "tags"}, "distinct")
    assert (answer["field"], answer["total_distinct"]) == ("tags", 2)
    assert answer["values"] == [{"value": "red", "count": 2}, {"value": "new", "count": 1}]
    answer = await ask(client, {"field": "brand", "limit": 2, "filters": {"price": {"gt": 1}}}, "distinct")
    assert answer["values"] == [{"value": "Acme", "count": 2}, {"value": 7, "count": 1}]
    typed = await ask(client, {"field": "brand"}, "distinct")
    assert [value["value"] for value in typed["values"]] == ["Acme", 7, "Bolt", True]
    assert (await ask(client, {"field": "nothing"}, "distinct"))["values"] == []


async def test_an_index_changes_nothing_but_the_work(
    client: httpx2.AsyncClient, things: dict[str, Any], runtime: Runtime
) -> None:
    body = {
        "group_by": [{"field": "brand"}],
        "aggregations": [COUNT, {"function": "max", "field": "price", "alias": "m"}],
    }
    before = await ask(client, body)
    learn = LearnFieldPaths(
        namespace_row=things["namespace_row"], collection_row=things["collection_row"], paths=["brand", "price"]
    )
    await runtime.store.execute(learn)
    await fill_field_paths(runtime.store, {"collection_row": things["collection_row"]})
    after = await ask(client, body)
    assert after["results"] == before["results"]
    assert after["query_info"]["indexed_paths"] == ["brand", "price"]
    assert (before["query_info"]["documents_read"], after["query_info"]["documents_read"]) == (5, 0)


async def test_unknown_keys_are_named(client: httpx2.AsyncClient, things: dict[str, Any]) -> None:
    body = {"filter": {}, "group_by": [{"field": "brand", "as": "b"}], "aggregations": [COUNT]}
    warnings = (await ask(client, body))["query_info"]["warnings"]
    assert warnings == ["unknown key 'filter' was ignored", "unknown key 'as' was ignored"]
    answer = await ask(client, {"field": "brand", "top": 1}, "distinct")
    assert answer["query_info"]["warnings"] == ["unknown key 'top' was ignored"]


GROUPED = {"group_by": [{"field": "brand"}], "aggregations": [COUNT]}


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, ["aggregations"]),
        ({"aggregations": []}, ["aggregations"]),
        ({"aggregations": [{"function": "median", "field": "a", "alias": "x"}]}, ["aggregations", 0, "function"]),
        ({"aggregations": [{"function": "count"}]}, ["aggregations", 0, "alias"]),
        ({**GROUPED, "aggregations": [COUNT, {"function": "sum", "alias": "s"}]}, ["aggregations", 1, "field"]),
        ({**GROUPED, "aggregations": [{"function": "count_distinct", "alias": "s"}]}, ["aggregations", 0, "field"]),
        ({**GROUPED, "aggregations": [COUNT, COUNT]}, ["aggregations", 1, "alias"]),
        ({"aggregations": [COUNT, {"function": "sum", "field": "a", "alias": "s"}]}, ["group_by"]),
        ({**GROUPED, "group_by": [{"alias": "a"}]}, ["group_by", 0, "field"]),
        ({**GROUPED, "group_by": [{"field": ""}]}, ["group_by", 0, "field"]),
        ({**GROUPED, "group_by": [{"field": "a"}, {"field": "b", "alias": "a"}]}, ["group_by", 1, "alias"]),
        (
            {**GROUPED, "group_by": [{"field": "d", "date_trunc": "day", "date_part": "hour"}]},
            ["group_by", 0, "date_part"],
        ),
        ({**GROUPED, "group_by": [{"field": "d", "date_trunc": "quarter"}]}, ["group_by", 0, "date_trunc"]),
        ({**GROUPED, "having": [{"field": "m", "operator": "gt", "value": 1}]}, ["having", 0, "field"]),
        ({**GROUPED, "having": [{"field": "n", "operator": "in", "value": 1}]}, ["having", 0, "operator"]),
        ({**GROUPED, "having": [{"field": "n", "operator": "gt"}]}, ["having", 0, "value"]),
        ({**GROUPED, "range_buckets": [{"field": "p", "boundaries": [0, 5, 5]}]}, ["range_buckets", 0, "boundaries"]),
        ({**GROUPED, "range_buckets": [{"field": "p", "boundaries": []}]}, ["range_buckets", 0, "boundaries"]),
        ({**GROUPED, "range_buckets": [{"field": "brand", "boundaries": [0]}]}, ["range_buckets", 0, "field"]),
        ({**GROUPED, "sort_by": "m"}, ["sort_by"]),
        ({**GROUPED, "sort_direction": "down"}, ["sort_direction"]),
        ({**GROUPED, "limit": 0}, ["limit"]),
        ({**GROUPED, "limit": -1}, ["limit"]),
        ({**GROUPED, "limit": 10**9}, ["limit"]),
        ({**GROUPED, "filters": {"field": "a", "operator": "like", "value": 1}}, ["filters"]),
        ({**GROUPED, "unwind": ""}, ["unwind"]),
    ],
)
async def test_aggregate_refuses(
    client: httpx2.AsyncClient, things: dict[str, Any], body: dict[str, Any], location: list[str | int]
) -> None:
    answer = await client.post(f"{PLACE}/aggregate", json=body)
    assert answer.status_code == 422, answer.text
    (item, *_) = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"][: len(location) + 1] == ["body", *location]
    assert answer.json()["error"]["type"] == "ValidationError"


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({}, ["field"]),
        ({"field": ["a"]}, ["field"]),
        ({"field": "a", "limit": 0}, ["limit"]),
        ({"field": "a", "limit": 10_001}, ["limit"]),
        ({"field": "a", "filters": {"OR": 1}}, ["filters", "OR"]),
    ],
)
async def test_distinct_refuses(
    client: httpx2.AsyncClient, things: dict[str, Any], body: dict[str, Any], location: list[str]
) -> None:
    answer = await client.post(f"{PLACE}/distinct", json=body)
    assert answer.status_code == 422, answer.text
    (item,) = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["body", *location]


@pytest.mark.parametrize("action", ["aggregate", "distinct"])
async def test_only_the_documents_of_the_collection_are_seen(
    client: httpx2.AsyncClient, things: dict[str, Any], make_collection: MakeCollection, action: str
) -> None:
    await make_collection("others")
    await client.post("/v1/collections/others/documents", json={"brand": "Acme"})
    body = {"field": "brand", "filters": {"brand": "Acme"}, "aggregations": [COUNT]}
    answer = await ask(client, body, action)
    counts = [
        row["metrics"]["n"] if action == "aggregate" else row["count"]
        for row in answer.get("results", answer.get("values"))
    ]
    assert counts == [2]
    missing = await client.post(f"/v1/collections/nothing/documents/{action}", json=body)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "collection_not_found")


async def test_too_many_groups_say_what_to_do(
    client: httpx2.AsyncClient, things: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.query.aggregate.engine.MemoryBudget.__init__.__defaults__", (3, 1 << 20))
    answer = await client.post(f"{PLACE}/aggregate", json=GROUPED)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "aggregation_too_large"
    assert "more than 3 groups" in answer.json()["error"]["message"]
