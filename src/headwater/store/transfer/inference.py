"""A guess at what the fields of foreign rows are, from a sample of them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
import numpy as np

from headwater.kit.clock import from_text
from headwater.store.transfer.mapping import ENCODINGS, FieldType, Role, Target

#: Shorter lists of numbers are taken for values, not for vectors.
_SHORTEST_VECTOR = 8
#: Distinct values beyond which a field is of high cardinality.
_FEW = 20
_MAX_FIELDS = 2000
_NUMBERS = {"integer", "float"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")
_PLAIN: dict[type, FieldType] = {bool: "boolean", int: "integer", float: "float", type(None): "null"}


class InferredField(msgspec.Struct):
    path: str
    type: FieldType
    cardinality: str | None = None
    sample: Any = None
    dim: int | None = None
    dtype: str | None = None
    suggested_target: Target | None = None


def infer(rows: list[dict[str, Any]], dims: Mapping[str, int]) -> tuple[list[InferredField], list[str]]:
    """The fields by dotted path in the order of their first appearance, and what to look at twice."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for path, value in _leaves(row, ""):
            if path in values or len(values) < _MAX_FIELDS:
                values.setdefault(path, []).append(value)
    fields = [_field(path, found, dims) for path, found in values.items()]
    kinds = {path: _kinds(found, dims) for path, found in values.items()}
    warnings = [
        f"{path!r} has values of different types: {', '.join(sorted(found))}"
        for path, found in kinds.items()
        if len(found) > 1 and found != _NUMBERS
    ]
    return fields, warnings


def _kinds(values: list[Any], dims: Mapping[str, int]) -> set[str]:
    return {_type(value, dims)[0] for value in values if value is not None}


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, member in value.items():
        path = f"{prefix}{name}"
        if isinstance(member, dict) and member:
            yield from _leaves(member, f"{path}.")
        else:
            yield path, member


def _field(path: str, values: list[Any], dims: Mapping[str, int]) -> InferredField:
    present = [value for value in values if value is not None]
    kind, dimension, dtype = _type(present[0], dims) if present else ("null", None, None)
    if _kinds(present, dims) == _NUMBERS:
        kind = "float"
    field = InferredField(path, kind, dim=dimension, dtype=dtype)
    if kind not in ("vector", "object", "null"):
        field.cardinality = "low" if len({repr(value) for value in present}) <= min(_FEW, len(present) - 1) else "high"
    field.sample = None if kind == "vector" else present[0] if present else None
    field.suggested_target = _target(field, dims)
    return field


def _type(value: Any, dims: Mapping[str, int]) -> tuple[FieldType, int | None, str | None]:
    """The type, and for vectors the number of dimensions and the encoding."""
    if type(value) in _PLAIN:
        return _PLAIN[type(value)], None, None
    if isinstance(value, list):
        numbers = len(value) >= min([_SHORTEST_VECTOR, *dims.values()]) and {type(item) for item in value} <= {
            int,
            float,
        }
        return ("vector", len(value), None) if numbers else ("object", None, None)
    if not isinstance(value, str):
        return "object", None, None
    for dtype, form in ENCODINGS.items():
        dimension = _encoded_length(value, form)
        if dimension is not None and dimension in dims.values():
            return "vector", dimension, dtype
    return ("datetime" if _is_time(value) else "string"), None, None


def _encoded_length(text: str, form: str) -> int | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    size = np.dtype(form).itemsize
    return len(raw) // size if raw and len(raw) % size == 0 else None


def _is_time(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        from_text(text)
    except (ValueError, OverflowError):
        return False
    return True


def _target(field: InferredField, dims: Mapping[str, int]) -> Target:
    name = field.path.rpartition(".")[2]
    if name in get_args(Role):
        return Target("identity", role=name)  # type: ignore[arg-type]
    if field.type == "vector":
        fitting = [index for index, dimension in dims.items() if dimension == field.dim]
        index = fitting[0] if len(fitting) == 1 else name
        return Target("vector", index=index, dim=field.dim, dtype=field.dtype)
    if field.type == "null":
        return Target("ignore")
    path = field.path if field.path.startswith("metadata.") else f"metadata.{field.path}"
    return Target("metadata", path=path)
