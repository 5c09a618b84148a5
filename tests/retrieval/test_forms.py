"""Every form of a stage that clients send, and the catalogue of stages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pydantic
import pytest

from headwater.errors import NotEnabledError, NotFoundError, ValidationError
from headwater.http.models import LenientModel
from headwater.retrieval import registry
from headwater.retrieval.forms import StageForm, check_stage, read_parameters, read_stages, shown_stage
from headwater.retrieval.hits import Hit
from headwater.retrieval.stage import Category, Run, StageCall, StageResult

FORMS: list[dict[str, Any]] = [
    {
        "stage_name": "first",
        "stage_type": "reduce",
        "config": {"stage_id": "limit", "parameters": {"limit": 3}, "pre_filters": {"a": 1}},
    },
    {"stage_name": "first", "stage_type": "reduce", "stage_id": "limit", "parameters": {"limit": 3}},
    {"stage_type": "reduce", "stage_id": "limit", "parameters": {"limit": 3}},
    {"stage_name": "limit", "version": "v1", "parameters": {"limit": 3}},
    {"type": "limit", "limit": 3},
    {"stage": "limit", "limit": 3},
    {"name": "first", "config": {"stage_name": "limit", "version": "v1", "parameters": {"limit": 3}}},
    {"stage_name": "first", "stage_id": "limit", "parameters": {"limit": 3}, "pre_filters": {"a": 1}},
]


@pytest.mark.parametrize("sent", FORMS)
def test_every_form_means_the_same(sent: dict[str, Any]) -> None:
    [stage] = read_stages([sent], ["body", "stages"])

    assert (stage.stage_id, stage.stage_type, stage.parameters) == ("limit", "reduce", {"limit": 3})
    assert stage.stage_name == sent.get("name", sent.get("stage_name", "limit"))
    assert stage.pre_filters == (sent.get("pre_filters") or sent.get("config", {}).get("pre_filters"))
    assert read_stages([stage.stored()], []) == [stage]
    assert shown_stage(stage.stored())["parameters"] == {"limit": 3}


@pytest.mark.parametrize(
    ("former", "current"),
    [("hybrid_search", "feature_search"), ("structured_filter", "attribute_filter"), ("join", "document_enrich")],
)
def test_former_ids(former: str, current: str) -> None:
    [stage] = read_stages([{"stage_id": former, "parameters": {}}], [])

    assert (stage.stage_id, stage.stage_name) == (current, current)


def test_category_group_is_stored_as_reduce() -> None:
    [stage] = read_stages([{"stage_type": "group", "stage_id": "group_by", "parameters": {}}], [])

    assert stage.stage_type == "reduce"


def test_stages_of_one_name_are_told_apart() -> None:
    stages = read_stages([{"stage": "limit"}, {"stage": "limit"}, {"stage": "limit", "name": "limit_2"}], [])

    assert [stage.stage_name for stage in stages] == ["limit", "limit_2", "limit_2_2"]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        ["limit"],
        [{"stage_id": "no_such"}],
        [{"stage_id": 5}],
        [{}],
        [{"stage_type": "filter", "parameters": {}}],
        [{"stage_id": "limit", "parameters": [1]}],
        [{"stage_id": "limit", "config": "x"}],
        [{"stage_id": "limit", "on_error": "explode"}],
        [{"stage_id": "limit", "output_alias": "a b"}],
        [{"stage_id": "limit"}] * 51,
    ],
)
def test_what_is_no_stage_is_refused(sent: Any) -> None:
    with pytest.raises(ValidationError):
        read_stages(sent, ["body", "stages"])


def test_unknown_stage_names_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'no_such'; there are feature_search, attribute_filter"):
        read_stages([{"stage_id": "no_such"}], [])


def test_misspelled_stage_is_recognized() -> None:
    with pytest.raises(ValidationError, match="'atribute_filter'; did you mean attribute_filter\\?"):
        read_stages([{"stage_id": "atribute_filter"}], [])


class KeepParameters(LenientModel):
    count: int = pydantic.Field(ge=1, le=10)
    label: str | None = None


class Keep:
    stage_id: ClassVar[str] = "sample"
    category: ClassVar[Category] = "reduce"
    description: ClassVar[str] = "Keep some."
    icon: ClassVar[str] = "dices"
    parameters: type[KeepParameters] = KeepParameters
    reads_documents: ClassVar[bool] = False
    per_document: ClassVar[frozenset[str]] = frozenset()

    async def run(self, run: Run, call: StageCall[KeepParameters], hits: list[Hit]) -> StageResult:
        return StageResult(hits[: call.parameters.count])


@pytest.fixture
def keep(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(registry.STAGES, "sample", Keep())
    yield


def a_stage(**parameters: Any) -> StageForm:
    return StageForm("keep", "sample", "reduce", parameters)


@pytest.mark.usefixtures("keep")
def test_parameters_with_templates_are_judged_when_they_are_filled_in() -> None:
    check_stage(a_stage(count="{{INPUT.n}}"), [])
    with pytest.raises(ValidationError) as caught:
        read_parameters(a_stage(count="{{INPUT.n}}"), {"count": 99}, ["body", "stages", 0])

    assert caught.value.details is not None
    assert caught.value.details["validation_errors"][0]["location"] == ["body", "stages", 0, "parameters", "count"]


@pytest.mark.usefixtures("keep")
@pytest.mark.parametrize("parameters", [{}, {"count": 0}, {"count": "many"}, {"count": 1, "label": "{{ ( }}"}])
def test_wrong_parameters_are_refused_when_they_are_sent(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        check_stage(a_stage(**parameters), [])


@pytest.mark.usefixtures("keep")
def test_unknown_parameters_are_named() -> None:
    _, warnings = read_parameters(a_stage(), {"count": 1, "colour": "red"}, [])

    assert warnings == ["keep: unknown key 'colour' was ignored"]


def test_catalogue_has_all_stages() -> None:
    stages = registry.list_stages()

    assert len(stages) == 33
    assert all(stage["available"] == ("parameter_schema" in stage) for stage in stages)
    assert {stage["category"] for stage in registry.list_stages("sort")} == {"sort"}


@pytest.mark.usefixtures("keep")
def test_catalogue_shows_the_parameters_of_available_stages() -> None:
    stage = registry.get_stage("sample")

    assert stage["parameter_schema"]["properties"]["count"]["maximum"] == 10
    assert registry.get_stage("hybrid_search")["stage_id"] == "feature_search"
    with pytest.raises(NotFoundError):
        registry.get_stage("no_such")


def test_stage_of_another_deployment_is_not_enabled() -> None:
    with pytest.raises(NotEnabledError, match="'llm_filter' is not part of this deployment"):
        check_stage(StageForm("x", "llm_filter", "filter"), [])
