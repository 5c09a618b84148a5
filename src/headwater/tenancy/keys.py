"""API secrets: how one is made, recognised and turned into what is stored.

``sk_`` + 31 random base62 characters (184 bits) + the CRC-32 of all that in 6 base62 characters. The checksum
lets a mistyped or made-up key be refused without looking anything up. The 37 characters after ``sk_`` are a
length that neither hexadecimal (even) nor base64 (never 1 more than a multiple of 4) has, so that a key made
elsewhere, which has no checksum, is not mistaken for one of ours.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import zlib
from hashlib import blake2b, sha256

from headwater.kit.secrets import Secret

PREFIX = "sk_"
#: Longer tokens are not looked at: hashing a megabyte of header for a stranger would be a gift.
MAX_TOKEN_LENGTH = 512
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 31
_CHECKSUM_LENGTH = 6
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_OWN_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")


def new_secret() -> str:
    """A new API secret. It is shown once; only its digest is kept."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return body + _checksum(body)


def is_mistyped(token: str) -> bool:
    """Whether the token has our own form but a wrong checksum. Other forms have none to check."""
    if _OWN_FORM.fullmatch(token) is None:
        return False
    return _checksum(token[:-_CHECKSUM_LENGTH]) != token[-_CHECKSUM_LENGTH:]


def digest_of(secret: Secret, token: str) -> bytes:
    """What is stored and looked up: useless to a thief of the database without ``DIR/secret``."""
    # Keyed BLAKE2b: every request pays for this, and HMAC-SHA-256 costs eight times as much.
    return blake2b(token.encode(), key=secret.derive("api-keys"), digest_size=32).digest()


def public_hash(secret: Secret, digest: bytes) -> str:
    """``key_hash`` on the wire: tells keys apart; neither the key nor the stored digest follows from it."""
    return hmac.digest(secret.derive("api-key-hashes"), digest, sha256).hex()


def prefix_of(token: str) -> str:
    """What lists show of a key: its first ten characters, fewer of an operator's short one, and at least three dots."""
    return (token[: min(10, len(token) // 3)] + "...").ljust(10, ".")


def _checksum(text: str) -> str:
    # Three pairs of digits: every request with a key pays for this.
    value, last = divmod(zlib.crc32(text.encode()), len(_PAIRS))
    first, middle = divmod(value, len(_PAIRS))
    return _PAIRS[first] + _PAIRS[middle] + _PAIRS[last]
