"""The answer to an execution, in every part that clients read."""

from __future__ import annotations

from typing import Any

from headwater.retrieval.definition import Definition
from headwater.retrieval.outcome import Outcome, StageReport
from headwater.retrieval.paging import ResultPage
from headwater.retrieval.relaxing import Relaxation
from headwater.retrieval.templates import is_numbers, templates_in

#: Filters name what they have removed everything with.
_FILTERS = frozenset({"attribute_filter", "llm_filter", "feature_search"})


def execution_envelope(
    definition: Definition, outcome: Outcome, page: ResultPage, documents: list[dict[str, Any]], *, explain: bool
) -> dict[str, Any]:
    """Without the keys that only some answers have when there is nothing to say in them."""
    envelope: dict[str, Any] = {
        "retriever_id": definition.retriever_id,
        "execution_id": outcome.execution_id,
        "status": outcome.status,
        "documents": documents,
        # Clients read the one or the other.
        "results": documents,
        "pagination": page.shown,
        "stage_statistics": _statistics(outcome),
        "facets": outcome.facets,
        "budget": _budget(outcome),
        "warnings": outcome.warnings,
        "degraded": outcome.degraded,
        "limits": outcome.limits or None,
        "cache_hit": False,
        "cached_at": None,
        "optimization_applied": bool(outcome.pushed),
        "optimization_summary": _optimization(definition, outcome),
        "interpretation": interpretation(definition, outcome),
        "completeness": _completeness(outcome),
        "consistency_mode": "strong",
        "error": None if outcome.error is None else outcome.error.message,
    }
    diagnostics = _diagnostics(outcome)
    if diagnostics is not None:
        envelope["diagnostics"] = diagnostics
    if explain:
        envelope["explain_plan"] = _explain_plan(definition, outcome)
    return envelope


def _statistics(outcome: Outcome) -> dict[str, Any]:
    total = round(outcome.total_ms, 3)
    return {
        "stages": {report.stage_name: _stage_statistics(report) for report in outcome.stages},
        "total_time_ms": total,
        "credits_used": 0.0,
        "server_service_ms": total,
    }


def _stage_statistics(report: StageReport) -> dict[str, Any]:
    metadata = report.metadata
    return {
        "input_count": report.input_count,
        "output_count": report.output_count,
        "duration_ms": round(report.duration_ms, 3),
        "efficiency": round(report.output_count / report.input_count, 4) if report.input_count else 0,
        "cache_hit": False,
        "stage_cache_hit": False,
        "cached_at": None,
        "error": report.error,
        "llm_calls": None,
        "tokens_used": None,
        "metadata": metadata if report.skipped is None else metadata | {"skipped": report.skipped},
    }


def _budget(outcome: Outcome) -> dict[str, Any]:
    spent = round(outcome.total_ms, 3)
    return {
        "credits_used": 0.0,
        "credits_remaining": None,
        "credits_limit": None,
        "time_used_ms": spent,
        "time_elapsed_ms": spent,
    }


def _optimization(definition: Definition, outcome: Outcome) -> dict[str, Any] | None:
    if not outcome.pushed:
        return None
    before = len(definition.stages)
    after = before - len(outcome.pushed)
    return {
        "original_stage_count": before,
        "optimized_stage_count": after,
        "optimization_time_ms": 0.0,
        "rules_applied": ["push_down_filters"],
        "stage_reduction_pct": round(100 * (before - after) / before, 1),
    }


def interpretation(definition: Definition, outcome: Outcome) -> dict[str, Any]:
    """How the inputs were understood."""
    relaxations: list[Relaxation] = outcome.relaxations
    return {
        "provided_input_keys": outcome.inputs.provided,
        "inferred_inputs": outcome.inputs.inferred,
        "ignored_input_keys": ignored_inputs(definition, outcome.inputs.provided),
        "relaxations": relaxations,
    }


def ignored_inputs(definition: Definition, provided: list[str]) -> list[str]:
    """Inputs that no stage looks at."""
    stages = [[stage.parameters, stage.pre_filters] for stage in definition.stages]
    templates = list(templates_in(stages))
    if any(template.takes_all_inputs for template in templates):
        return []
    named = {name for template in templates for name in template.named_inputs} | set(_named_otherwise(stages))
    return [name for name in provided if name not in named]


def _named_otherwise(value: Any) -> list[str]:
    """Inputs that a stage names without a template: in an ``input_mapping`` or a dynamic value."""
    if isinstance(value, list) and not is_numbers(value):
        return [name for item in value for name in _named_otherwise(item)]
    if not isinstance(value, dict):
        return []
    found = [name for item in value.values() for name in _named_otherwise(item)]
    mapping, path = value.get("input_mapping"), value.get("field")
    if isinstance(mapping, dict):
        found += [name for name in mapping.values() if isinstance(name, str)]
    if value.get("type") == "dynamic" and isinstance(path, str):
        found += path.split(".")[1:2]
    return found


def _completeness(outcome: Outcome) -> dict[str, Any]:
    page = "partial" if outcome.degraded or outcome.limits else "complete"
    return {"embeddings": "complete", "page": page, "overall": page}


def _diagnostics(outcome: Outcome) -> dict[str, Any] | None:
    """Why nothing was found."""
    if outcome.hits or outcome.error is not None or not outcome.stages:
        return None
    emptied = next((report for report in outcome.stages if report.skipped is None and not report.output_count), None)
    stages = [
        {"stage_name": report.stage_name, "input_count": report.input_count, "output_count": report.output_count}
        for report in outcome.stages
    ]
    return {"summary": _summary(emptied), "stages": stages, "next_actions": _next_actions(emptied, outcome)}


def _summary(emptied: StageReport | None) -> str:
    if emptied is None:
        return "no stage was run, so nothing was found"
    if emptied.input_count:
        return f"the stage {emptied.stage_name!r} removed all {emptied.input_count} rows"
    return f"the stage {emptied.stage_name!r} found nothing"


def _next_actions(emptied: StageReport | None, outcome: Outcome) -> list[str]:
    actions = []
    if emptied is not None and emptied.stage_id in _FILTERS:
        actions.append(f"Loosen or remove the conditions of {emptied.stage_name!r} and of the request's filters")
    elif emptied is not None and emptied.input_count:
        actions.append(f"Look at the parameters of {emptied.stage_name!r}, and at what stage_statistics tells of it")
    elif emptied is not None:
        return [
            f"No stage before {emptied.stage_name!r} finds documents; begin with feature_search or attribute_filter"
        ]
    if outcome.pushed:
        actions.append(f"The conditions of {', '.join(outcome.pushed)} were part of the search; try without them")
    if outcome.inputs.provided:
        actions.append("Look at interpretation: inputs may be missing, or spelled otherwise than in the templates")
    return actions or ["Check that the collections hold documents, with the vectors that are searched"]


def _explain_plan(definition: Definition, outcome: Outcome) -> dict[str, Any]:
    stages = [
        {
            "stage_index": number,
            "stage_name": report.stage_name,
            "stage_id": report.stage_id,
            "input_count": report.input_count,
            "output_count": report.output_count,
            "duration_ms": round(report.duration_ms, 3),
            "skipped": report.skipped,
            "metadata": report.metadata,
        }
        for number, report in enumerate(outcome.stages)
    ]
    return {"stages": stages, "optimization": _optimization(definition, outcome), "collections": outcome.collection_ids}
