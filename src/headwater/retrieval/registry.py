"""The stages of this deployment, and what the catalogue of stages says about each."""

from __future__ import annotations

from typing import Any

from headwater.errors import NotEnabledError, NotFoundError
from headwater.retrieval.catalogue import DESCRIPTIONS, FORMER_IDS, StageDescription
from headwater.retrieval.stage import Category, Stage
from headwater.retrieval.stages.aggregate import Aggregate
from headwater.retrieval.stages.attribute_filter import AttributeFilter
from headwater.retrieval.stages.deduplicate import Deduplicate
from headwater.retrieval.stages.document_enrich import DocumentEnrich
from headwater.retrieval.stages.feature_search import FeatureSearch
from headwater.retrieval.stages.group_by import GroupBy
from headwater.retrieval.stages.json_transform import JSONTransform
from headwater.retrieval.stages.limit import Limit
from headwater.retrieval.stages.mmr import MMR
from headwater.retrieval.stages.rerank import Rerank
from headwater.retrieval.stages.sample import Sample
from headwater.retrieval.stages.score_normalize import ScoreNormalize
from headwater.retrieval.stages.sort_attribute import SortAttribute
from headwater.retrieval.stages.sort_relevance import SortRelevance
from headwater.retrieval.stages.unwind import Unwind

#: One line for each stage that can be run.
_AVAILABLE: tuple[Stage[Any], ...] = (
    FeatureSearch(),
    AttributeFilter(),
    SortRelevance(),
    SortAttribute(),
    MMR(),
    Rerank(),
    ScoreNormalize(),
    Limit(),
    Deduplicate(),
    GroupBy(),
    Aggregate(),
    Sample(),
    Unwind(),
    JSONTransform(),
    DocumentEnrich(),
)

STAGES: dict[str, Stage[Any]] = {stage.stage_id: stage for stage in _AVAILABLE}


def current_id(stage_id: str) -> str | None:
    """The id of the stage that has that id, or had it once."""
    current = FORMER_IDS.get(stage_id, stage_id)
    return current if current in DESCRIPTIONS else None


def describe(stage_id: str) -> StageDescription:
    """What kind of stage it is. The id must be a current one."""
    stage = STAGES.get(stage_id)
    if stage is None:
        return DESCRIPTIONS[stage_id]
    return StageDescription(stage_id, stage.category, stage.description, stage.icon)


def require_stage(stage_id: str) -> Stage[Any]:
    """The stage; ``NotEnabledError`` when this deployment has none of that (current) id."""
    stage = STAGES.get(stage_id)
    if stage is None:
        raise NotEnabledError(
            f"The stage {stage_id!r} is not part of this deployment; it has {', '.join(STAGES)}",
            details={"feature": stage_id, "available": list(STAGES)},
            code="stage_not_enabled",
        )
    return stage


def list_stages(category: Category | None = None) -> list[dict[str, Any]]:
    """The catalogue of stages, those of one category if it is given."""
    found = [_definition(describe(stage_id)) for stage_id in DESCRIPTIONS]
    return [stage for stage in found if category in (None, stage["category"])]


def get_stage(stage_id: str) -> dict[str, Any]:
    """One entry of the catalogue; ``NotFoundError`` when it has none of that id."""
    current = current_id(stage_id)
    if current is None:
        raise NotFoundError.of("stage", stage_id)
    return _definition(describe(current))


def discover_stages(category: Category | None = None) -> list[dict[str, Any]]:
    """The catalogue with what helps to choose a stage."""
    return [stage | _advice(stage) for stage in list_stages(category)]


def _definition(about: StageDescription) -> dict[str, Any]:
    stage = STAGES.get(about.stage_id)
    definition: dict[str, Any] = {
        "stage_id": about.stage_id,
        "description": about.description,
        "category": about.category,
        "icon": about.icon,
        "available": stage is not None,
    }
    if stage is not None:
        definition["parameter_schema"] = stage.parameters.model_json_schema()
    return definition


def _advice(stage: dict[str, Any]) -> dict[str, Any]:
    examples = stage.get("parameter_schema", {}).get("examples") or [{}]
    return {
        "example_config": {"stage_id": stage["stage_id"], "parameters": examples[0]},
        "common_use_cases": [stage["description"]],
        "cost_tier": "moderate",
        "requires_collections": stage["category"] == "filter",
    }
