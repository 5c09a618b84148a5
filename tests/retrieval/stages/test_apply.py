"""``unwind`` and ``json_transform`` against their plain meaning."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.retrieval.hits import Hit
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import StageResult
from headwater.retrieval.stages import unwind
from headwater.retrieval.templates import render

from .rows import call_of, hits_of, outcome, run_of, working_sets


@given(working_sets, st.sampled_from(["a", "b"]), st.booleans())
def test_unwind(hits: list[Hit], path: str, keep: bool) -> None:
    found = outcome("unwind", hits, field=path, preserve_null_and_empty=keep, include_array_index="at").hits

    expected = []
    for hit in hits:
        shown = hit.shown()
        value = shown.get(path)
        if isinstance(value, list) and value:
            expected += [{**shown, path: element, "at": place} for place, element in enumerate(value)]
        elif keep or value not in (None, []):
            expected.append({**shown, "at": None})
    assert [row.shown() for row in found] == expected


def test_unwind_takes_the_place_of_the_array_where_it_stands_or_another() -> None:
    [hit] = hits_of([{"metadata": {"tags": ["x", "y"], "other": 1}}])

    assert [row.shown()["metadata"] for row in outcome("unwind", [hit], field="tags").hits] == [
        {"tags": "x", "other": 1},
        {"tags": "y", "other": 1},
    ]
    found = outcome("unwind", [hit], field="metadata.tags", output_field="tag").hits
    assert [(row.shown()["tag"], row.shown()["metadata"]["tags"]) for row in found] == [
        ("x", ["x", "y"]),
        ("y", ["x", "y"]),
    ]


def test_unwind_makes_so_many_rows_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unwind, "MAX_ROWS", 5)
    hits = hits_of([{"a": [1, 2, 3]}, {"a": [4, 5, 6]}])

    result = outcome("unwind", hits, field="a")

    assert [row.shown()["a"] for row in result.hits] == [1, 2, 3, 4, 5]
    assert [(limit["name"], limit["applied"]) for limit in result.limits] == [("rows", 5)]
    assert outcome("unwind", hits[:1], field="a").limits == []


def transformed(hits: list[Hit], **parameters: Any) -> StageResult:
    run = run_of(render=lambda value, document: render(value, {"INPUT": {"n": 3}, "DOC": document}))
    return asyncio.run(STAGES["json_transform"].run(run, call_of("json_transform", parameters), hits))


@given(working_sets)
def test_json_transform_replaces_rows_by_what_is_written(hits: list[Hit]) -> None:
    template = '{"key": {{ DOC.document_id | tojson }}, "a": {{ DOC.a | tojson }}, "n": {{ INPUT.n }}'
    template += ', "sub": [{{ DOC.b | tojson }}]}'

    found = transformed(hits, template=template).hits

    bodies = [hit.document or {} for hit in hits]
    assert [row.shown() for row in found] == [
        {"key": hit.document_id, "a": body.get("a"), "n": 3, "sub": [body.get("b")]}
        for hit, body in zip(hits, bodies, strict=True)
    ]


def test_json_transform_by_default_is_id_content_and_score() -> None:
    hits = hits_of([{"content": 'say "yes"\n'}, {}], [0.5, None])

    found = transformed(hits).hits

    assert [json.loads(json.dumps(row.shown())) for row in found] == [
        {"id": "d1", "content": 'say "yes"\n', "score": 0.5},
        {"id": "d2", "content": None, "score": None},
    ]
    assert [row.score for row in found] == [0.5, None]


@pytest.mark.parametrize(
    "template", ['{"a": "{{ DOC.a }}"}', "[{{ DOC.n }}]", "{{ DOC.n }}", '{"a": 1, "a": {{DOC.n}}}']
)
def test_what_is_no_object_is_left_out_and_counted_or_fails(template: str) -> None:
    [hit] = hits_of([{"a": '"', "n": 1}])

    result = transformed([hit], template=template)

    assert (result.hits, result.metadata["failed"]) == ([], 1)
    assert "d1" in result.metadata["first_failure"]
    with pytest.raises(ValidationError):
        transformed([hit], template=template, fail_on_error=True)


def test_an_expression_that_is_an_object_is_the_row() -> None:
    [hit] = hits_of([{"a": {"x": 1}}])

    assert [row.shown() for row in transformed([hit], template="{{ DOC.a }}").hits] == [{"x": 1}]
