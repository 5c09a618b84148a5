"""What the parameters of all stages have in common. Their models are what the catalogue of stages shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from headwater.http.models import LenientModel
from headwater.query.parsing import MAX_PATH_LENGTH

Direction = Literal["asc", "desc"]
_NULLS = (None, "null")
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number, not a boolean")
    return value


#: A number, also as a text: what a template makes of ``"{{INPUT.n}} "`` is one.
Integer = Annotated[int, BeforeValidator(_no_boolean)]
Number = Annotated[float, BeforeValidator(_no_boolean)]
Path = Annotated[str, Field(min_length=1, max_length=MAX_PATH_LENGTH)]


class StageParameters(LenientModel):
    """Unknown keys are dropped, for ``unknown_key_warnings``. Other names that clients use for a parameter are read
    too, and of two the one that is declared counts."""

    model_config = ConfigDict(allow_inf_nan=False)

    #: Parameters by the other names that clients have for them.
    other_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema: JsonSchemaValue = _with_bounds(super().__get_pydantic_json_schema__(core, handler))
        return schema

    @model_validator(mode="wrap")
    @classmethod
    def _read_names(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        """Around the validator that notes unknown keys, which must not see these."""
        return handler(cls._declared(data) if isinstance(data, dict) else data)

    @classmethod
    def _declared(cls, data: dict[str, Any]) -> dict[str, Any]:
        renamed = {cls.other_names[key]: value for key, value in data.items() if key in cls.other_names}
        declared = {key: value for key, value in data.items() if key not in cls.other_names}
        return {key: value for key, value in (renamed | declared).items() if not cls._is_absent(key, value)}

    @classmethod
    def _is_absent(cls, key: str, value: Any) -> bool:
        """The generated client writes ``"null"`` for what is not set."""
        if key not in cls._known_keys:
            return value in _NULLS
        return value == "null" and key in cls._nullable()

    @classmethod
    def _nullable(cls) -> set[str]:
        """Parameters that are nothing by default. Those with a default of their own read "null" as any other text."""
        fields = cls.model_fields.items()
        return {field.alias or name for name, field in fields if field.default is None and field.annotation is not Any}


def _with_bounds(schema: Any) -> Any:
    """Bounds of numbers that have a validator before them get into schemas by their Python names."""
    if isinstance(schema, list):
        return [_with_bounds(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = _BOUNDS if schema.get("type") in ("integer", "number") else {}
    return {named.get(key, key): _with_bounds(part) for key, part in schema.items()}


class CachedParameters(StageParameters):
    cache_behavior: str | None = Field(None, description="Read and ignored: nothing is cached between executions.")
    cache_ttl_seconds: Annotated[Integer, Field(ge=0)] | None = Field(None, description="As `cache_behavior`.")
