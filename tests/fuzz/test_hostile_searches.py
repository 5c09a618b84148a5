"""Searches and retrievers that want too much or mean nothing: refused with the reason, and no defect."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.anyio

Body = dict[str, Any]
SEARCH = "/v1/documents/search"
EXECUTE = "/v1/retrievers/execute"
ALL: Body = {"stage_id": "attribute_filter", "parameters": {"conditions": {"AND": []}}}
VECTOR: Body = {"feature_uri": "embedding", "query": [1.0, 0.0]}


def stages(stage_id: str, **parameters: Any) -> Body:
    return {"stages": [ALL, {"stage_id": stage_id, "parameters": parameters}]}


def by(query: Any, **more: Any) -> Body:
    return {"feature_uri": "embedding", "query": query, **more}


def written(template: str, **inputs: Any) -> Body:
    return stages("json_transform", template=template) | {"inputs": inputs}


def filled(template: str, **inputs: Any) -> Body:
    """A value of a filter, which is there before its stage runs."""
    return stages("attribute_filter", field="brand", operator="eq", value=template) | {"inputs": inputs}


REFUSED: dict[str, tuple[str, Body]] = {
    "vector of another width": (SEARCH, by([1.0] * 3)),
    "vector of no width": (SEARCH, by([[], []])),
    "vector of 100,000": (SEARCH, by([0.5] * 100_000)),
    "rows of different widths": (SEARCH, by([[1.0, 0.0], [1.0]])),
    "100,000 rows": (SEARCH, by([[1.0]] * 100_000)),
    "texts in a vector": (SEARCH, by([1.0, "0"])),
    "null in a vector": (SEARCH, by([1.0, None])),
    "flags in a vector": (SEARCH, by([True, False])),
    "number beyond a float": (SEARCH, by([1e39, 0.0])),
    "vector whose length leaves the floats": (SEARCH, by([3e38, 3e38])),
    "vector whose length is lost": (SEARCH, by([1e-38, 1e-38])),
    "vector without a direction": (SEARCH, by([0.0, 0.0])),
    "sparse vector in a dense index": (SEARCH, by({"indices": [1], "values": [1.0]})),
    "index of a sparse vector below zero": (SEARCH, by({"indices": [-1], "values": [1.0]})),
    "top_k of nothing": (SEARCH, by([1.0, 0.0], top_k=0)),
    "top_k of everything": (SEARCH, by([1.0, 0.0], top_k=10**9)),
    "top_k as a fraction": (SEARCH, by([1.0, 0.0], top_k=1.5)),
    "eleven searches": (SEARCH, {"searches": [VECTOR] * 11}),
    "weight beyond one": (SEARCH, {"searches": [VECTOR | {"weight": 2}]}),
    "page of 10,000": (SEARCH, VECTOR | {"page_size": 10_000}),
    "cursor of nobody": (SEARCH, VECTOR | {"pagination": {"method": "cursor", "cursor": "eyJvZmZzZXQiOiAtMX0="}}),
    "page number below one": (SEARCH, VECTOR | {"pagination": {"method": "offset", "page_number": -1}}),
    "offset beyond all": (SEARCH, VECTOR | {"pagination": {"method": "offset", "page_number": 10**30}}),
    "filter of 10,000": (SEARCH, VECTOR | {"filters": {"OR": [{"a": number} for number in range(10_000)]}}),
    "facet of nothing": (SEARCH, VECTOR | {"facets": [{"key": "brand", "limit": 0}]}),
    "feature of nobody": (SEARCH, VECTOR | {"feature_uri": "mixpeek://nobody@v1/nothing"}),
    "feature of another scheme": (SEARCH, VECTOR | {"feature_uri": "file:///etc/passwd"}),
    "unknown stage": (EXECUTE, {"stages": [{"stage_id": "os.system"}]}),
    "unknown parameters": (EXECUTE, stages("limit", limit="many")),
    "1,000 stages": (EXECUTE, {"stages": [ALL] * 1000}),
    "no stages": (EXECUTE, {"stages": []}),
    "limit beyond a page": (EXECUTE, {"stages": [ALL], "limit": 10**6}),
    "limit below one": (EXECUTE, {"stages": [ALL], "limit": -1}),
    "budget of nothing": (EXECUTE, {"stages": [ALL], "budget_limits": {"max_time_ms": -5}}),
    "attributes by a filter": (EXECUTE, filled('{{ INPUT.a | attr("__class__") }}', a="x")),
    "loop": (EXECUTE, filled("{% for a in range(10**9) %}{{ a }}{% endfor %}")),
    "loop in a loop": (EXECUTE, filled("{% for a in b %}{% for c in d %}x{% endfor %}{% endfor %}")),
    "macro that calls itself": (EXECUTE, filled("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")),
    "import": (EXECUTE, filled('{% import "os" as os %}{{ os.environ }}')),
    "power of powers": (EXECUTE, filled("{{ 9 ** 9 ** 9 }}")),
    "text times a billion": (EXECUTE, filled("{{ 'x' * 1000000000 }}")),
    "template without an end": (EXECUTE, filled("{{ INPUT.a ")),
    "secrets": (EXECUTE, filled("{{ secrets.key }}")),
    "join by nothing": (EXECUTE, stages("document_enrich", source_field="brand")),
    "join in a join in a join": (
        EXECUTE,
        stages(
            "document_enrich",
            output_field="a",
            retriever_config=stages(
                "document_enrich", output_field="b", retriever_config={"stages": [ALL]}, target_collection_id="things"
            ),
        ),
    ),
}
ANSWERED: dict[str, tuple[str, Body]] = {
    "large floats": (SEARCH, by([1e18, 1e18])),
    "small floats": (SEARCH, by([1e-18, 1e-18])),
    "vector as a text": (SEARCH, by({"input_mode": "vector", "value": "[1.0, 0.0]"})),
    "template in a value of a filter": (SEARCH, VECTOR | {"filters": {"brand": "{{ 7 * 7 }}"}}),
    "input that looks like a template": (EXECUTE, written('{"a": "{{INPUT.a}}"}', a="{{ ''.__class__ }}")),
    "input with quotes": (EXECUTE, written('{"a": "{{INPUT.a}}"}', a='"}, "b": {"c')),
    "classes of Python": (EXECUTE, filled("{{ ''.__class__.__mro__ }}")),
    "attributes of an input": (EXECUTE, filled("{{ INPUT.a.__init__.__globals__ }}", a="x")),
    "template of a row that is refused": (EXECUTE, written("{{ INPUT.a.__class__ }}", a="x")),
    "template of a row that is too long": (EXECUTE, written("{{ 'x' * 1000000000 }}")),
    "group by a strange path": (EXECUTE, stages("group_by", group_by_field="a'; DROP TABLE documents; --")),
    "sample of more than there is": (EXECUTE, stages("sample", count=1000)),
}


@pytest.fixture
async def stored(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    features = [{"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": [1.0, 0.0]}}]
    for brand in ("Acme", "Bolt"):
        made = await client.post("/v1/collections/things/documents", json={"brand": brand, "features": features})
        assert made.status_code == 200, made.text


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("case", REFUSED)
async def test_what_wants_too_much_is_refused(client: httpx2.AsyncClient, case: str) -> None:
    path, body = REFUSED[case]
    answer = await client.post(path, json=body)
    assert answer.status_code in (400, 403, 422), answer.text[:500]
    error = answer.json()["error"]
    assert error["message"] and len(answer.content) < 20_000


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("case", ANSWERED)
async def test_what_is_only_strange_is_answered(client: httpx2.AsyncClient, case: str) -> None:
    path, body = ANSWERED[case]
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text[:500]
    assert "NaN" not in answer.text and "Infinity" not in answer.text


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999", "9" * 400])
async def test_numbers_that_are_none_are_refused(client: httpx2.AsyncClient, number: str) -> None:
    content = json.dumps(by([1.0, "NUMBER"])).replace('"NUMBER"', number)
    answer = await client.post(SEARCH, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text[:300]


@pytest.mark.usefixtures("stored")
async def test_inputs_stay_what_they_are(client: httpx2.AsyncClient) -> None:
    """Neither run as a template nor read as JSON around them."""
    hostile = ['"}, "b": {"c": "', "{{ ''.__class__ }}", "{% for %}", "\\", "\u2028", "a\nb"]
    for text in hostile:
        answer = await client.post(EXECUTE, json=written('{"a": "{{INPUT.a}}"}', a=text))
        assert answer.status_code == 200, answer.text[:500]
        for document in answer.json()["documents"]:
            assert set(document) <= {"a", "score"} and document["a"] == text
