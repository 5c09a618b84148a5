"""What the fields of foreign rows become: user fields, vectors, ids and ancestors of documents.

A mapping is checked as a whole (``check``) and then applied to row after row (``Mapping.body``). The outcome is the
body of a document as a create takes it, so nothing else has to know about rows of other systems.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from collections.abc import Mapping as Map
from typing import Any, Literal

import msgspec
import numpy as np

from headwater.errors import ValidationError
from headwater.store.documents.projection import RESERVED
from headwater.store.transfer.paths import MISSING, value_at

TargetKind = Literal["metadata", "vector", "identity", "parent", "ignore"]
Role = Literal[
    "root_object_id",
    "root_bucket_id",
    "source_object_id",
    "source_document_id",
    "source_collection_id",
    "document_id",
    "content_hash",
]
FieldType = Literal["string", "integer", "float", "boolean", "datetime", "vector", "object", "null"]

#: Encodings of vectors that are not lists of numbers, with the NumPy type of their bytes.
ENCODINGS = {"float16-base64": "<f2", "float32-base64": "<f4", "float64-base64": "<f8"}


class Target(msgspec.Struct):
    """What a field becomes; which of the members count depends on the kind."""

    kind: TargetKind
    path: str | None = None
    index: str | None = None
    dim: int | None = None
    dtype: str | None = None
    role: Role | None = None
    chain_position: int | None = None
    expected_type: FieldType | None = None


class MappedField(msgspec.Struct):
    source_field: str
    target: Target


class Mapping(msgspec.Struct):
    fields: list[MappedField] = []
    source_type: Literal["bucket", "collection"] | None = None
    #: Members of each step of the lineage chain, or of the step at a position: ``{"0": {…}, "1": {…}}``.
    chain_template: dict[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return not self.fields


class Explode(msgspec.Struct):
    """Each element of the array at ``axis`` becomes a row: the whole object, with the element in the array's place."""

    axis: str
    #: The array of the vectors' rows, and the field that they share with the elements.
    join_array: str | None = None
    join_key: str = ""
    join_index: str = ""
    join_field: str = "vector_b64"


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a mapping; ``field`` is None when it is the whole of it."""

    field: str | None
    error: str


def check(mapping: Mapping, types: Map[str, str], dims: Map[str, int]) -> Iterator[Problem]:
    """Everything that is wrong. ``types`` are the source's fields, ``dims`` known indexes; either may be empty."""
    seen: dict[tuple[Any, ...], str] = {}
    for field in mapping.fields:
        for error in _field_problems(field, types, dims):
            yield Problem(field.source_field, error)
        place = _place(field)
        if place is not None and seen.setdefault(place, field.source_field) != field.source_field:
            yield Problem(field.source_field, f"goes where {seen[place]!r} goes already; map one of them elsewhere")
    positions = sorted(field.target.chain_position or 0 for field in mapping.fields if field.target.kind == "parent")
    if positions != list(range(len(positions))):
        yield Problem(None, f"chain positions must be 0, 1, 2, … without a gap, not {positions}")


def _place(field: MappedField) -> tuple[Any, ...] | None:
    target = field.target
    places = {
        "metadata": ("metadata", target.path or field.source_field),
        "vector": ("vector", target.index),
        "identity": ("identity", target.role),
        "parent": ("parent", target.chain_position),
    }
    return places.get(target.kind)


def _field_problems(field: MappedField, types: Map[str, str], dims: Map[str, int]) -> Iterator[str]:
    target, found = field.target, types.get(field.source_field)
    if types and found is None:
        yield f"is not among the source's fields; it has {', '.join(list(types)[:20])}"
    if target.expected_type is not None and found is not None and found != target.expected_type:
        yield f"is {found}, but its target requires {target.expected_type}"
    if target.kind == "metadata":
        yield from _path_problems(target.path or field.source_field)
    elif target.kind == "vector":
        yield from _vector_problems(target, found, dims)
    elif target.kind == "identity" and target.role is None:
        yield "needs a role, such as document_id"
    elif target.kind == "parent" and (target.chain_position is None or target.chain_position < 0):
        yield "needs a chain_position, 0 for the root"


def _path_problems(path: str) -> Iterator[str]:
    steps = path.split(".")
    if not all(steps):
        yield f"has the target path {path!r}, which has an empty step"
    elif path == "metadata" or (steps[0] in RESERVED and steps[0] != "metadata"):
        yield f"has the target path {path!r}, which documents use themselves; put it under metadata"


