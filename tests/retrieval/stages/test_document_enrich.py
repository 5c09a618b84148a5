"""``document_enrich`` against a join by nested loops."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pydantic
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from headwater.context import Context
from headwater.errors import NotFoundError, ValidationError
from headwater.retrieval.hits import Hit
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import StageResult
from headwater.retrieval.stages import document_enrich, joining
from tests.retrieval.conftest import Put

from .rows import call_of, hits_of, ids, run_of

pytestmark = pytest.mark.anyio

BRANDS: list[dict[str, Any]] = [
    {"code": 1, "name": "one", "metadata": {"country": "NL"}},
    {"code": 1.0, "name": "one again"},
    {"code": "1", "name": "text"},
    {"code": True, "name": "true"},
    {"code": ["x", "y"], "name": "both"},
    {"code": "y", "name": "y", "rank": {"world": 3}},
    {"code": None, "name": "nothing"},
    {"name": "missing"},
]
KEYS = [1, 2, 1.0, "1", True, False, None, "x", "y", "z"]


async def enrich(context: Context, hits: list[Hit], **parameters: Any) -> StageResult:
    call = call_of("document_enrich", {"target_collection_id": "brands", **parameters})
    return await STAGES["document_enrich"].run(run_of(context), call, hits)


@pytest.fixture
async def brands(make: Any, put: Put) -> list[dict[str, Any]]:
    """Made one after the other, as they are listed."""
    await make("brands")
    return [await put(f"b{number}", in_collection="brands", **body) for number, body in enumerate(BRANDS)]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one is not None and bool(one == other)


def plain_matches(value: Any, brands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each of the row's keys in turn, the documents with it."""
    found: list[dict[str, Any]] = []
    for key in value if isinstance(value, list) else [value]:
        for brand in brands:
            codes = brand.get("code")
            if any(same(key, code) for code in (codes if isinstance(codes, list) else [codes])):
                found += [brand] if brand not in found else []
    return found


rows = st.lists(
    st.fixed_dictionaries(
        {"title": st.sampled_from(["t", "u"])},
        optional={"brand": st.sampled_from(KEYS) | st.lists(st.sampled_from(KEYS), max_size=3)},
    ),
    max_size=6,
)


@given(bodies=rows, most=st.integers(1, 3), multiple=st.booleans(), allow_missing=st.booleans())
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_join_under_a_field(
    context: Context,
    brands: list[dict[str, Any]],
    bodies: list[dict[str, Any]],
    most: int,
    multiple: bool,
    allow_missing: bool,
) -> None:
    hits = hits_of(bodies)

    result = await enrich(
        context,
        hits,
        source_field="brand",
        target_field="code",
        output_field="found.brand",
        multiple=multiple,
        limit=most,
        allow_missing=allow_missing,
    )

    expected = []
    for hit, body in zip(hits, bodies, strict=True):
        matches = plain_matches(body.get("brand"), [without_time(brand) for brand in brands])
        if matches or allow_missing:
            first = matches[0] if matches else None
            expected.append((hit.document_id, matches[:most] if multiple else first))
    found = [(hit.document_id, json.loads(json.dumps(hit.shown()["found"]["brand"]))) for hit in result.hits]
    assert [(name, without_time(value)) for name, value in found] == expected
    assert result.metadata["dropped"] == len(bodies) - len(expected)
    assert all(hit.added == {} for hit in hits)


def without_time(value: Any) -> Any:
    """``searchable_at`` is the moment of the answer on creation."""
    if isinstance(value, list):
        return list(map(without_time, value))
    return value and {name: item for name, item in value.items() if name != "searchable_at"}


async def test_merged_into_the_row_which_stays_itself(context: Context, brands: list[dict[str, Any]]) -> None:
    [hit] = hits_of([{"brand": "y", "name": "mine", "_internal": {"own": 1}}], [0.5])

    [row] = (await enrich(context, [hit], source_field="brand", target_field="code")).hits

    shown = row.shown()
    assert (shown["document_id"], shown["collection_id"], shown["score"]) == ("d1", "col_1", 0.5)
    assert (shown["name"], shown["code"], shown["brand"]) == ("both", ["x", "y"], "y")
    assert shown["_internal"] == {"own": 1}


async def test_fields_are_chosen_and_may_be_the_identity(context: Context, brands: list[dict[str, Any]]) -> None:
    [hit] = hits_of([{"brand": 1, "metadata": {"kept": 1}}])
    fields = ["document_id", "metadata.country", "rank.world", "absent"]

    [row] = (
        await enrich(context, [hit], lookup_field="code", source_field="brand", select_fields=fields, result_field="b")
    ).hits
    [merged] = (await enrich(context, [hit], target_field="code", source_field="brand", fields_to_merge=fields)).hits

    assert row.shown()["b"] == {"document_id": "b0", "metadata": {"country": "NL"}}
    assert merged.shown()["document_id"] == "b0"


