"""The form of API secrets, and what is kept of them."""

from __future__ import annotations

import math
import re
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.kit.secrets import Secret
from headwater.tenancy.keys import digest_of, is_mistyped, new_secret, prefix_of, public_hash

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_secret_has_its_form_and_at_least_160_random_bits() -> None:
    secret = new_secret()
    assert re.fullmatch(r"sk_[0-9A-Za-z]{37}", secret)
    assert math.log2(62) * (len(secret) - len("sk_") - 6) >= 160


def test_secrets_use_the_whole_alphabet_and_never_repeat() -> None:
    secrets = [new_secret() for _ in range(500)]
    assert len(set(secrets)) == 500
    # 31 places in 500 secrets: the chance that a letter is missing is below 10^-100.
    assert set("".join(secret[3:34] for secret in secrets)) == set(BASE62)


def test_fresh_secret_is_not_mistyped() -> None:
    assert not any(is_mistyped(new_secret()) for _ in range(200))


@given(position=st.integers(3, 39), replacement=st.sampled_from(BASE62))
def test_one_changed_character_is_noticed(position: int, replacement: str) -> None:
    secret = new_secret()
    changed = secret[:position] + replacement + secret[position + 1 :]
    assert is_mistyped(changed) == (changed != secret)


@pytest.mark.parametrize(
    "token",
    [
        "mxp_0123456789abcdef",
        "ret_sk_" + "a" * 37,
        "sk_" + "0123456789abcdef" * 2 + "01234",
        "sk_short",
        "sk_" + "a" * 36,
        "sk_" + "a" * 38,
        "sk_" + "a" * 36 + "-",
        "a secret of the operator",
        "",
    ],
)
def test_other_forms_are_never_judged_by_a_checksum(token: str) -> None:
    own_length = re.fullmatch(r"sk_[0-9A-Za-z]{37}", token) is not None
    assert is_mistyped(token) == own_length


@pytest.mark.parametrize("length", [32, 36, 38, 40, 43, 64])
def test_lengths_of_hexadecimal_and_base64_are_not_ours(length: int) -> None:
    assert not is_mistyped("sk_" + "f" * length)


def test_digest_depends_on_the_secret_of_the_data_directory() -> None:
    one, other, key = Secret(b"a" * 32), Secret(b"b" * 32), new_secret()
    assert digest_of(one, key) == digest_of(one, key)
    assert digest_of(one, key) != digest_of(other, key)
    assert digest_of(one, key) != sha256(key.encode()).digest()


def test_public_hash_is_neither_the_stored_digest_nor_a_bare_hash() -> None:
    secret, key = Secret(b"a" * 32), new_secret()
    shown = public_hash(secret, digest_of(secret, key))
    assert shown not in (digest_of(secret, key).hex(), sha256(key.encode()).hexdigest())
    assert re.fullmatch(r"[0-9a-f]{64}", shown)


def test_prefix_is_ten_characters_and_dots() -> None:
    assert prefix_of(f"sk_{'0123456789' * 3}") == "sk_0123456..."


@pytest.mark.parametrize(("key", "shown"), [("s", ".........."), ("password1", "pas......."), ("a" * 18, "aaaaaa....")])
def test_short_keys_of_the_operator_are_not_shown_whole(key: str, shown: str) -> None:
    assert prefix_of(key) == shown
