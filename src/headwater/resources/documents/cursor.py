"""Cursors: where a list goes on, signed, and of use only for the list that they came from."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from headwater.errors import ValidationError
from headwater.kit.secrets import Secret

_MAC_BYTES = 16

Binding = Sequence[str | int]


class Position(msgspec.Struct, array_like=True, frozen=True):
    """The sort key of the last document that was shown."""

    created_at: int
    document_id: str


def write_cursor(secret: Secret, binding: Binding, position: Position) -> str:
    """A cursor after that position. ``binding`` is all that the list depends on: tenant, collection, query."""
    payload = msgspec.json.encode(position)
    return _encode(_mac(secret, binding, payload) + payload)


def read_cursor(secret: Secret, binding: Binding, cursor: str) -> Position:
    """Where to go on. ``ValidationError`` unless we wrote the cursor for this very list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # Base64 ignores some bits of the last character; only the one spelling that we gave out is accepted.
    if _encode(raw) != cursor or not hmac.compare_digest(mac, _mac(secret, binding, payload)):
        raise _refused()
    return msgspec.json.decode(payload, type=Position)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(secret: Secret, binding: Binding, payload: bytes) -> bytes:
    message = msgspec.json.encode(binding) + b"\n" + payload
    return hmac.digest(secret.derive("cursors"), message, sha256)[:_MAC_BYTES]


def _refused() -> ValidationError:
    return ValidationError.at(
        ["query", "cursor"],
        "the cursor is not one of this list; start again without a cursor",
        "cursor",
        code="cursor_invalid",
    )
