"""Commands: what a worker asks the one writer to do, and the registry of the functions that do it.

A command is a ``msgspec.Struct``; its handler is a function ``(Transaction, command) -> outcome`` that runs inside
the writer's transaction, in a SAVEPOINT of its own. A handler only reads and writes through the transaction: it
does no other input or output, and raising any error undoes all that it did. The outcome must be packable by msgpack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from headwater.store.transaction import Transaction


class Command(msgspec.Struct, kw_only=True, tag_field="command"):
    """Base of all commands. The class name travels as the tag."""


CommandT = TypeVar("CommandT", bound=Command)
Handler = Callable[["Transaction", Any], Any]

_handlers: dict[type[Command], Handler] = {}
#: Commands that give space back, so they are let through when the disk is full.
FREES_SPACE: set[type[Command]] = set()


def handles(
    command: type[CommandT], *, frees_space: bool = False
) -> Callable[[Callable[[Transaction, CommandT], Any]], Callable[[Transaction, CommandT], Any]]:
    """Register the decorated function as the handler of ``command``."""

    def register(function: Callable[[Transaction, CommandT], Any]) -> Callable[[Transaction, CommandT], Any]:
        if command in _handlers:
            raise ValueError(f"{command.__name__} has a handler already")
        _handlers[command] = function
        if frees_space:
            FREES_SPACE.add(command)
        return function

    return register


def handler_of(command: Command) -> Handler:
    return _handlers[type(command)]


def decoder() -> msgspec.msgpack.Decoder[Command]:
    """A decoder of every registered command. Import the modules of ``store.commands`` first."""
    union: Any = None
    for command in _handlers:
        union = command if union is None else union | command
    return msgspec.msgpack.Decoder(union)
