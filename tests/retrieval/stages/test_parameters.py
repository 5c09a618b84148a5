"""What all stages do with parameters that are wrong, unknown or spelled in another way."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from headwater.http.models import LenientModel
from headwater.retrieval.registry import STAGES

#: Parameters that make each stage valid, where its defaults do not.
NEEDED: dict[str, dict[str, Any]] = {
    "aggregate": {"aggregations": [{"function": "count", "alias": "n"}]},
    "attribute_filter": {"value": 1},
    "deduplicate": {"fields": ["a"]},
    "feature_search": {"searches": []},
    "unwind": {"field": "a"},
}


def model_of(stage_id: str, **parameters: Any) -> Any:
    return STAGES[stage_id].parameters.model_validate({**NEEDED.get(stage_id, {}), **parameters})


@pytest.mark.parametrize("stage_id", STAGES)
def test_defaults_are_valid_and_described(stage_id: str) -> None:
    model_of(stage_id)
    schema = STAGES[stage_id].parameters.model_json_schema()

    for name, field in schema["properties"].items():
        assert field.get("description"), name


@pytest.mark.parametrize("stage_id", STAGES)
def test_examples_are_valid(stage_id: str) -> None:
    model = STAGES[stage_id].parameters

    for example in model.model_json_schema().get("examples", []):
        read = model.model_validate(example)
        assert isinstance(read, LenientModel)
        assert read.unknown_keys() == []


def test_schemas_show_the_bounds_of_numbers() -> None:
    shown = STAGES["limit"].parameters.model_json_schema()["properties"]["limit"]["anyOf"][0]

    assert shown == {"type": "integer", "minimum": 1, "maximum": 10_000}


@pytest.mark.parametrize("stage_id", STAGES)
def test_unknown_parameters_are_dropped_and_named(stage_id: str) -> None:
    model = model_of(stage_id, colour="red", nothing=None, unset="null")

    assert isinstance(model, LenientModel)
    assert model.unknown_keys() == ["colour"]


@pytest.mark.parametrize(
    ("stage_id", "parameters"),
    [
        ("limit", {"limit": 0}),
        ("limit", {"limit": 10_001}),
        ("limit", {"limit": True}),
        ("limit", {"limit": 1.5}),
        ("limit", {"limit": "many"}),
        ("limit", {"offset": -1}),
        ("limit", {"limit": 10**400}),
        ("sort_relevance", {"direction": "up"}),
        ("sort_relevance", {"missing_score": "middle"}),
        ("sort_relevance", {"score_field": ""}),
        ("sort_relevance", {"score_field": 5}),
        ("sort_relevance", {"score_field": "a" * 1001}),
        ("sort_attribute", {"field": ["a"]}),
        ("sort_attribute", {"null_handling": "never"}),
        ("score_normalize", {"method": "rank"}),
        ("score_normalize", {"min_value": float("nan")}),
        ("score_normalize", {"max_value": "inf"}),
        ("score_normalize", {"min_value": 2, "max_value": 1}),
        ("group_by", {"max_per_group": 1001}),
        ("group_by", {"output_mode": "some"}),
        ("deduplicate", {"fields": []}),
        ("deduplicate", {"fields": "a"}),
        ("deduplicate", {"strategy": "content", "similarity_threshold": 1.1}),
        ("deduplicate", {"strategy": "content", "similarity_threshold": float("nan")}),
        ("deduplicate", {"keep": "none"}),
        ("sample", {"count": 1001}),
        ("sample", {"strategy": "best"}),
        ("sample", {"seed": 1.5}),
        ("aggregate", {"aggregations": []}),
        ("aggregate", {"aggregations": [{"function": "sum", "alias": "n"}]}),
        ("aggregate", {"aggregations": [{"function": "median", "alias": "n", "field": "a"}]}),
        ("aggregate", {"aggregations": [{"function": "correlation", "alias": "n", "field": "a"}]}),
        ("aggregate", {"aggregations": [{"function": "percentile", "alias": "n", "field": "a", "percentiles": [101]}]}),
        ("aggregate", {"aggregations": [{"function": "histogram", "alias": "n", "field": "a", "interval": 0}]}),
        ("aggregate", {"group_by": ["n"]}),
        ("aggregate", {"sort_by": "m"}),
        ("unwind", {"field": ""}),
        ("unwind", {"field": None}),
        ("json_transform", {"template": ""}),
    ],
)
def test_values_that_do_not_fit_are_refused(stage_id: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        model_of(stage_id, **parameters)


def test_what_a_template_gives_may_be_a_text() -> None:
    assert model_of("limit", limit="7").limit == 7


def test_null_as_a_text_is_nothing_where_nothing_is_the_default() -> None:
    assert model_of("score_normalize", output_field="null").output_field is None
    assert model_of("sort_relevance", feature_address="null").feature_address is None
    assert model_of("sort_attribute", field="null").field == "null"


def test_of_two_names_the_declared_one_counts() -> None:
    assert model_of("group_by", field="a", group_by_field="b").group_by_field == "b"
    assert model_of("group_by", field="a", docs_per_group=3).max_per_group == 3
