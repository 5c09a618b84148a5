"""Base models of request bodies. For every optional field, ``null`` means the same as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, PrivateAttr, ValidationError, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

#: What JSON Schema says about a field besides its form.
_ABOUT_A_FIELD = {"title", "description", "default", "examples", "deprecated"}


def _accepts_null(annotation: Any) -> bool:
    return annotation is None or annotation is type(None) or annotation is Any or type(None) in _members(annotation)


def _members(annotation: Any) -> tuple[Any, ...]:
    members = getattr(annotation, "__args__", ())
    return tuple(member for member in members if not isinstance(member, str))


class _Model(BaseModel):
    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())

    #: Wire names of optional fields for which null cannot be a value of its own, so it is dropped.
    _null_is_absent: ClassVar[frozenset[str]] = frozenset()
    #: Every wire name that the model reads.
    _known_keys: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        names: set[str] = set()
        nullable: set[str] = set()
        for name, field in cls.model_fields.items():
            wire = {name, field.alias or name}
            names |= wire
            if not field.is_required() and not _accepts_null(field.annotation):
                nullable |= wire
        cls._known_keys, cls._null_is_absent = frozenset(names), frozenset(nullable)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            return {key: item for key, item in data.items() if item is not None or key not in cls._null_is_absent}
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say of each optional field that null may be sent for it."""
        schema = handler.resolve_ref_schema(handler(core))
        properties = schema.get("properties", {})
        for name in cls._null_is_absent & properties.keys():
            properties[name] = _or_null(properties[name])
        return schema


def _or_null(field: dict[str, Any]) -> dict[str, Any]:
    about = {key: field[key] for key in field.keys() & _ABOUT_A_FIELD}
    form = {key: item for key, item in field.items() if key not in about}
    return {"anyOf": [form, {"type": "null"}], **about} if form else about


class ClosedModel(_Model):
    """A body that changes data: an unknown key is refused (422 ``extra_forbidden``), for it may be a typo.

    A field typed ``X | None`` keeps a sent null; ``model_fields_set`` tells it from an absent one.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, data: Any) -> Any:
        """Name what is accepted, which the framework's own message does not."""
        if isinstance(data, dict) and cls.model_config.get("extra") == "forbid":
            unknown = [key for key in data if key not in cls._known_keys]
            if unknown:
                message = f"unknown key; accepted are {', '.join(sorted(cls._known_keys))}"
                raise refused_keys(cls, data, unknown, "extra_forbidden", message)
        return data


def refused_keys(
    model: type[BaseModel], data: dict[str, Any], keys: Iterable[str], kind: str, message: str
) -> ValidationError:
    """An error that a validator of the whole body raises, placed at these of its keys."""
    # The message is an argument, for braces in it must not be read as places to fill in.
    error = PydanticCustomError(kind, "{message}", {"message": message})
    return ValidationError.from_exception_data(
        model.__name__, [InitErrorDetails(type=error, loc=(key,), input=data[key]) for key in keys]
    )


class OpenModel(_Model):
    """A body whose further keys are fields of the caller's own: they are kept in ``model_extra``."""

    model_config = ConfigDict(extra="allow")


class LenientModel(_Model):
    """A body that only reads: unknown keys are dropped. Routes name them in their ``warnings``, if they have any."""

    model_config = ConfigDict(extra="ignore")

    _unknown: list[str] = PrivateAttr(default_factory=list)

    @model_validator(mode="wrap")
    @classmethod
    def _note_unknown(cls, data: Any, handler: Callable[[Any], Self]) -> Self:
        model = handler(data)
        if isinstance(data, dict):
            model._unknown = [key for key in data if key not in cls._known_keys]
        return model

    def unknown_keys(self) -> list[str]:
        """The keys of the body that were dropped, in their order."""
        return self._unknown


def unknown_key_warnings(model: LenientModel) -> list[str]:
    """One sentence for each dropped key, for the answer's ``warnings``."""
    return [f"unknown key {key!r} was ignored" for key in model.unknown_keys()]
