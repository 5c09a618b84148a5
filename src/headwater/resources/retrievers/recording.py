"""What is kept of an execution: its answer without the documents, and what it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha1
from typing import Any

import msgspec
import orjson

from headwater import ids
from headwater.context import Context
from headwater.kit.clock import now_milliseconds, to_text
from headwater.retrieval.definition import Definition, Request
from headwater.store.commands.retrievers import Executed

#: Longer records lose what their stages say of themselves.
MAX_BYTES = 32_768
#: Of inputs, which may hold whole vectors.
MAX_INPUT_CHARACTERS = 4000
MAX_QUERY_CHARACTERS = 200
_LEFT_OUT = frozenset({"documents", "results", "execution_metadata", "cache_status", "explain_plan", "facets"})


def record(
    ctx: Context, definition: Definition, request: Request, envelope: Mapping[str, Any], retriever_row: int
) -> None:
    """Note the execution; it is written with others a moment later."""
    execution_id = envelope["execution_id"]
    body = _record(definition, request, envelope)
    content = msgspec.json.encode(body)
    if len(content) > MAX_BYTES:
        content = msgspec.json.encode(body | {"stage_statistics": None, "diagnostics": None, "warnings": []})
    ctx.runtime.executions.note(
        Executed(
            namespace_row=ctx.scope.namespace_row,
            retriever_row=retriever_row,
            execution_id=execution_id,
            status=envelope["status"],
            created_at=ids.executed_at(execution_id) or now_milliseconds(),
            body=content,
        )
    )


def _record(definition: Definition, request: Request, envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The answer, and members that begin with ``_`` for what only some of the routes show."""
    stages = envelope["stage_statistics"]["stages"]
    return {
        **{name: value for name, value in envelope.items() if name not in _LEFT_OUT},
        "created_at": to_text(ids.executed_at(envelope["execution_id"]) or now_milliseconds()),
        "completed_at": to_text(now_milliseconds()),
        "current_stage": None,
        "stages_completed": sum(1 for stage in stages.values() if stage["error"] is None),
        "total_stages": len(definition.stages),
        "documents": [],
        "documents_retained": False,
        "total_returned": len(envelope["documents"]),
        "_collection_ids": list(definition.collections),
        "_total_processed": sum(stage["output_count"] for stage in stages.values()),
        **_about_inputs(request.inputs),
    }


def _about_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    text = orjson.dumps(inputs, option=orjson.OPT_SORT_KEYS).decode()
    summary = next((value for value in inputs.values() if isinstance(value, str)), None)
    return {
        "_inputs": text if len(text) <= MAX_INPUT_CHARACTERS else text[:MAX_INPUT_CHARACTERS] + "…",
        "_inputs_hash": sha1(text.encode(), usedforsecurity=False).hexdigest(),
        "_query_summary": None if summary is None else summary[:MAX_QUERY_CHARACTERS],
    }
