"""``attribute_filter`` finds and keeps the documents that a list with the same filter shows."""

from __future__ import annotations

from typing import Any

import httpx2
import pydantic
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from headwater.context import Context
from headwater.errors import NotEnabledError, ValidationError
from headwater.query import Filter, parse_filter
from headwater.retrieval.hits import Hit
from headwater.retrieval.hydrate import hydrate
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import Run, StageResult
from headwater.retrieval.stages import attribute_filter
from headwater.retrieval.templates import render
from headwater.tenancy.access import access_collection
from tests.find.test_model import filters
from tests.retrieval.conftest import Put

from .rows import call_of, hits_of, ids, outcome, run_of

BODIES: list[dict[str, Any]] = [
    {"a": 1, "b": "a", "tags": ["a", 1]},
    {"a": 1.0, "b": "A", "tags": []},
    {"a": "1", "b": None},
    {"a": True, "metadata": {"m": "ab"}},
    {"a": {"x": 1}, "metadata": {"m": 2}, "day": "2026-01-05"},
    {"a": [{"x": 1}, {"x": "a"}], "day": "2026-01-04T23:00:00Z", "tags": ["A", None, True]},
    {"a": "2026-01-05", "b": [1, 2], "day": "soon"},
    {"metadata": {"m": None}, "day": 5},
    {},
]


def run_in(context: Context, *collections: str, **roots: Any) -> Run:
    return run_of(
        context,
        lambda value, document=None: render(value, {**roots, "DOC": document or {}}),
        collections=tuple(access_collection(context, name) for name in collections),
    )


async def find(run: Run, wanted: Filter | None = None, **parameters: Any) -> StageResult:
    call = call_of("attribute_filter", parameters, filter=wanted, first=True)
    return await STAGES["attribute_filter"].run(run, call, [])


async def keep(run: Run, hits: list[Hit], wanted: Filter | None = None, **parameters: Any) -> StageResult:
    return await STAGES["attribute_filter"].run(run, call_of("attribute_filter", parameters, filter=wanted), hits)


@pytest.fixture
async def run(context: Context, put: Put) -> Run:
    for number, body in enumerate(BODIES):
        await put(f"d{number}", **body)
    return run_in(context, "things", INPUT={"wanted": "a"})


@pytest.fixture
async def everything(run: Run) -> list[Hit]:
    return await hydrate(run.context, (await find(run, conditions={})).hits)


@pytest.mark.anyio
@given(sent=filters, other=filters)
@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_same_as_a_list(
    client: httpx2.AsyncClient, run: Run, everything: list[Hit], sent: dict[str, Any], other: dict[str, Any]
) -> None:
    body = {"filters": {"AND": [sent, other]}, "limit": 100}
    listed = await client.post("/v1/collections/things/documents/list", json=body)
    expected = [document["document_id"] for document in listed.json()["results"]]
    narrowed = parse_filter(other)

    assert ids((await find(run, narrowed, conditions=sent)).hits) == expected
    assert ids((await keep(run, everything, narrowed, conditions=sent)).hits) == expected


@pytest.mark.anyio
async def test_all_three_ways_to_write_it(run: Run) -> None:
    assert ids((await find(run, field="b", operator="starts_with", value="a")).hits) == ["d0", "d1"]
    assert ids((await find(run, conditions={"b": "a"}, field="a", value=5)).hits) == ["d0"]
    assert ids((await find(run, OR=[{"b": "a"}, {"a": True}], case_sensitive=True)).hits) == ["d0", "d3"]


@pytest.mark.anyio
async def test_case_insensitive_makes_equality_so_too(run: Run) -> None:
    assert ids((await find(run, field="b", value="A", case_insensitive=True)).hits) == ["d0", "d1"]
    assert ids((await find(run, conditions={"b": ["A", 1]}, case_insensitive=True)).hits) == ["d0", "d1", "d6"]
    assert ids((await find(run, conditions={"NOT": {"b": "A"}}, case_insensitive=True)).hits)[:2] == ["d2", "d3"]
    found = await find(run, AND=[{"field": "b", "operator": "nin", "value": ["A"]}], case_insensitive=True)
    assert "d0" not in ids(found.hits)
    assert len(found.hits) == len(BODIES) - 2


@pytest.mark.anyio
async def test_templates_of_the_request_and_of_each_document(run: Run, everything: list[Hit]) -> None:
    assert ids((await find(run, field="b", value="{{INPUT.wanted}}")).hits) == ["d0"]
    same = {"field": "tags", "operator": "contains", "value": "{{DOC.a}}"}
    found = await find(run, conditions=same)
    assert ids(found.hits) == ["d0"]
    # Neither an object nor a list is a single value to look for.
    assert found.warnings[0].startswith("2 documents were left out: ")
    assert ids((await keep(run, everything, parse_filter({"b": "A"}), conditions=same)).hits) == []
    assert ids((await find(run, field="{{ 'a' if DOC.b == 'A' else 'none' }}", value=1)).hits) == ["d1"]


@pytest.mark.anyio
async def test_documents_of_several_collections_and_of_none(context: Context, run: Run, make: Any, put: Put) -> None:
    await make("others")
    await put("o1", in_collection="others", a=1)

    assert ids((await find(run_in(context, "things", "others"), conditions={"a": 1})).hits) == ["d0", "d1", "o1"]
    assert (await find(run_in(context), conditions={})).hits == []


@pytest.mark.anyio
async def test_more_documents_than_are_loaded_are_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribute_filter, "MAX_LOADED", 4)

    result = await find(run, conditions={})

    assert ids(result.hits) == ["d0", "d1", "d2", "d3"]
    assert [(limit["name"], limit["applied"]) for limit in result.limits] == [("documents", 4)]
    assert (await find(run, conditions={"a": 1})).limits == []


def test_it_sees_what_earlier_stages_added() -> None:
    hits = hits_of([{"a": 1}, {"a": 1}, {"a": 1}], [0.9, 0.2, None])

    assert ids(outcome("attribute_filter", hits, field="score", operator="gte", value=0.5).hits) == ["d1"]
    groups = outcome("group_by", hits, field="a").hits
    assert len(outcome("attribute_filter", groups, field="count", value=3).hits) == 1


@pytest.mark.anyio
async def test_natural_language_is_refused(run: Run) -> None:
    with pytest.raises(NotEnabledError):
        await find(run, natural_language="cheap ones")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"field": "a"},
        {"field": "a", "operator": "near", "value": 1},
        {"field": "a", "operator": "in", "value": 1},
        {"field": "a", "operator": "regex", "value": "("},
        {"conditions": []},
        {"conditions": {"AND": {"a": 1}}},
        {"AND": "a"},
        {"conditions": {}, "batch_size": 0},
    ],
)
def test_what_is_no_filter_is_refused_before_it_runs(parameters: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        call_of("attribute_filter", parameters)


@pytest.mark.anyio
async def test_what_a_template_makes_of_a_filter_is_checked_when_it_runs(run: Run) -> None:
    for template in ("{{INPUT.wanted}}", "{{DOC.document_id}}"):
        with pytest.raises(ValidationError):
            await find(run, field="a", operator="in", value=template)


@pytest.mark.anyio
async def test_a_key_of_an_end_user_finds_its_documents_only(
    context: Context, put: Put, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_filter, "principal_of", lambda _: "ann")

    assert (await find(run, conditions={})).hits == []
