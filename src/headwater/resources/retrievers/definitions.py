"""From what clients send to what is stored, and from what is stored to what is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError as InvalidParameters

from headwater.catalog.tables.collections import Collection
from headwater.context import Context
from headwater.errors import ValidationError
from headwater.retrieval.forms import StageForm, check_stage, read_stages
from headwater.retrieval.inputs import breaking_changes, read_schema, stored_schema
from headwater.retrieval.registry import STAGES
from headwater.retrieval.search.targets import targets_of
from headwater.retrieval.templates import is_template
from headwater.tenancy.access import access_collection

_BODY: list[str | int] = ["body"]


def checked_stages(
    context: Context, sent: Any, collections: Sequence[Collection], location: list[str | int] = _BODY
) -> list[StageForm]:
    """The stages, each as far as it can be judged before it is run. Raises ``ValidationError``, ``NotFoundError`` for
    collections that a stage names, and ``NotEnabledError`` for stages that this deployment has not."""
    place = [*location, "stages"]
    stages = read_stages(sent, place)
    for number, stage in enumerate(stages):
        check_stage(stage, [*place, number])
        _check_features(context, stage, collections, [*place, number])
    return stages


def reached_collections(context: Context, identifiers: Sequence[str]) -> list[Collection]:
    """``NotFoundError`` for the first that is not there."""
    return [access_collection(context, identifier) for identifier in dict.fromkeys(identifiers)]


def _check_features(
    context: Context, stage: StageForm, collections: Sequence[Collection], location: list[str | int]
) -> None:
    """Features that are named outright must be there, unless no document has brought any vector yet."""
    for number, search in enumerate(_searches(stage)):
        named = search.collection_identifiers
        searched = collections if named is None else reached_collections(context, named)
        if not is_template(search.feature_uri) and any(one.body.get("vectors") for one in searched):
            place = [*location, "parameters", "searches", number, "feature_uri"]
            targets_of(context, searched, search.feature_uri, place)


def _searches(stage: StageForm) -> Iterator[Any]:
    """The searches of a stage whose parameters can be read before templates are filled in."""
    if stage.stage_id != "feature_search":
        return
    try:
        parameters: Any = STAGES[stage.stage_id].parameters.model_validate(stage.parameters)
    except InvalidParameters:
        return
    for search in parameters.searches:
        if search.collection_identifiers is None:
            search.collection_identifiers = parameters.collection_identifiers
        if not any(map(is_template, search.collection_identifiers or ())):
            yield search


def checked_schema(sent: Any, location: list[str | int] = _BODY) -> dict[str, Any]:
    """The input schema in the form that is stored."""
    return stored_schema(read_schema(sent, [*location, "input_schema"]))


def check_compatible(before: dict[str, Any], after: dict[str, Any]) -> None:
    """``ValidationError`` unless executions that fit the schema before fit the one after."""
    location: list[str | int] = ["body", "input_schema"]
    breaking = breaking_changes(read_schema(before, location), read_schema(after, location))
    if breaking:
        message = f"input_schema: {'; '.join(breaking)}; clone the retriever for such a change"
        raise ValidationError.at(location, message, "breaking_change", code="input_schema_breaking")
