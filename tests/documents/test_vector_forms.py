"""Packing is exact: what float32 can hold comes back, whatever cannot be held is refused."""

from __future__ import annotations

import math
import struct
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ValidationError
from headwater.store.documents.vector_forms import (
    SentVector,
    decode_vectors,
    encode_vectors,
    is_shaped_like,
    pack_feature_vectors,
    pack_vector,
    vector_json,
)

LOCATION: list[str | int] = ["body", "features", 0, "vectors"]
#: Everything up to where a squared length could leave float32, with subnormals, both zeros and whole numbers.
NUMBERS = st.floats(-1e15, 1e15) | st.integers(-(2**40), 2**40) | st.sampled_from([0.0, -0.0, 1e-45, -1e-40, 0.1])
DENSE = st.lists(NUMBERS, min_size=1, max_size=20)
MULTI = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=4)
)
SPARSE = st.dictionaries(st.integers(0, 2**32 - 1), NUMBERS, min_size=1, max_size=20).map(
    lambda entries: {"indices": list(entries), "values": list(entries.values())}
)


def bits(value: Any) -> Any:
    """The value with each number as its float32 bits, so that -0.0 is not 0.0."""
    if isinstance(value, list):
        return [bits(item) for item in value]
    if isinstance(value, dict):
        return (value["indices"], bits(value["values"]))
    return struct.pack("<f", value)


@given(st.dictionaries(st.text(min_size=1), DENSE | MULTI | SPARSE, max_size=4))
def test_every_form_comes_back_bit_for_bit(vectors: dict[str, Any]) -> None:
    sent = pack_feature_vectors(vectors, LOCATION, 100)
    stored = decode_vectors(encode_vectors([vector.named(f"stored {vector.key}") for vector in sent]))
    assert [vector.key for vector in sent] == list(vectors)
    assert [vector.name for vector in stored] == [f"stored {name}" for name in vectors]
    for vector, value in zip(stored, vectors.values(), strict=True):
        assert bits(orjson.loads(vector_json(vector))) == bits(value)


@given(SPARSE)
def test_the_nameless_sparse_form_has_no_key(value: dict[str, Any]) -> None:
    [vector] = pack_feature_vectors(value, LOCATION, 100)
    assert (vector.key, vector.kind) == (None, "sparse")
    assert bits(orjson.loads(vector_json(vector.named("s")))) == bits(value)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=5))
def test_what_is_accepted_is_finite_and_so_is_its_length(value: list[float]) -> None:
    try:
        vector: SentVector = pack_vector("e", value, LOCATION, 100)
    except ValidationError as error:
        assert "'e'" in error.message
        return
    numbers = struct.unpack(f"<{vector.width}f", vector.data)
    squared = math.fsum(number * number for number in numbers)
    assert squared <= 3.4028235e38 / 4 * 1.001
    # Float32 loses what is smaller than its smallest number.
    assert vector.directionless == (squared < 1e-44) or squared < 1e-40


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([1, 2.5], "dense", True),
        ([], "dense", False),
        ([True], "dense", False),
        (["a"], "dense", False),
        ([[1]], "multi", True),
        ([1], "multi", False),
        ({"indices": [], "values": []}, "sparse", True),
        ({"indices": []}, "sparse", False),
        ("text", "dense", False),
        (None, "multi", False),
    ],
)
def test_shapes_are_told_apart(value: Any, kind: str, expected: bool) -> None:
    assert is_shaped_like(value, kind) is expected
