"""The inputs of a run: what the input schema says about them, and what becomes of those that were sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pydantic

from headwater.errors import ValidationError
from headwater.http.envelope import validation_items
from headwater.http.models import LenientModel
from headwater.query import instant

MAX_FIELDS = 200
InputType = Literal[
    "string",
    "number",
    "integer",
    "float",
    "boolean",
    "object",
    "array",
    "date",
    "datetime",
    "text",
    "image",
    "audio",
    "video",
    "pdf",
    "excel",
    "document_reference",
]
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


class InputField(LenientModel):
    """What one input may be."""

    model_config = pydantic.ConfigDict(extra="allow")

    type: InputType = pydantic.Field(description="The type; texts that say a number or a boolean are read as such.")
    description: str | None = None
    required: bool = pydantic.Field(False, description="A run without it, and without a default, is refused.")
    default: Any = None
    examples: list[Any] | None = None
    enum: list[Any] | None = pydantic.Field(None, description="Its possible values.")
    items: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


InputSchema = Mapping[str, InputField]


@dataclass(frozen=True)
class Inputs:
    values: dict[str, Any] = field(default_factory=dict)
    provided: list[str] = field(default_factory=list)
    #: Values that the schema's defaults gave.
    inferred: dict[str, Any] = field(default_factory=dict)


def read_schema(sent: Any, location: list[str | int]) -> dict[str, InputField]:
    """The fields of an input schema, also of one in the words of JSON Schema. Raises ``ValidationError``."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise ValidationError.at(location, "input_schema should be a JSON object", "dict_type")
    required: Any = ()
    if isinstance(sent.get("properties"), dict) and sent.get("type", "object") in ("object", None):
        required = sent.get("required") or ()
        sent = sent["properties"]
    if len(sent) > MAX_FIELDS:
        raise ValidationError.at(location, f"input_schema: at most {MAX_FIELDS} inputs, not {len(sent)}", "too_long")
    return {name: _read_field(name, about, name in required, location) for name, about in sent.items()}


def _read_field(name: str, about: Any, required: bool, location: list[str | int]) -> InputField:
    try:
        found = InputField.model_validate(about)
    except pydantic.ValidationError as error:
        raise ValidationError(validation_items(error.errors(), *location, name)) from None
    if required and not found.required:
        found = found.model_copy(update={"required": True})
    if found.default is not None:
        _coerced(name, found, found.default, [*location, name, "default"])
    return found


def stored_schema(schema: InputSchema) -> dict[str, dict[str, Any]]:
    """As it is kept and shown: with the keys that were set."""
    return {name: about.model_dump(exclude_unset=True) for name, about in schema.items()}


def read_inputs(schema: InputSchema, sent: Mapping[str, Any]) -> Inputs:
    """Every input by its type, with defaults. Raises ``ValidationError`` for those that are missing or do not fit."""
    values, inferred = dict(sent), {}
    for name, about in schema.items():
        location: list[str | int] = ["body", "inputs", name]
        if sent.get(name) is not None:
            values[name] = _coerced(name, about, sent[name], location)
        elif about.default is not None:
            values[name] = inferred[name] = about.default
        elif about.required:
            message = f"the input {name!r} is missing; the retriever's input_schema requires it"
            raise ValidationError.at(location, message, "missing", code="input_missing")
    return Inputs(values, list(sent), inferred)


def _coerced(name: str, about: InputField, value: Any, location: list[str | int]) -> Any:
    try:
        found = _READERS.get(about.type, _same)(value)
    except (TypeError, ValueError, OverflowError):
        shown = repr(value)[:80]
        message = f"the input {name!r} should be of type {about.type}, not {shown}"
        raise ValidationError.at(location, message, "input_type") from None
    if about.enum and found not in about.enum:
        message = f"the input {name!r} should be one of {', '.join(map(repr, about.enum))[:200]}, not {found!r:.80}"
        raise ValidationError.at(location, message, "input_enum")
    return found


def _same(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        raise TypeError
    return str(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return int(value) if value.strip().lstrip("+-").isdigit() else number


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _float(value: Any) -> float:
    return float(_number(value))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    folded = str(value).strip().lower()
    if folded in _TRUE:
        return True
    if folded in _FALSE:
        return False
    raise ValueError


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _moment(value: Any) -> str:
    if not isinstance(value, str) or instant(value) is None:
        raise ValueError
    return value


def _reference(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(value.get(key), str) for key in _REFERENCE):
        raise TypeError
    return value


_REFERENCE = ("collection_id", "document_id")
_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "number": _number,
    "integer": _integer,
    "float": _float,
    "boolean": _boolean,
    "object": _object,
    "array": _array,
    "date": _moment,
    "datetime": _moment,
    "document_reference": _reference,
}


def breaking_changes(before: InputSchema, after: InputSchema) -> list[str]:
    """What clients that know the schema before could not do any more, a sentence each."""
    found = [f"{name} is gone" for name in before if name not in after]
    for name, about in after.items():
        known = before.get(name)
        if known is not None and known.type != about.type:
            found.append(f"{name} changes its type from {known.type} to {about.type}")
        if about.required and about.default is None and (known is None or not known.required):
            found.append(f"{name} becomes required")
    return found
