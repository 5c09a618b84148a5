"""A collection's ``document_schema``: JSON Schema draft-07 over the user fields of a stored document.

Schemas come from callers and run in the server, so what could hang or leave it is refused: references that
leave the schema (nothing is ever fetched), regular expressions that need backtracking (``pattern`` runs on a
linear-time engine), and schemas whose references multiply without end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import SchemaError
from jsonschema.exceptions import ValidationError as Violation
from jsonschema.validators import extend
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator, core_schema
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT7

from headwater.errors import ValidationError, ValidationItem

#: Stored with a document and sent to clients: enough to see what is wrong, not a second copy of the document.
_MAX_VIOLATIONS = 100
_MAX_MESSAGE = 300
#: References that one validation may follow. Nested ``allOf`` of references doubles the work at each level.
_MAX_REFERENCES = 20_000

_NO_FORMATS = FormatChecker(formats=())
#: References inside of references, so that Python's own limit is hardly ever reached.
_MAX_REFERENCE_DEPTH = 40
#: What a ``RecursionError`` becomes in the library's Rust part. It is no ``Exception``: it would end the process.
_PANIC = "PanicException"


@dataclass(slots=True)
class _Followed:
    """The references that a validation has followed, and how many it is inside of."""

    count: int = 0
    depth: int = 0


_followed: ContextVar[_Followed] = ContextVar("followed")


class _TooManyReferencesError(Exception):
    pass


@lru_cache(maxsize=1024)
def _pattern(pattern: str) -> SchemaValidator:
    """The Rust engine that pydantic brings: linear time, no look-around, no back-references."""
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))


def _finds(pattern: str, text: str) -> bool:
    return _pattern(pattern).isinstance_python(text)


def _check_pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Violation]:
    if isinstance(instance, str) and not _finds(pattern, instance):
        yield Violation(f"{instance!r} does not match {pattern!r}")


def _check_pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Violation]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if _finds(pattern, key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _check_additional(validator: Any, additional: Any, instance: Any, schema: Any) -> Iterator[Violation]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [key for key in instance if key not in known and not any(_finds(p, key) for p in patterns)]
    if isinstance(additional, dict):
        for key in extras:
            yield from validator.descend(instance[key], additional, path=key)
    elif not additional and extras:
        yield Violation(f"Additional properties are not allowed: {', '.join(map(repr, sorted(extras)[:10]))}")


def _identity(value: Any) -> Any:
    """Hashable, and equal exactly where JSON Schema's values are: 1 is 1.0 but not true."""
    if isinstance(value, dict):
        return ("object", frozenset((key, _identity(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_identity(item) for item in value))
    return (type(value) is bool, value)


def _check_unique(validator: Any, unique: Any, instance: Any, schema: Any) -> Iterator[Violation]:
    """The library compares every pair when items do not sort; this is linear."""
    if unique and isinstance(instance, list) and len({_identity(item) for item in instance}) < len(instance):
        yield Violation("the array has equal items")


def _check_reference(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[Violation]:
    followed = _followed.get()
    followed.count += 1
    if followed.count > _MAX_REFERENCES or followed.depth == _MAX_REFERENCE_DEPTH:
        raise _TooManyReferencesError
    followed.depth += 1
    yield from Draft7Validator.VALIDATORS["$ref"](validator, reference, instance, schema) or ()
    followed.depth -= 1


_DocumentValidator = extend(  # type: ignore[no-untyped-call]
    Draft7Validator,
    {
        "$ref": _check_reference,
        "additionalProperties": _check_additional,
        "pattern": _check_pattern,
        "patternProperties": _check_pattern_properties,
        "uniqueItems": _check_unique,
    },
)


def _refuse(message: str) -> ValidationError:
    location: list[str | int] = ["body", "document_schema"]
    return ValidationError.at(location, message, "invalid_schema", code="document_schema_invalid")


def _subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            yield current
            waiting.extend(DRAFT7.subresources_of(current))


def _check_parts(schema: dict[str, Any]) -> None:
    """Patterns compile and references resolve inside the schema."""
    base = schema.get("$id", "")
    resource: Resource[Any] = DRAFT7.create_resource(schema)
    resolver = Registry().with_resource(base, resource).resolver(base)
    for part in _subschemas(schema):
        for pattern in part.get("patternProperties", {}):
            _pattern(pattern)
        if "pattern" in part:
            _pattern(part["pattern"])
        reference = part.get("$ref")
        if isinstance(reference, str):
            if not reference.startswith("#"):
                raise _refuse(f"$ref {reference!r} leaves the schema; only #… is followed")
            resolver.lookup(reference)


@lru_cache(maxsize=256)
def _compile(encoded: bytes) -> Any:
    schema = orjson.loads(encoded)
    try:
        # No format checker: `format` is an annotation, and "regex" would be tried on Python's engine.
        Draft7Validator.check_schema(schema, format_checker=_NO_FORMATS)
        _check_parts(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path)) or "the schema"
        raise _refuse(f"{place} is not valid draft-07 JSON Schema: {error.message[:_MAX_MESSAGE]}") from error
    except Unresolvable as error:
        raise _refuse(f"$ref {error.ref!r} names nothing in the schema") from error
    except PatternError as error:
        raise _refuse(f"a pattern cannot be used: {error}"[:_MAX_MESSAGE]) from error
    return _DocumentValidator(schema, registry=Registry())


def check_document_schema(schema: dict[str, Any]) -> None:
    """Raise ``ValidationError`` unless the schema can be used; call it wherever one is set."""
    _compile(orjson.dumps(schema))


def _violation(error: Any) -> dict[str, str]:
    return {
        "path": ".".join(map(str, error.absolute_path)),
        "message": error.message[:_MAX_MESSAGE],
        "validator": str(error.validator),
    }


def _errors(document_schema: dict[str, Any], stored: dict[str, Any]) -> list[Any]:
    validator = _compile(orjson.dumps(document_schema))
    token = _followed.set(_Followed())
    try:
        found = []
        for error in validator.iter_errors(stored):
            found.append(error)
            if len(found) == _MAX_VIOLATIONS:
                break
        return found
    except BaseException as error:
        if not isinstance(error, RecursionError | _TooManyReferencesError) and type(error).__name__ != _PANIC:
            raise
        raise _refuse("the schema's references go round in circles or multiply beyond measure") from error
    except Unresolvable as error:
        raise _refuse(f"$ref {error.ref!r} cannot be resolved inside the schema") from error
    finally:
        _followed.reset(token)


def violations(document_schema: dict[str, Any], stored: dict[str, Any]) -> list[dict[str, str]]:
    """``{"path": "metadata.price", "message", "validator": "type"}`` for each violation (at most 100) of the
    stored document's user fields; the root's path is ``""``."""
    return [_violation(error) for error in _errors(document_schema, stored)]


def enforce(collection_body: dict[str, Any], stored: dict[str, Any], location: list[str | int]) -> list[dict[str, str]]:
    """Apply the collection's ``schema_validation``: ``off`` → ``[]``; ``warn`` → the violations, to be stored
    as ``_schema_violations``; ``strict`` → ``ValidationError`` with their places below ``location``."""
    schema, mode = collection_body.get("document_schema"), collection_body.get("schema_validation", "off")
    if not schema or mode not in ("warn", "strict"):
        return []
    errors = _errors(schema, stored)
    if mode == "strict" and errors:
        raise ValidationError([_item(error, location) for error in errors], code="document_schema_violated")
    return [_violation(error) for error in errors]


def _item(error: Any, location: list[str | int]) -> ValidationItem:
    place = [*location, *error.absolute_path]
    return {"type": f"schema.{error.validator}", "location": place, "message": error.message[:_MAX_MESSAGE]}
