"""Conditions about inputs that were not given: they are dropped, not compared with null, and the answer says so."""

from __future__ import annotations

from collections.abc import Container
from typing import Any, TypedDict

from headwater.errors import ValidationError
from headwater.retrieval.forms import StageForm
from headwater.retrieval.templates import is_numbers, templates_in

_GROUPS = frozenset({"AND", "OR", "NOT", "must", "should", "must_not"})
#: Parameters of stages that hold a filter, at any depth.
_FILTERS = frozenset({"filters", "filter", "pre_filters"})


class Relaxation(TypedDict):
    field: str
    template: str
    where: str


class Relaxer:
    """Takes filters as they were sent, templates included. ``relaxations`` fills up."""

    def __init__(self, given: Container[str]) -> None:
        self._given = given
        self.relaxations: list[Relaxation] = []

    def filter(self, sent: Any, where: str) -> Any:
        """The filter without what cannot be asked; None when nothing is left of it."""
        if not isinstance(sent, dict):
            return sent
        if _is_condition(sent):
            return self._condition(sent, where)
        kept = {key: left for key, value in sent.items() if (left := self._member(key, value, where)) is not _NOTHING}
        return kept if kept.keys() - {"case_sensitive"} or kept == sent else None

    def _member(self, key: str, value: Any, where: str) -> Any:
        if key in _GROUPS:
            left = self._group(value, where)
            return _NOTHING if left is None and value is not None else left
        value = _without_dynamic(value)
        return _NOTHING if self._lacks(key, value, where) else value

    def _group(self, value: Any, where: str) -> Any:
        if not isinstance(value, list):
            return self.filter(value, where)
        kept = [left for part in value if (left := self.filter(part, where)) is not None]
        return kept if kept or not value else None

    def _condition(self, sent: dict[str, Any], where: str) -> dict[str, Any] | None:
        condition = {key: _without_dynamic(value) for key, value in sent.items()}
        named = condition.get("field", condition.get("key"))
        return None if self._lacks(str(named), condition, where) else condition

    def _lacks(self, field: str, value: Any, where: str) -> bool:
        """Whether a template in the value needs an input that was not given."""
        for template in templates_in(value):
            if any(name not in self._given for name in template.needed_inputs):
                self.relaxations.append({"field": field, "template": template.text, "where": where})
                return True
        return False

    def parameters(self, stage: StageForm) -> dict[str, Any] | None:
        """The stage's parameters; None for a filter stage of whose filter nothing is left."""
        if stage.stage_id != "attribute_filter":
            relaxed: dict[str, Any] = self._inside(stage.parameters, stage.stage_name)
            return relaxed
        for keys in (("conditions",), ("AND", "OR", "NOT"), ("field", "operator", "value", "key")):
            sent = {key: stage.parameters[key] for key in keys if stage.parameters.get(key) is not None}
            if sent:
                return self._narrowing(stage, sent)
        return stage.parameters

    def _narrowing(self, stage: StageForm, sent: dict[str, Any]) -> dict[str, Any] | None:
        left = self.filter(sent.get("conditions", sent), stage.stage_name)
        if left is None:
            return None
        others = {key: value for key, value in stage.parameters.items() if key not in sent}
        return others | ({"conditions": left} if "conditions" in sent else left)

    def _inside(self, value: Any, where: str) -> Any:
        if isinstance(value, list) and not is_numbers(value):
            return [self._inside(item, where) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: self._member_of_parameters(key, item, where) for key, item in value.items()}

    def _member_of_parameters(self, key: str, item: Any, where: str) -> Any:
        if key == "retriever_config":
            # It has inputs of its own.
            return item
        return self.filter(item, where) if key in _FILTERS else self._inside(item, where)


_NOTHING = object()


def _is_condition(sent: dict[str, Any]) -> bool:
    if "key" in sent:
        return True
    return isinstance(sent.get("field"), str) and ("operator" in sent or "value" in sent)


def _without_dynamic(value: Any) -> Any:
    """``{"type": "dynamic", "field": "inputs.user_id"}`` is another way to write a template."""
    if not isinstance(value, dict) or value.get("type") != "dynamic":
        return value
    path = value.get("field")
    if not isinstance(path, str) or not all(step.isidentifier() for step in path.split(".")):
        shown = repr(path)[:80]
        message = f"a dynamic value names an input, as in 'inputs.user_id', not {shown}"
        raise ValidationError.at(["body", "stages"], message, "dynamic_value")
    return "{{" + path + "}}"