def _vector_problems(target: Target, found: str | None, dims: Map[str, int]) -> Iterator[str]:
    if not target.index:
        yield "needs the name of a vector index"
        return
    if target.dtype is not None and target.dtype not in ENCODINGS:
        yield f"has the dtype {target.dtype!r}; known are {', '.join(ENCODINGS)}, none for lists of numbers"
    if found is not None and found not in ("vector", "string"):
        yield f"is {found}, not a vector"
    known = dims.get(target.index)
    if dims and known is None:
        yield f"goes to the index {target.index!r}; known are {', '.join(dims)}"
    elif known is not None and target.dim is not None and target.dim != known:
        yield f"has {target.dim} dimensions, but the index {target.index!r} has {known}"


# --- applying ----------------------------------------------------------------


def exploded(row: dict[str, Any], explode: Explode) -> Iterator[dict[str, Any]]:
    """The rows of one object. Raises ``ValidationError`` when there is no array at the axis."""
    elements = value_at(row, explode.axis)
    if not isinstance(elements, list):
        message = f"explode_axis {explode.axis!r} leads to no array"
        raise ValidationError.at(["body", "explode", "explode_axis"], message, "explode_axis")
    for element in elements:
        yield _with_element(row, explode.axis.split("."), element)


def _with_element(row: dict[str, Any], steps: list[str], element: Any) -> dict[str, Any]:
    if len(steps) == 1:
        return {**row, steps[0]: element}
    return {**row, steps[0]: _with_element(row[steps[0]], steps[1:], element)}


def joined_vector(row: dict[str, Any], explode: Explode, dims: Map[str, int]) -> dict[str, list[float]]:
    """The vector that belongs to an exploded row, by index name; none when no row of the array has its key."""
    if explode.join_array is None:
        return {}
    key = value_at(value_at(row, explode.axis), explode.join_key)
    candidates = value_at(row, explode.join_array)
    for candidate in candidates if isinstance(candidates, list) else ():
        if key is not MISSING and value_at(candidate, explode.join_key) == key:
            value = value_at(candidate, explode.join_field)
            return {explode.join_index: _numbers(value, None, dims.get(explode.join_index), explode.join_field)}
    return {}


def apply(mapping: Mapping, row: dict[str, Any], own_step: dict[str, Any]) -> dict[str, Any]:
    """The body of the row's document. ``own_step`` is its own step of a lineage chain."""
    body: dict[str, Any] = {}
    ancestors: dict[int, Any] = {}
    for field in mapping.fields:
        value = value_at(row, field.source_field)
        if value is MISSING:
            continue
        target = field.target
        if target.kind == "metadata":
            _set(body, (target.path or field.source_field).split("."), value)
        elif target.kind == "vector" and value is not None:
            vector = _numbers(value, target.dtype, target.dim, field.source_field)
            body.setdefault("vectors", {})[target.index] = vector
        elif target.kind == "identity" and value is not None:
            body[str(target.role)] = value if isinstance(value, str) else str(value)
        elif target.kind == "parent" and value is not None:
            ancestors[target.chain_position or 0] = value
    if ancestors:
        body["lineage_chain"] = [*_steps(mapping, ancestors), own_step]
    if mapping.source_type is not None:
        body["source_type"] = mapping.source_type
    return body


def _steps(mapping: Mapping, ancestors: dict[int, Any]) -> Iterator[dict[str, Any]]:
    template = mapping.chain_template or {}
    for position in sorted(ancestors):
        own = template.get(str(position))
        members = (
            own if isinstance(own, dict) else {name: value for name, value in template.items() if not name.isdigit()}
        )
        yield {**members, "document_id": str(ancestors[position])}


def _set(body: dict[str, Any], steps: list[str], value: Any) -> None:
    place = body
    for number, step in enumerate(steps[:-1], start=1):
        inner = place.setdefault(step, {})
        if not isinstance(inner, dict):
            message = f"{'.'.join(steps[:number])} is mapped from another field, which is not an object"
            raise ValidationError.at(["mapping", ".".join(steps)], message, "mapping")
        place = inner
    place[steps[-1]] = value


def _numbers(value: Any, dtype: str | None, dimension: int | None, field: str) -> Any:
    """A vector as lists of numbers, which is what it is already unless it is text."""
    if not isinstance(value, str):
        return value
    form = ENCODINGS.get(dtype or "") or guessed_encoding(value, dimension)
    try:
        raw = base64.b64decode(value, validate=True)
        array = np.frombuffer(raw, form)
    except (binascii.Error, ValueError):
        raise ValidationError.at(["row", field], f"is not a vector in {dtype or 'base64'}", "vector_encoding") from None
    return array.astype("f8").tolist()


def guessed_encoding(text: str, dimension: int | None) -> str:
    """The type of numbers that makes that many dimensions of the text; float32 when nothing tells."""
    size = len(text.rstrip("=")) * 3 // 4
    fitting = [form for form in ENCODINGS.values() if dimension and size == dimension * np.dtype(form).itemsize]
    return fitting[0] if fitting else "<f4"
