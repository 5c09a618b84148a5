"""JSON as we accept it: one meaning, bounded depth and size, no key twice, no number that would change.

orjson does the parsing and already refuses NaN, lone surrogates, invalid UTF-8, byte order marks and trailing
bytes. What it lets through is found by walking its result level by level, which costs a fraction of the parsing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import orjson

#: Objects, arrays and keys in one text. 32 MiB of ``[],`` would otherwise become a gigabyte of Python objects.
MAX_PARTS = 500_000
#: Texts longer than this are not parsed a second time only to name the key that they repeat.
_NAME_KEY_BYTES = 1024 * 1024
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
#: Numbers beyond this may be integers that orjson turned into floats.
_SUSPICIOUS = 9.2e18

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(rb"-?\d[\d.eE+-]*")
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
    """The value of the text, or ``InvalidJSONError``. A scalar has depth 0, ``{"a": []}`` depth 2."""
    containers, colons = data.count(b"{") + data.count(b"["), data.count(b":")
    if containers + colons > MAX_PARTS:
        _refuse_too_many_parts(data)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _syntax_error(data, error) from None
    keys, suspicious = _inspect(value, max_depth)
    if suspicious:
        _check_numbers(data)
    # Colons in strings make the cheap count too high, never too low.
    if colons != keys and _STRING.sub(b"", data).count(b":") != keys:
        raise _duplicate_key(data)
    return value


def _inspect(value: Any, max_depth: int) -> tuple[int, bool]:
    """The number of keys in the decoded value, and whether a number is so large that its text must be looked at."""
    keys, suspicious, depth = 0, _too_large([value]), 0
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    while level:
        depth += 1
        if depth > max_depth:
            raise InvalidJSONError("json_too_deep", f"the body is nested deeper than {max_depth} levels")
        below: list[Any] = []
        for container in level:
            if type(container) is list and list(map(type, container)).count(float) == len(container):
                # A vector: most of what large bodies are made of. No number is larger than the length of them all.
                suspicious = suspicious or math.hypot(*container) > _SUSPICIOUS
                continue
            if type(container) is dict:
                keys += len(container)
                members: Iterable[Any] = container.values()
            else:
                members = container
            kinds = set(map(type, members))
            if not kinds.isdisjoint(_NUMBERS):
                suspicious = suspicious or _too_large(members if kinds <= _NUMBERS else _numbers(members))
            if not kinds.isdisjoint(_CONTAINERS):
                below += [member for member in members if type(member) in _CONTAINERS]
        level = below
    return keys, suspicious


def _numbers(members: Iterable[Any]) -> list[Any]:
    return [member for member in members if type(member) in _NUMBERS]


def _too_large(numbers: Any) -> bool:
    if type(numbers) is list and len(numbers) == 1 and type(numbers[0]) not in _NUMBERS:
        return False
    return bool(max(numbers) > _SUSPICIOUS or min(numbers) < -_SUSPICIOUS)


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
        elif float(token) in (float("inf"), float("-inf")):
            raise InvalidJSONError("number_out_of_range", f"the number {_shown(token)} is too large")


def _refuse_too_many_parts(data: bytes) -> None:
    bare = _STRING.sub(b"", data)
    if bare.count(b"{") + bare.count(b"[") + bare.count(b":") > MAX_PARTS:
        raise InvalidJSONError(
            "json_too_many_parts", f"the body has more than {MAX_PARTS} objects, arrays and keys; split it"
        )


def _shown(token: bytes) -> str:
    text = token.decode()
    return text if len(text) <= 40 else f"{text[:20]}… ({len(text)} characters)"


def _syntax_error(data: bytes, error: orjson.JSONDecodeError) -> InvalidJSONError:
    if not data.strip():
        return InvalidJSONError("json_invalid", "the body is empty; send a JSON text", 0)
    return InvalidJSONError("json_invalid", f"the body is not valid JSON: {error.msg}", error.pos)


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
