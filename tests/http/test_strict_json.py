"""Hostile JSON: refused with a reason that names the problem, quickly, and never with a 500."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.kit import strict_json
from headwater.kit.strict_json import DuplicateKeyError, InvalidJSONError, decode

HOSTILE = {
    "depth_65": (b"[" * 65 + b"]" * 65, "json_too_deep"),
    "depth_of_objects_65": (b'{"a":' * 65 + b"1" + b"}" * 65, "json_too_deep"),
    "depth_300": (b"[" * 300 + b"]" * 300, "json_too_deep"),
    "depth_900": (b"[" * 900 + b"]" * 900, "json_too_deep"),
    "depth_100000": (b"[" * 100_000 + b"]" * 100_000, "json_too_deep"),
    "unfinished_depth_100000": (b"[" * 100_000, "json_too_deep"),
    "million_keys": (b"{" + b",".join(b'"k%d":1' % n for n in range(10**6)) + b"}", "json_too_many_parts"),
    "million_arrays": (b"[" + b"[]," * 10**6 + b"[]]", "json_too_many_parts"),
    "duplicate": (b'{"a":1,"b":2,"a":3}', "duplicate_key"),
    "duplicate_with_space": (b'{"a":1,"a" :3}', "duplicate_key"),
    "duplicate_by_escape": (b'{"a":1,"\\u0061":3}', "duplicate_key"),
    "duplicate_below": (b'[{"b":{"x:y":1,"x:y":":"}}]', "duplicate_key"),
    "infinite_number": (b'{"a":1e400}', "json_invalid"),
    "negative_infinite_number": (b"[-1e400]", "json_invalid"),
    "nan": (b'{"a":NaN}', "json_invalid"),
    "infinity": (b'{"a":Infinity}', "json_invalid"),
    "negative_infinity": (b'{"a":-Infinity}', "json_invalid"),
    "integer_of_5000_digits": (b"[" + b"9" * 5000 + b"]", "json_invalid"),
    "integer_of_300_digits": (b"[" + b"9" * 300 + b"]", "int_out_of_range"),
    "integer_2_63": (b'{"a":9223372036854775808}', "int_out_of_range"),
    "integer_below_64_bits": (b'{"a":[-9223372036854775809]}', "int_out_of_range"),
    "integer_among_floats": (b"[0.5,1e300,18446744073709551616]", "int_out_of_range"),
    "bare_integer": (b"99999999999999999999", "int_out_of_range"),
    "lone_high_surrogate": (b'{"a":"\\ud800"}', "json_invalid"),
    "lone_low_surrogate": (b'{"a":"\\udc00"}', "json_invalid"),
    "lone_surrogate_key": (b'{"\\ud800":1}', "json_invalid"),
    "encoded_surrogate": (b'{"a":"\xed\xa0\x80"}', "json_invalid"),
    "invalid_utf8": (b'{"a":"\xff"}', "json_invalid"),
    "overlong_utf8": (b'{"a":"\xc0\xaf"}', "json_invalid"),
    "byte_order_mark": (b"\xef\xbb\xbf{}", "json_invalid"),
    "utf16": ('{"a":1}'.encode("utf-16"), "json_invalid"),
    "utf16_little_endian": ('{"a":1}'.encode("utf-16-le"), "json_invalid"),
    "utf32": ('{"a":1}'.encode("utf-32"), "json_invalid"),
    "trailing_bytes": (b"{} x", "json_invalid"),
    "two_texts": (b"{}{}", "json_invalid"),
    "trailing_nul": (b"{}\x00", "json_invalid"),
    "whitespace_only": (b" \n ", "json_invalid"),
    "control_character": (b'{"a":"\x01"}', "json_invalid"),
    "single_quotes": (b"{'a':1}", "json_invalid"),
    "comment": (b"{} // x", "json_invalid"),
    "trailing_comma": (b'{"a":1,}', "json_invalid"),
    "leading_zero": (b'{"a":01}', "json_invalid"),
    "hexadecimal": (b'{"a":0x1}', "json_invalid"),
    "unfinished": (b'{"a":', "json_invalid"),
    "unfinished_string": (b'{"a":"' + b"\\" * 100_001, "json_invalid"),
}


@pytest.mark.parametrize(("text", "kind"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_by_kind(text: bytes, kind: str) -> None:
    with pytest.raises(InvalidJSONError) as caught:
        decode(text, 64)
    assert caught.value.kind == kind
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_body_gets_an_envelope(keyed: httpx2.AsyncClient, name: str) -> None:
    text, kind = HOSTILE[name]
    answer = await keyed.post("/v1/echo", content=text, headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    if kind == "duplicate_key":
        assert (answer.status_code, error["type"], error["code"]) == (400, "BadRequestError", kind)
    else:
        assert (answer.status_code, error["type"]) == (422, "ValidationError")
        assert error["details"]["validation_errors"][0]["type"] == kind
        assert error["details"]["validation_errors"][0]["location"][0] == "body"


async def test_a_hostile_body_is_not_repeated_in_the_answer(keyed: httpx2.AsyncClient) -> None:
    answer = await keyed.post("/v1/echo", content=b'{"canary-of-the-body": NaN}')
    assert answer.status_code == 422
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    "value",
    [
        {"nul": "a\u0000b", "\u0000": 1},
        {"": {"": [""]}},
        {"emoji": "\U0001f600", "escaped": '\\"{[:]}"'},
        {"a": [2**63 - 1, -(2**63), 0, -0.0, 1e300, -1e300, 5e-324]},
        {"a": "99999999999999999999", "b": [1.5, 1e19, True, None]},
        {"url": "http://x:1/?a=b:c", "times": ["2024-01-01T00:00:00Z"] * 3},
        [],
        "text",
        1.5,
        None,
        True,
    ],
)
def test_valid_values_come_back_equal(value: Any) -> None:
    assert decode(json.dumps(value).encode(), 64) == value
    assert decode(json.dumps(value, ensure_ascii=False, indent=3).encode(), 64) == value


def test_depth_64_is_taken() -> None:
    assert decode(b"[" * 64 + b"]" * 64, 64)
    assert decode(b'{"a":' * 63 + b"[1]" + b"}" * 63, 64)


def test_a_duplicate_names_its_key() -> None:
    with pytest.raises(DuplicateKeyError, match="'x y'"):
        decode(b'{"x y":1,"z":{"x y":1},"x y":2}', 64)


def test_the_same_key_in_different_objects_is_fine() -> None:
    assert decode(b'[{"a":{"a":1}},{"a":2}]', 64) == [{"a": {"a": 1}}, {"a": 2}]


def test_long_texts_are_measured_like_short_ones() -> None:
    filler = json.dumps(["{[:\\", 'quote " and \\" more', "::", "\\\\"] * 5000).encode()
    text = b'{"a":%b,"b" : {"c":":"}}' % filler
    assert len(text) > strict_json._SHORT_BYTES
    assert decode(text, 64)["b"] == {"c": ":"}
    with pytest.raises(DuplicateKeyError):
        decode(b'{"a":%b,"b" : {"c":":","c":1}}' % filler, 64)


def test_colons_and_brackets_in_strings_are_no_parts() -> None:
    text = json.dumps({"a": ":[{" * strict_json.MAX_PARTS}).encode()
    assert len(decode(text, 64)["a"]) == 3 * strict_json.MAX_PARTS


def test_a_refused_flood_of_arrays_is_never_built() -> None:
    text = b"[" + b"[]," * 5_000_000 + b"[]]"
    tracemalloc.start()
    try:
        with pytest.raises(InvalidJSONError):
            decode(text, 64)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 << 20


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(values)
def test_every_value_survives(value: Any) -> None:
    assert decode(json.dumps(value, ensure_ascii=False).encode(), 64) == value


@given(st.binary(max_size=200))
def test_any_bytes_either_mean_what_the_standard_says_or_are_refused(data: bytes) -> None:
    try:
        value = decode(data, 64)
    except InvalidJSONError:
        return
    assert value == json.loads(data)
