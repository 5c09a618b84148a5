"""The retriever that a stage of another one runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from headwater.catalog.tables.retrievers import find_retriever
from headwater.context import Context
from headwater.errors import NotFoundError, ValidationError
from headwater.retrieval.definition import Definition, definition_of
from headwater.retrieval.forms import check_stage, read_stages
from headwater.retrieval.inputs import read_schema

_PLACE: list[str | int] = ["body", "stages", "retriever_config"]


def nested_definition(context: Context, retriever: str | dict[str, Any], collection: str | None) -> Definition:
    """Of a stored retriever, by its id or name, or of one that is written out; over that collection if one is given.

    Raises ``NotFoundError`` and what reading its stages raises. Collections are looked for as the caller when it runs.
    """
    found = _stored(context, retriever) if isinstance(retriever, str) else _written(retriever)
    return found if collection is None else replace(found, collections=(collection,))


def _stored(context: Context, identifier: str) -> Definition:
    found = find_retriever(context.runtime.reader.connection, context.scope.namespace_row, identifier)
    if found is None:
        raise NotFoundError.of("retriever", identifier)
    return definition_of(found)


def _written(sent: dict[str, Any]) -> Definition:
    stages = read_stages(sent.get("stages"), [*_PLACE, "stages"])
    for number, stage in enumerate(stages):
        check_stage(stage, [*_PLACE, "stages", number])
    named = sent.get("collection_identifiers") or sent.get("collection_ids") or []
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise ValidationError.at(
            [*_PLACE, "collection_identifiers"], "collection_identifiers should be a list of ids or names", "list_type"
        )
    schema = read_schema(sent.get("input_schema"), [*_PLACE, "input_schema"])
    return Definition(tuple(stages), tuple(named), schema)
