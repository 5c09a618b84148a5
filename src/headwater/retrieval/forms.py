"""The forms in which clients write a stage, and the one that is stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, get_args

import pydantic

from headwater.errors import ValidationError
from headwater.http.envelope import validation_items
from headwater.http.models import LenientModel, unknown_key_warnings
from headwater.retrieval.catalogue import DESCRIPTIONS
from headwater.retrieval.registry import STAGES, current_id, describe, require_stage
from headwater.retrieval.stage import Category
from headwater.retrieval.templates import is_template, templates_in

MAX_STAGES = 50
MAX_NAME_LENGTH = 200
OnError = Literal["error", "skip"]
_CATEGORIES = get_args(Category)
#: Keys of a stage that are not parameters, also where parameters are written beside them.
_OWN_KEYS = frozenset(
    {
        "stage_name",
        "name",
        "stage_type",
        "stage_id",
        "stage",
        "type",
        "config",
        "parameters",
        "pre_filters",
        "post_filters",
        "version",
        "batch_size",
        "description",
        "on_error",
        "output_alias",
    }
)
Location = list[str | int]


@dataclass(frozen=True)
class StageForm:
    """A stage as it is written, whatever its form was. Templates in it are as they were sent."""

    stage_name: str
    stage_id: str
    stage_type: Category
    parameters: dict[str, Any] = field(default_factory=dict)
    pre_filters: Any = None
    batch_size: str | int | None = None
    description: str | None = None
    on_error: OnError = "error"
    output_alias: str | None = None

    def stored(self) -> dict[str, Any]:
        """The canonical form; ``read_stages`` reads it back."""
        config = {"stage_id": self.stage_id, "parameters": self.parameters}
        if self.pre_filters is not None:
            config["pre_filters"] = self.pre_filters
        optional = {
            "batch_size": self.batch_size,
            "description": self.description,
            "on_error": None if self.on_error == "error" else self.on_error,
            "output_alias": self.output_alias,
        }
        shown = {name: value for name, value in optional.items() if value is not None}
        return {"stage_name": self.stage_name, "stage_type": self.stage_type, "config": config, **shown}


def shown_stage(stored: Mapping[str, Any]) -> dict[str, Any]:
    """As answers show it: generated clients want the parameters at the stage, too."""
    return {**stored, "parameters": stored["config"]["parameters"]}


def read_stages(sent: Any, location: Location) -> list[StageForm]:
    """The stages of a request. Raises ``ValidationError`` with the place of what cannot be read."""
    if not isinstance(sent, list) or not sent:
        raise ValidationError.at(location, "stages: should be a list with at least one stage", "too_short")
    if len(sent) > MAX_STAGES:
        raise ValidationError.at(location, f"stages: at most {MAX_STAGES} stages, not {len(sent)}", "too_long")
    stages = [_read(stage, [*location, number]) for number, stage in enumerate(sent)]
    return _with_own_names(stages)


def _with_own_names(stages: list[StageForm]) -> list[StageForm]:
    """Statistics and templates tell stages by their names: the second ``find`` is ``find_2`` there."""
    taken: set[str] = set()
    named = []
    for stage in stages:
        name, number = stage.stage_name, 1
        while name in taken:
            number += 1
            name = f"{stage.stage_name}_{number}"
        taken.add(name)
        named.append(stage if name == stage.stage_name else _renamed(stage, name))
    return named


def _renamed(stage: StageForm, name: str) -> StageForm:
    return StageForm(**{**stage.__dict__, "stage_name": name})


def _read(stage: Any, location: Location) -> StageForm:
    if not isinstance(stage, dict):
        raise ValidationError.at(location, "a stage should be a JSON object", "dict_type")
    config = stage.get("config") or {}
    if not isinstance(config, dict):
        raise ValidationError.at([*location, "config"], "config should be a JSON object", "dict_type")
    stage_id = _stage_id(stage, config, location)
    common = _Common.read(stage, location)
    return StageForm(
        stage_name=common.stage_name or common.name or stage_id,
        stage_id=stage_id,
        stage_type=_stage_type(stage.get("stage_type"), stage_id),
        parameters=_parameters(stage, config, location),
        pre_filters=_first(config.get("pre_filters"), stage.get("pre_filters")),
        batch_size=common.batch_size,
        description=common.description,
        on_error=common.on_error,
        output_alias=common.output_alias,
    )


class _Common(LenientModel):
    """What a stage has in each of its forms."""

    stage_name: str | None = pydantic.Field(None, min_length=1, max_length=MAX_NAME_LENGTH)
    name: str | None = pydantic.Field(None, min_length=1, max_length=MAX_NAME_LENGTH)
    batch_size: str | int | None = None
    description: str | None = None
    on_error: OnError = "error"
    output_alias: str | None = pydantic.Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=MAX_NAME_LENGTH)

    @classmethod
    def read(cls, stage: dict[str, Any], location: Location) -> _Common:
        try:
            return cls.model_validate(stage)
        except pydantic.ValidationError as error:
            raise ValidationError(validation_items(error.errors(), *location)) from None


def _stage_id(stage: dict[str, Any], config: dict[str, Any], location: Location) -> str:
    """By the first of the keys that name a stage; ``type`` and ``stage_name`` may say something else."""
    for named in (config.get("stage_id"), config.get("stage_name"), stage.get("stage_id"), stage.get("stage")):
        if named is not None:
            return _known(named, location)
    for named in (stage.get("type"), stage.get("stage_name"), stage.get("name")):
        if isinstance(named, str) and (current := current_id(named)) is not None:
            return current
    message = f"a stage needs config.stage_id; there are {', '.join(STAGES)}"
    raise ValidationError.at([*location, "config", "stage_id"], message, "missing")


def _known(stage_id: Any, location: Location) -> str:
    current = current_id(stage_id) if isinstance(stage_id, str) else None
    if current is None:
        message = f"unknown stage_id {repr(stage_id)[:80]}; {_meant(stage_id)}there are {', '.join(STAGES)}"
        raise ValidationError.at([*location, "config", "stage_id"], message, "unknown_stage")
    return current


def _meant(stage_id: Any) -> str:
    close = get_close_matches(str(stage_id)[:80], DESCRIPTIONS, n=1)
    return f"did you mean {close[0]}? " if close else ""


def _stage_type(sent: Any, stage_id: str) -> Category:
    """What the client says if clients can read it back; one of theirs is called ``group``."""
    if sent == "group":
        return "reduce"
    return sent if sent in _CATEGORIES else describe(stage_id).category


def _parameters(stage: dict[str, Any], config: dict[str, Any], location: Location) -> dict[str, Any]:
    found = _first(config.get("parameters"), stage.get("parameters"))
    if found is None:
        return {name: value for name, value in stage.items() if name not in _OWN_KEYS}
    if not isinstance(found, dict):
        raise ValidationError.at([*location, "config", "parameters"], "parameters should be a JSON object", "dict_type")
    return found


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def check_stage(stage: StageForm, location: Location) -> None:
    """Before it is stored: whether this deployment has the stage and the parameters can be right.

    What a template will make of them is not known yet, so only its form is looked at.
    """
    parameters = require_stage(stage.stage_id).parameters
    for _ in templates_in([stage.parameters, stage.pre_filters]):
        pass
    try:
        parameters.model_validate(stage.parameters)
    except pydantic.ValidationError as error:
        problems = [problem for problem in error.errors() if not _depends_on_input(problem.get("input"))]
        if problems:
            raise ValidationError(validation_items(problems, *location, "parameters")) from None


def _depends_on_input(value: Any) -> bool:
    return is_template(value) or next(templates_in(value), None) is not None


def read_parameters(
    stage: StageForm, rendered: Mapping[str, Any], location: Location
) -> tuple[pydantic.BaseModel, list[str]]:
    """The parameters of a run, their templates filled in, and what to warn of."""
    try:
        parameters = require_stage(stage.stage_id).parameters.model_validate(rendered)
    except pydantic.ValidationError as error:
        raise ValidationError(validation_items(error.errors(), *location, "parameters")) from None
    if not isinstance(parameters, LenientModel):
        return parameters, []
    return parameters, [f"{stage.stage_name}: {warning}" for warning in unknown_key_warnings(parameters)]
