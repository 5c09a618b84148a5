"""What an execution would do, by what is known without running it."""

from __future__ import annotations

from typing import Any

import apsw

from headwater.catalog.tables.collections import document_count
from headwater.context import Context
from headwater.resources.retrievers.service import access_retriever
from headwater.retrieval.definition import definition_of
from headwater.retrieval.forms import StageForm
from headwater.tenancy.access import access_collection, access_collections

#: Milliseconds that a stage usually takes, by its id, and all others.
_USUAL = {"feature_search": 5.0, "rerank": 200.0, "mmr": 4.0, "document_enrich": 3.0, "deduplicate": 3.0}
_USUAL_OTHERWISE = 1.0
#: A stage that takes so much of the slowest one's time is one of the bottlenecks.
_BOTTLENECK = 0.8
_SIZES = ("final_top_k", "top_k", "top_n", "limit")


async def explain_retriever(ctx: Context, identifier: str) -> dict[str, Any]:
    """The stages with estimates of their rows and times."""
    retriever = access_retriever(ctx, identifier)
    definition = definition_of(retriever)
    documents = _documents(ctx.runtime.reader.connection, ctx, definition.collections)
    stages = _plan(definition.stages, documents)
    slowest = max(stage["estimated_duration_ms"] for stage in stages)
    pushed = [stage["stage_name"] for stage in stages if stage["optimization_notes"]]
    return {
        "retriever_id": retriever.retriever_id,
        "retriever_name": retriever.retriever_name,
        "estimated_cost": {
            "total_credits": 0.0,
            "total_duration_ms": sum(stage["estimated_duration_ms"] for stage in stages),
        },
        "execution_plan": stages,
        "optimization_suggestions": _suggestions(definition.stages),
        "total_estimated_stages": len(stages),
        "bottleneck_stages": [
            stage["stage_name"] for stage in stages if stage["estimated_duration_ms"] >= _BOTTLENECK * slowest
        ],
        "optimization_level": "mvp",
        "optimization_applied": bool(pushed),
        "optimization_details": {"push_down_filters": pushed} if pushed else None,
    }


def _documents(connection: apsw.Connection, ctx: Context, identifiers: tuple[str, ...]) -> int:
    searched = [access_collection(ctx, name) for name in identifiers] if identifiers else access_collections(ctx)
    return sum(document_count(connection, collection.collection_row) for collection in searched)


def _plan(stages: tuple[StageForm, ...], documents: int) -> list[dict[str, Any]]:
    plan = []
    rows = documents
    for number, stage in enumerate(stages):
        left = min(rows if stage.stage_id != "feature_search" else documents, _size(stage))
        plan.append(_stage(number, stage, rows, left, pushed=_is_pushed(stages, number)))
        rows = left
    return plan


def _is_pushed(stages: tuple[StageForm, ...], number: int) -> bool:
    """A filter that a search follows directly becomes part of it, if only filters stand before."""
    if any(stage.stage_id != "attribute_filter" for stage in stages[: number + 1]):
        return False
    following = next((stage for stage in stages[number:] if stage.stage_id != "attribute_filter"), None)
    return following is not None and following.stage_id == "feature_search"


def _size(stage: StageForm) -> int:
    """The rows that a stage leaves at most, as far as its parameters say."""
    sent = (stage.parameters.get(name) for name in _SIZES)
    return next((value for value in sent if isinstance(value, int)), 25 if stage.stage_id == "feature_search" else 5000)


def _stage(number: int, stage: StageForm, rows: int, left: int, *, pushed: bool) -> dict[str, Any]:
    return {
        "stage_index": number,
        "stage_name": stage.stage_name,
        "stage_type": stage.stage_type,
        "estimated_input": rows,
        "estimated_output": rows if pushed else left,
        "estimated_efficiency": round(left / rows, 4) if rows else 0.0,
        "estimated_cost_credits": 0.0,
        "estimated_duration_ms": 0.0 if pushed else _USUAL.get(stage.stage_id, _USUAL_OTHERWISE),
        "cache_likely": False,
        "optimization_notes": ["becomes a filter of the search that follows"] if pushed else [],
        "warnings": [],
    }


def _suggestions(stages: tuple[StageForm, ...]) -> list[dict[str, Any]]:
    """A filter behind a search looks at its rows only; in front of it, at all documents."""
    found = []
    searched = False
    for stage in stages:
        if stage.stage_id == "attribute_filter" and searched:
            message = "move it in front of the search, or into its pre_filters, so that the search finds enough rows"
            found.append({"type": "push_down_filters", "stage": stage.stage_name, "message": message})
        searched = searched or stage.stage_id == "feature_search"
    return found
