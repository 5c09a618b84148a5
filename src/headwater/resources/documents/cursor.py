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
from headwater.store.find import Partition, Position

_MAC_BYTES = 16

Binding = Sequence[str | int]


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """After which place the list goes on, and in which partition of it: a cursor alone stays inside its own."""

    position: Position
    partition: Partition | None = None


def write_cursor(secret: Secret, binding: Binding, cursor: Cursor) -> str:
    """``binding`` is all that the list depends on: tenant, collections, query."""
    payload = msgspec.json.encode(cursor)
    return _encode(_mac(secret, binding, payload) + payload)


def read_cursor(secret: Secret, binding: Binding, text: str) -> Cursor:
    """Where to go on. ``ValidationError`` unless we wrote the cursor for this very list."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refused_cursor() from None
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # Base64 ignores some bits of the last character; only the one spelling that we gave out is accepted.
    if _encode(raw) != text or not hmac.compare_digest(mac, _mac(secret, binding, payload)):
        raise refused_cursor()
    return msgspec.json.decode(payload, type=Cursor)


def refused_cursor() -> ValidationError:
    return ValidationError.at(
        ["query", "cursor"],
        "the cursor is not one of this list; send the filters, sort and collections that it came from, or start again"
        " without a cursor",
        "cursor",
        code="cursor_invalid",
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(secret: Secret, binding: Binding, payload: bytes) -> bytes:
    message = msgspec.json.encode(binding) + b"\n" + payload
    return hmac.digest(secret.derive("cursors"), message, sha256)[:_MAC_BYTES]