async def test_strategies(context: Context, brands: list[dict[str, Any]]) -> None:
    [hit] = hits_of([{"brand": "1", "name": "mine", "into": {"a": 1}, "list": [1], "one": 2}], [0.5])
    key = {"source_field": "brand", "target_field": "code", "fields_to_merge": ["name"]}

    async def shown(**parameters: Any) -> Any:
        [row] = (await enrich(context, [hit], **key, **parameters)).hits
        return row.shown()

    assert (await shown(output_field="into"))["into"] == {"a": 1, "name": "text"}
    assert (await shown(output_field="into", strategy="replace"))["into"] == {"name": "text"}
    assert (await shown(output_field="list", strategy="append"))["list"] == [1, {"name": "text"}]
    assert (await shown(output_field="one", strategy="append"))["one"] == [2, {"name": "text"}]
    assert (await shown(output_field="new.list", strategy="append"))["new"] == {"list": [{"name": "text"}]}
    replaced = await shown(strategy="replace")
    assert (replaced["document_id"], replaced["score"], replaced["name"]) == ("d1", 0.5, "text")
    assert "brand" not in replaced


async def test_what_does_not_meet_the_condition_stays_as_it_was(context: Context, brands: list[dict[str, Any]]) -> None:
    hits = hits_of([{"brand": "y", "go": True}, {"brand": "y"}, {"brand": "z", "go": True}])
    key = {"source_field": "brand", "target_field": "code", "output_field": "b", "fields_to_merge": ["name"]}

    result = await enrich(context, hits, **key, when={"go": True}, allow_missing=False)

    assert [(row.document_id, row.added) for row in result.hits] == [("d1", {"b": {"name": "both"}}), ("d2", {})]


async def test_by_default_the_key_is_the_source_object(context: Context, brands: list[dict[str, Any]]) -> None:
    [hit] = hits_of([{"_internal": {"lineage": {"source_object_id": "b5"}}}])

    [row] = (await enrich(context, [hit], output_field="source")).hits

    assert row.shown()["source"]["name"] == "y"


async def test_one_read_however_many_rows_and_a_frequent_value_is_not_read_to_its_end(
    context: Context, brands: list[dict[str, Any]], put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await put(f"many{number}", in_collection="brands", code="often")
    monkeypatch.setattr(joining, "_BATCH", 4)
    read: list[str] = []

    def render(document: Any) -> bytes:
        read.append(document.document_id)
        return b'{"document_id":"x"}'

    monkeypatch.setattr(joining, "render_document", render)
    hits = hits_of([{"brand": "often"}, {"brand": "y"}, {"brand": "z"}] * 100)

    result = await enrich(context, hits, source_field="brand", target_field="code", output_field="b")

    assert result.metadata == {"matched": 200, "dropped": 0}
    assert read == ["many0", "b4"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"multiple": True},
        {"strategy": "append"},
        {"strategy": "add", "output_field": "b"},
        {"fields_to_merge": [1]},
        {"limit": 0},
        {"source_field": ""},
        {"when": []},
        {"retriever_id": "a", "retriever_config": {}},
    ],
)
async def test_bad_parameters(parameters: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        call_of("document_enrich", parameters)


async def test_what_cannot_be_joined(context: Context, brands: list[dict[str, Any]]) -> None:
    hits = hits_of([{"brand": 1}])

    with pytest.raises(NotFoundError):
        await enrich(context, hits, target_collection_id="col_of_nobody")
    with pytest.raises(ValidationError, match="target_collection_id"):
        await enrich(context, hits, target_collection_id=None)
    with pytest.raises(ValidationError, match="cannot join by a third"):
        await enrich(context, hits, retriever_id="ret_1")
    with pytest.raises(ValidationError):
        await enrich(context, hits, when={"field": "a", "operator": "near", "value": 1})


async def test_joins_that_are_too_large_are_refused(
    context: Context, brands: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"source_field": "brand", "target_field": "code", "output_field": "b"}
    monkeypatch.setattr(joining, "MAX_VALUES", 2)
    with pytest.raises(ValidationError, match="different values"):
        await enrich(context, hits_of([{"brand": ["x", "y", "z"]}]), **key)
    monkeypatch.setattr(joining, "MAX_JOINED", 1)
    with pytest.raises(ValidationError, match="finds more than"):
        await enrich(context, hits_of([{"brand": ["x", "1"]}]), **key)


async def test_documents_that_an_end_user_may_not_read_are_not_joined(
    context: Context, client: httpx2.AsyncClient, brands: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    acl = await client.patch("/v1/collections/brands/documents/b5/acl", json={"read": ["ann"]})
    assert acl.status_code == 200, acl.text
    monkeypatch.setattr(document_enrich, "principal_of", lambda _: "ann")
    key = {"source_field": "brand", "target_field": "code", "allow_missing": False}

    result = await enrich(context, hits_of([{"brand": "x"}, {"brand": "y"}]), **key)

    assert ids(result.hits) == ["d2"]
    assert result.hits[0].shown()["name"] == "y"
