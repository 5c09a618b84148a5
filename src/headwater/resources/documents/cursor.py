"""Cursors: where a list goes on, signed, and of use only for the list that they came from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from headwater.errors import ValidationError
from headwater.kit.secrets import Secret
from headwater.kit.signing import SHORT, read_signed, sign
from headwater.store.find import Partition, Position

Binding = Sequence[str | int]


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """After which place the list goes on, and in which partition of it: a cursor alone stays inside its own."""

    position: Position
    partition: Partition | None = None


def write_cursor(secret: Secret, binding: Binding, cursor: Cursor) -> str:
    """``binding`` is all that the list depends on: tenant, collections, query."""
    about = msgspec.json.encode(binding)
    return sign(secret.derive("cursors"), msgspec.json.encode(cursor), about=about, code_bytes=SHORT)


def read_cursor(secret: Secret, binding: Binding, text: str) -> Cursor:
    """Where to go on. ``ValidationError`` unless we wrote the cursor for this very list."""
    payload = read_signed(secret.derive("cursors"), text, about=msgspec.json.encode(binding), code_bytes=SHORT)
    if payload is None:
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
