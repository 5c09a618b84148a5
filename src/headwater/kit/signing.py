"""Texts that callers keep for us and hand back: a payload behind a code that only the holder of the key can make."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

#: The longest code. A shorter one is enough where a forged text would harm nobody but whoever forged it.
LONG = 32
SHORT = 16


def sign(key: bytes, payload: bytes, *, about: bytes = b"", code_bytes: int = LONG) -> str:
    """The payload as a text for URLs. ``about`` is a line that has to be the same when it is read; it is not kept."""
    return _text(_code(key, payload, about, code_bytes) + payload)


def read_signed(key: bytes, text: str, *, about: bytes = b"", code_bytes: int = LONG) -> bytes | None:
    """The payload; None unless ``sign`` made this very text with the same arguments."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    code, payload = raw[:code_bytes], raw[code_bytes:]
    # Base64 ignores some bits of the last character; only the one spelling that we gave out is accepted.
    if _text(raw) != text or not hmac.compare_digest(code, _code(key, payload, about, code_bytes)):
        return None
    return payload


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _code(key: bytes, payload: bytes, about: bytes, code_bytes: int) -> bytes:
    return hmac.digest(key, about + b"\n" + payload, sha256)[:code_bytes]
