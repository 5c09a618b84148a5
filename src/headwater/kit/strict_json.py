"""JSON as we accept it: one meaning, bounded depth and size, no key twice, no number that would change.

orjson does the parsing and already refuses NaN, lone surrogates, invalid UTF-8, byte order marks and trailing
bytes. What it lets through is found by walking its result level by level, which costs a fraction of the parsing.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import orjson

#: Objects, arrays and keys in one text. 32 MiB of ``[],`` would otherwise become a gigabyte of Python objects.
MAX_PARTS = 500_000
#: Texts longer than this are not parsed a second time only to name the key that they repeat.
_NAME_KEY_BYTES = 1024 * 1024
#: Up to here a regular expression finds the strings; beyond, it would cost more than the parsing.
_SHORT_BYTES = 64 * 1024
_BLOCK_BYTES = 1024 * 1024
#: Members of a long array that are looked at together, to keep the copies small.
_SLICE = 16_384
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
#: Numbers beyond this may be integers that orjson turned into floats.
_SUSPICIOUS = 9.2e18

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(rb"-?\d[\d.eE+-]*")
_QUOTE, _COLON = ord('"'), ord(":")
_OTHER = bytes(set(range(256)) - set(b'":{['))
_CONTAINERS = frozenset({dict, list})
_NUMBERS = frozenset({int, float})


class InvalidJSONError(ValueError):
    """The text is not JSON as we accept it. ``kind`` is stable; ``position`` is a byte offset, if known."""

    def __init__(self, kind: str, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.position = position


class DuplicateKeyError(InvalidJSONError):
    """An object has the same key twice."""


def decode(data: bytes, max_depth: int) -> Any:
    """The value of the text, or ``InvalidJSONError``. A scalar has depth 0, ``{"a": [1]}`` depth 2."""
    if len(data) > MAX_PARTS:
        _refuse_too_many_parts(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _syntax_error(data, error, max_depth) from None
    keys, suspicious = _inspect(value, max_depth)
    if suspicious:
        _check_numbers(data)
    # Colons in strings make the cheap count too high, never too low.
    if data.count(b":") != keys and _structure(data)[1] != keys:
        raise _duplicate_key(data)
    return value


def _inspect(value: Any, max_depth: int) -> tuple[int, bool]:
    """The number of keys in the decoded value, and whether a number is so large that its text must be looked at."""
    keys, suspicious, depth = 0, type(value) in _NUMBERS and _too_large([value]), 0
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    while level:
        depth += 1
        if depth > max_depth:
            raise _too_deep(max_depth)
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                suspicious = _look_at(list(container.values()), below) or suspicious
            elif len(container) <= _SLICE:
                suspicious = _look_at(container, below) or suspicious
            else:
                for start in range(0, len(container), _SLICE):
                    suspicious = _look_at(container[start : start + _SLICE], below) or suspicious
        level = below
    return keys, suspicious


def _look_at(members: list[Any], below: list[Any]) -> bool:
    """Add the containers among the members to ``below``; whether a number among them is too large to be trusted."""
    kinds = list(map(type, members))
    if kinds.count(float) == len(kinds):
        # A vector: most of what large bodies are made of.
        return _too_large(members)
    distinct = set(kinds)
    if not distinct.isdisjoint(_CONTAINERS):
        below += [member for member in members if type(member) in _CONTAINERS]
    if distinct.isdisjoint(_NUMBERS):
        return False
    return _too_large([member for member in members if type(member) in _NUMBERS])


def _too_large(numbers: list[Any]) -> bool:
    # No number is larger than the norm of them all, which is faster to get than the largest.
    return math.hypot(*numbers) > _SUSPICIOUS


def _check_numbers(data: bytes) -> None:
    for match in _NUMBER.finditer(_STRING.sub(b'""', data)):
        token = match.group()
        if len(token) < 4:
            continue
        if token.lstrip(b"-").isdigit():
            if len(token) > 20 or not _INT_MIN <= int(token) <= _INT_MAX:
                raise InvalidJSONError(
                    "int_out_of_range", f"the integer {_shown(token)} does not fit 64 bits; send it as a string"
                )
        elif abs(float(token)) == math.inf:
            raise InvalidJSONError("number_out_of_range", f"the number {_shown(token)} is too large")


def _refuse_too_many_parts(data: bytes) -> None:
    if data.count(b"{") + data.count(b"[") + data.count(b":") <= MAX_PARTS:
        return
    if sum(_structure(data)) > MAX_PARTS:
        raise InvalidJSONError(
            "json_too_many_parts", f"the body has more than {MAX_PARTS} objects, arrays and keys; split it"
        )


def _structure(data: bytes) -> tuple[int, int]:
    """How many containers and keys the text has: brackets and colons outside of strings."""
    if len(data) <= _SHORT_BYTES:
        bare = _STRING.sub(b"", data)
        return bare.count(b"{") + bare.count(b"["), bare.count(b":")
    containers = keys = parity = 0
    # What is left of a run of backslashes, taken in pairs from the left, escapes the character after it.
    bare = data.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _OTHER)
    for start in range(0, len(bare), _BLOCK_BYTES):
        block = np.frombuffer(bare, np.uint8)[start : start + _BLOCK_BYTES]
        # Sums that wrap at 256 keep their parity: odd is inside of a string.
        quotes = np.cumsum(block == _QUOTE, dtype=np.uint8) + np.uint8(parity)
        parity = int(quotes[-1]) & 1
        outside = block[(quotes & 1 == 0) & (block != _QUOTE)]
        colons = int(np.count_nonzero(outside == _COLON))
        keys += colons
        containers += outside.size - colons
    return containers, keys


def _shown(token: bytes) -> str:
    text = token.decode()
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"


def _syntax_error(data: bytes, error: orjson.JSONDecodeError, max_depth: int) -> InvalidJSONError:
    if not data.strip():
        return InvalidJSONError("json_invalid", "the body is empty; send a JSON text", 0)
    if "depth limit" in error.msg:
        return _too_deep(max_depth)
    return InvalidJSONError("json_invalid", f"the body is not valid JSON: {error.msg}", error.pos)


def _too_deep(max_depth: int) -> InvalidJSONError:
    return InvalidJSONError("json_too_deep", f"the body is nested deeper than {max_depth} levels")


def _duplicate_key(data: bytes) -> DuplicateKeyError:
    name = _find_duplicate(data) if len(data) <= _NAME_KEY_BYTES else None
    shown = "a key" if name is None else f"the key {name[:100]!r}"
    return DuplicateKeyError("duplicate_key", f"{shown} occurs twice in one object; send it once")


def _find_duplicate(data: bytes) -> str | None:
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(data, object_pairs_hook=look)
    return found[0] if found else None
