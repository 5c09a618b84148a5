"""From the names that vectors were sent under to the storage names of the collection's vector indexes.

A feature's vectors are freely named: an unknown name makes a new index, whose kind and width are fixed by its first
use. The top-level ``vectors`` map is strict: its names must be known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from headwater.errors import ValidationError
from headwater.store.documents.projection import RESERVED
from headwater.store.documents.vector_forms import SentVector
from headwater.vectors.interface import VectorData
from headwater.vectors.names import MAX_NAME_BYTES, file_name

#: Each index costs every shard of the collection files and memory, so names must not be made from data.
MAX_VECTOR_INDEXES = 128

#: An entry of ``collections.body["vectors"]``.
VectorIndex = dict[str, Any]


class Naming(NamedTuple):
    """``names`` runs parallel to the vectors that were asked about, ``learned`` are the new indexes."""

    names: list[str]
    learned: list[VectorIndex]


def name_feature_vectors(
    indexes: Sequence[VectorIndex], feature_extractor_id: str, sent: Sequence[SentVector]
) -> Naming:
    """Storage names for the vectors of one feature; unknown ones are learned with cosine distance."""
    by_name = {index["name"]: index for index in indexes}
    own = [index for index in indexes if index.get("feature_extractor_id") == feature_extractor_id]
    found = [_known_name(by_name, own, feature_extractor_id, vector) for vector in sent]
    unnamed = Counter(vector.kind for vector, name in zip(sent, found, strict=True) if name is None)
    names: list[str] = []
    learned: list[VectorIndex] = []
    for vector, known in zip(sent, found, strict=True):
        name = known
        if name is None and unnamed[vector.kind] == 1:
            name = _only_index(own, vector.kind, taken=found)
        if name is None:
            index = _new_index(feature_extractor_id, vector)
            name = index["name"]
            if name not in by_name:
                by_name[name] = index
                learned.append(index)
        check_fits(by_name[name], vector)
        names.append(name)
    return Naming(names, learned)


def _known_name(
    by_name: dict[str, VectorIndex], own: list[VectorIndex], feature_extractor_id: str, vector: SentVector
) -> str | None:
    key = vector.key
    if key is None:
        return None
    if key in by_name:
        return key
    for index in own:
        if index.get("output") == key:
            return str(index["name"])
    full_name = f"{feature_extractor_id}_{key}"
    return full_name if full_name in by_name else None


def _only_index(own: list[VectorIndex], kind: str, taken: list[str | None]) -> str | None:
    """The extractor's one declared index of that kind: a vector under a name of the caller's choice goes there."""
    declared = [index for index in own if index["kind"] == kind and index.get("declared")]
    if len(declared) == 1 and declared[0]["name"] not in taken:
        return str(declared[0]["name"])
    return None


def _new_index(feature_extractor_id: str, vector: SentVector) -> VectorIndex:
    output = "sparse" if vector.key is None else vector.key
    return new_index(f"{feature_extractor_id}_{output}", output, feature_extractor_id, vector)


def new_index(name: str, output: str, feature_extractor_id: str | None, vector: SentVector) -> VectorIndex:
    """An index as its first vector makes it. Raises ``ValidationError`` when the name cannot be one."""
    if name in RESERVED:
        # A vector that is returned stands at the root, where these names have a meaning.
        raise ValidationError.at(
            vector.location, f"a vector cannot be called {name!r}, which documents use themselves", "vector_name"
        )
    if len(file_name(name).encode()) > MAX_NAME_BYTES:
        raise ValidationError.at(
            vector.location, f"the vector name {name[:40]!r}… is longer than {MAX_NAME_BYTES} bytes", "vector_name"
        )
    return {
        "name": name,
        "kind": vector.kind,
        "dimensions": None if vector.kind == "sparse" else vector.width,
        "distance": "dot" if vector.kind == "sparse" else "cosine",
        "output": output,
        "feature_extractor_id": feature_extractor_id,
        "declared": False,
    }


def name_plain_vectors(indexes: Sequence[VectorIndex], sent: Sequence[SentVector], *, learn: bool = False) -> Naming:
    """Storage names for vectors that belong to no feature: full names, or outputs that only one index has.

    An unknown name is an error that lists the known ones, unless ``learn`` makes an index of it.
    """
    by_name = {index["name"]: index for index in indexes}
    names: list[str] = []
    learned: list[VectorIndex] = []
    for vector in sent:
        name = _plain_name(by_name, vector)
        if name is None and learn and vector.key is not None:
            name = vector.key
            by_name[name] = new_index(name, name, None, vector)
            learned.append(by_name[name])
        if name is None:
            raise _unknown(indexes, vector)
        check_fits(by_name[name], vector)
        names.append(name)
    return Naming(names, learned)


def _plain_name(by_name: dict[str, VectorIndex], vector: SentVector) -> str | None:
    if vector.key in by_name:
        return vector.key
    found = [name for name, index in by_name.items() if index.get("output") == vector.key]
    if len(found) > 1:
        raise ValidationError.at(
            vector.location,
            f"the vector name {vector.key!r} fits {', '.join(found)}; use the full name",
            "vector_name_ambiguous",
        )
    return found[0] if found else None


def _unknown(indexes: Sequence[VectorIndex], vector: SentVector) -> ValidationError:
    known = ", ".join(f"{index['name']} ({_shape(index)})" for index in indexes) or "none"
    return ValidationError.at(
        vector.location,
        f"the collection has no vector index {vector.key!r}; it has {known}",
        "vector_name_unknown",
        code="vector_unknown",
    )


def check_fits(index: VectorIndex, vector: SentVector) -> None:
    """Raise ``ValidationError`` unless the vector has the index's kind and width, and a direction if it needs one."""
    if index["kind"] != vector.kind or (index["kind"] != "sparse" and index["dimensions"] not in (None, vector.width)):
        raise _mismatch(index, vector)
    if vector.directionless and index["distance"] == "cosine":
        raise ValidationError.at(
            vector.location,
            f"vector {vector.key!r} has length zero, so {index['name']} cannot compare it by cosine",
            "vector_zero",
        )


def _mismatch(index: VectorIndex, vector: SentVector) -> ValidationError:
    got = {"kind": vector.kind, "dimensions": None if vector.kind == "sparse" else vector.width}
    expected = {"kind": index["kind"], "dimensions": index["dimensions"]}
    return mismatch(f"vector {vector.key!r}", index["name"], expected, got, vector.location)


def mismatch(
    what: str, index_name: str, expected: dict[str, Any], got: dict[str, Any], location: list[str | int]
) -> ValidationError:
    """The refusal of a vector, stored or searched for, that an index cannot compare with its own."""
    error = ValidationError.at(
        location,
        f"{what} does not fit the index {index_name}: expected {_shape(expected)}, got {_shape(got)}",
        "vector_dimension_mismatch",
        code="vector_dimension_mismatch",
    )
    error.details = {**(error.details or {}), "index": index_name, "expected": expected, "got": got}
    return error


def _shape(index: VectorIndex) -> str:
    return str(index["kind"]) if index["dimensions"] is None else f"{index['kind']} of {index['dimensions']}"


def joined(sent: Sequence[SentVector], names: Sequence[str]) -> list[VectorData]:
    """The vectors under their storage names. Raises ``ValidationError`` when two have the same one."""
    vectors: dict[str, VectorData] = {}
    for vector, name in zip(sent, names, strict=True):
        if name in vectors:
            raise ValidationError.at(
                vector.location,
                f"two vectors of the document belong to the index {name}; a document has one vector per index",
                "vector_duplicate",
            )
        vectors[name] = vector.named(name)
    return list(vectors.values())
