"""Vectors between JSON and little-endian float32: every accepted form, every refusal, and the way back.

Everything that would poison a ranking is refused here, at the door: the index itself takes NaN, infinities and zero
vectors without a word.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import chain
from typing import Any, NoReturn

import msgspec
import numpy as np
import orjson

from headwater.errors import ValidationError
from headwater.vectors.interface import Kind, VectorData

_NUMBERS = {float, int}
_SPARSE_KEYS = {"indices", "values"}
_MAX_INDEX = 2**32 - 1
#: Below this, neither a length, nor a product, nor a squared distance of two vectors leaves the range of float32.
_MAX_SQUARED_LENGTH = float(np.finfo(np.float32).max) / 4
#: Below this, a squared length is zero in float32: the vector has no direction that the engine could see.
_NO_LENGTH = 2.0**-150

Location = list[str | int]


class SentVector(msgspec.Struct, array_like=True, frozen=True):
    """A vector as it was sent, packed, that has no storage name yet. ``key`` is None for the nameless sparse form."""

    key: str | None
    kind: Kind
    rows: int
    width: int
    data: bytes
    indices: bytes
    #: A row has length zero as float32, so it has no direction and cannot be compared by cosine.
    directionless: bool
    #: Where it was in the request, for errors that only the writer can find.
    location: Location

    def named(self, name: str) -> VectorData:
        return VectorData(name, self.kind, self.rows, self.width, self.data, self.indices)


def pack_feature_vectors(value: Any, location: Location, max_width: int) -> list[SentVector]:
    """The ``vectors`` of a feature in any of its forms: none, nameless sparse, or a map of names to vectors."""
    if value is None:
        return []
    if type(value) is not dict:
        raise ValidationError.at(location, f"vectors must be an object, not {json_type(value)}", "vectors_type")
    if value.keys() == _SPARSE_KEYS:
        return [_pack_sparse(None, value, location)]
    return pack_vector_map(value, location, max_width)


def pack_vector_map(value: Any, location: Location, max_width: int) -> list[SentVector]:
    """``{name: dense | multi | sparse}``; None is the empty map."""
    if value is None:
        return []
    if type(value) is not dict:
        raise ValidationError.at(location, f"vectors must be an object, not {json_type(value)}", "vectors_type")
    return [pack_vector(key, vector, [*location, key], max_width) for key, vector in value.items()]


def pack_vector(key: str, value: Any, location: Location, max_width: int) -> SentVector:
    """One vector. Raises ``ValidationError`` that names it and says what is wrong."""
    if not key:
        raise ValidationError.at(location, "a vector's name must not be empty", "vector_name")
    if type(value) is dict:
        return _pack_sparse(key, value, location)
    if type(value) is not list:
        _refuse(
            location,
            key,
            f"must be numbers, rows of numbers, or indices and values, not {json_type(value)}",
            "type",
        )
    if not value:
        _refuse(location, key, "is empty", "empty")
    if type(value[0]) is list:
        return _pack_multi(key, value, location, max_width)
    return _pack_dense(key, value, location, max_width)


def is_shaped_like(value: Any, kind: str) -> bool:
    """Whether a root value has the outer form of a vector of that kind, so that a fetched vector is told from text."""
    if kind == "sparse":
        return type(value) is dict and value.keys() == _SPARSE_KEYS
    inner = _NUMBERS if kind == "dense" else {list}
    return type(value) is list and bool(value) and set(map(type, value)) <= inner


def _pack_dense(key: str, value: list[Any], location: Location, max_width: int) -> SentVector:
    width = len(value)
    if width > max_width:
        _refuse(location, key, f"has {width} values, more than the {max_width} allowed", "too_wide")
    data = _pack_floats(key, value, location)
    array = np.frombuffer(data, "<f4")
    squared = _squared_length(array)
    if not squared <= _MAX_SQUARED_LENGTH:
        _refuse_overflow(location, key, array)
    return SentVector(key, "dense", 1, width, data, b"", squared < _NO_LENGTH, location)


def _squared_length(array: np.ndarray[Any, Any]) -> float:
    # In float64 nothing overflows, so NumPy need not be told to keep quiet, which costs more than the product.
    wide = array.astype("f8")
    return float(np.dot(wide, wide))


def _pack_multi(key: str, value: list[Any], location: Location, max_width: int) -> SentVector:
    rows, width = len(value), len(value[0])
    for number, row in enumerate(value):
        if type(row) is not list:
            _refuse(location, key, f"has {json_type(row)} in place of row {number}", "type")
        if len(row) != width:
            _refuse(
                location,
                key,
                f"has rows of {width} and {len(row)} values; all must be equally long",
                "ragged",
            )
    if width == 0:
        _refuse(location, key, "has empty rows", "empty")
    if width > max_width:
        _refuse(location, key, f"has rows of {width} values, more than the {max_width} allowed", "too_wide")
    data = _pack_floats(key, list(chain.from_iterable(value)), location)
    array = np.frombuffer(data, "<f4").reshape(rows, width)
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.einsum("ij,ij->i", array, array)
    if not bool((squared <= _MAX_SQUARED_LENGTH).all()):
        _refuse_overflow(location, key, array)
    return SentVector(key, "multi", rows, width, data, b"", bool((squared == 0).any()), location)


def _pack_sparse(key: str | None, value: dict[str, Any], location: Location) -> SentVector:
    if value.keys() != _SPARSE_KEYS:
        _refuse(location, key, "must have exactly the keys indices and values", "sparse_keys")
    indices, values = value["indices"], value["values"]
    if type(indices) is not list or type(values) is not list:
        _refuse(location, key, "must have lists as indices and values", "type")
    if len(indices) != len(values):
        _refuse(location, key, f"has {len(indices)} indices but {len(values)} values", "sparse_lengths")
    if not indices:
        _refuse(location, key, "is empty", "empty")
    packed = _pack_indices(key, indices, location)
    data = _pack_floats(key, values, location)
    array = np.frombuffer(data, "<f4")
    squared = _squared_length(array)
    if not squared <= _MAX_SQUARED_LENGTH:
        _refuse_overflow(location, key, array)
    # Sparse vectors are compared by dot product, so one without a length is harmless.
    return SentVector(key, "sparse", 1, len(values), data, packed, False, location)


def _pack_indices(key: str | None, indices: list[Any], location: Location) -> bytes:
    whole = []
    for index in indices:
        if type(index) not in _NUMBERS or index != index or index % 1 != 0:
            _refuse(location, key, f"has {_shown(index)} as an index; indices are whole numbers", "sparse_index")
        if not 0 <= index <= _MAX_INDEX:
            _refuse(location, key, f"has the index {_shown(index)}, outside 0 to {_MAX_INDEX}", "sparse_index")
        whole.append(int(index))
    if len(set(whole)) != len(whole):
        _refuse(location, key, "has an index twice", "sparse_duplicate")
    return struct.pack(f"<{len(whole)}I", *whole)


@lru_cache(maxsize=256)
def _packer(count: int) -> Callable[..., bytes]:
    return struct.Struct(f"<{count}f").pack


def _pack_floats(key: str | None, values: list[Any], location: Location) -> bytes:
    # A boolean is an int to struct, hence the exact types. Counting is twice as fast as making a set of them.
    if list(map(type, values)).count(float) != len(values) and not set(map(type, values)) <= _NUMBERS:
        wrong = next(value for value in values if type(value) not in _NUMBERS)
        _refuse(location, key, f"has {json_type(wrong)} among its values; all must be numbers", "type")
    try:
        return _packer(len(values))(*values)
    except (OverflowError, struct.error):
        _refuse(location, key, "has a value that does not fit float32", "not_finite")


def _refuse_overflow(location: Location, key: str | None, array: np.ndarray[Any, Any]) -> NoReturn:
    if not bool(np.isfinite(array).all()):
        _refuse(location, key, "has a value that is not finite", "not_finite")
    _refuse(
        location,
        key,
        "is too long: its squared length leaves the range of float32; scale it down",
        "overflow",
    )


def _refuse(location: Location, key: str | None, what: str, kind: str) -> NoReturn:
    name = "sparse vector" if key is None else f"vector {key!r}"
    raise ValidationError.at(location, f"{name} {what}", f"vector_{kind}")


def _shown(value: Any) -> str:
    return repr(value) if type(value) in _NUMBERS and math.isfinite(value) else json_type(value)


def json_type(value: Any) -> str:
    """How JSON calls the value's type, for messages."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def vector_json(vector: VectorData) -> bytes:
    """The vector in the form it was sent in, each number the shortest that is equal as float32."""
    array = np.frombuffer(vector.data, "<f4")
    if vector.kind == "sparse":
        indices = orjson.dumps(np.frombuffer(vector.indices, "<u4"), option=orjson.OPT_SERIALIZE_NUMPY)
        return b'{"indices":' + indices + b',"values":' + _array_json(array) + b"}"
    if vector.kind == "multi":
        array = array.reshape(vector.rows, vector.width)
    return _array_json(array)


def _array_json(array: np.ndarray[Any, Any]) -> bytes:
    return orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[VectorData])


def encode_vectors(vectors: Iterable[VectorData]) -> bytes:
    """What the ``vectors`` table keeps of a document."""
    return _encoder.encode(list(vectors))


#: Of a document that is in the index for its text only.
NO_VECTORS = encode_vectors([])


def decode_vectors(data: bytes) -> list[VectorData]:
    return _decoder.decode(data)
