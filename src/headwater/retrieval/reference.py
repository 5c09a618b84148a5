"""``docs/reference/stages.md``, made from the stages themselves: ``python -m headwater.retrieval.reference`` writes it.

A test fails when it is stale.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from headwater.retrieval.catalogue import DESCRIPTIONS
from headwater.retrieval.registry import STAGES
from headwater.retrieval.stage import Stage
from headwater.retrieval.stages.parameters import StageParameters

_NOTE = "<!-- Made by `python -m headwater.retrieval.reference`; a test fails when it is stale. -->"
_HEAD = """# Stages

What each stage of a retriever takes; [the guide](../guides/stages.md) tells how they work together. A running server
answers with the same as JSON Schema on `GET /v1/retrievers/stages`. Parameters that are not listed are ignored, with a
warning; null is the same as leaving a parameter out."""
_BOUNDS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("maxItems", "at most"))


def page() -> str:
    """The page, in Markdown."""
    missing = ", ".join(f"`{stage_id}`" for stage_id in DESCRIPTIONS if stage_id not in STAGES)
    parts = [_NOTE, _HEAD, *map(_section, STAGES.values())]
    parts.append(f"## Not part of this deployment\n\nRefused with `NotEnabledError`: {missing}.")
    return "\n\n".join(parts) + "\n"


def _section(stage: Stage[Any]) -> str:
    schema = stage.parameters.model_json_schema()
    lines = [f"## {stage.stage_id}", f"{stage.description} Category `{stage.category}`."]
    lines += [f"```json\n{json.dumps(example)}\n```" for example in schema.get("examples", [])[:1]]
    lines.append(_table(schema, schema, stage.parameters))
    for name, inner in schema.get("$defs", {}).items():
        if "properties" in inner:
            lines += [f"`{name}`:", _table(inner, schema)]
    return "\n\n".join(lines)


def _table(part: dict[str, Any], schema: dict[str, Any], model: type[BaseModel] | None = None) -> str:
    return "\n".join(["| parameter | type | default | |\n|---|---|---|---|", *_rows(part, schema, model)])


def _rows(part: dict[str, Any], schema: dict[str, Any], model: type[BaseModel] | None) -> Iterator[str]:
    for name, field in part["properties"].items():
        names = " ".join(f"`{each}`" for each in (name, *_other_names(model, name)))
        default = "" if field.get("default") is None else f"`{json.dumps(field['default'])}`"
        shown = "required" if name in part.get("required", ()) else default
        about = field.get("description", "").replace("|", "\\|")
        yield f"| {names} | {_type(field, schema)} | {shown} | {about} |"


def _other_names(model: type[BaseModel] | None, name: str) -> list[str]:
    if model is None or not issubclass(model, StageParameters):
        return []
    return [other for other, declared in model.other_names.items() if declared == name]


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        field = schema["$defs"][name]
        if "properties" in field:
            return f"`{name}`"
    if "anyOf" in field:
        return " or ".join(_type(part, schema) for part in field["anyOf"] if part.get("type") != "null")
    if "enum" in field or "const" in field:
        return " ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    kind = str(field.get("type", "any"))
    if kind == "array":
        kind = f"list of {_type(field.get('items', {}), schema)}"
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS if key in field]
    return " ".join([kind, ", ".join(bounds)]).strip()


def main() -> None:
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference/stages.md").write_text(page())


if __name__ == "__main__":
    main()
