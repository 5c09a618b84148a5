"""A filter, parsed: a tree of conditions. It is plain data, so it can be sent to another process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec


class Condition(msgspec.Struct, frozen=True, tag="condition"):
    """``operator`` is one of ``headwater.query.operators``; the value has been checked to suit it."""

    path: str
    operator: str
    value: Any
    case_sensitive: bool = False


class AllOf(msgspec.Struct, frozen=True, tag="all"):
    """Every part matches; without parts, everything does."""

    parts: tuple[Filter, ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """Some part matches; without parts, nothing does."""

    parts: tuple[Filter, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    part: Filter


Filter: TypeAlias = Condition | AllOf | AnyOf | Not


def conditions_of(node: Filter) -> Iterator[Condition]:
    """All conditions of the filter, from left to right."""
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, Not):
        yield from conditions_of(node.part)
    else:
        for part in node.parts:
            yield from conditions_of(part)


def paths_of(node: Filter | None) -> list[str]:
    """The paths that the filter looks at, each once, in the order of their first use."""
    return [] if node is None else list(dict.fromkeys(condition.path for condition in conditions_of(node)))


def constant(node: Filter) -> bool | None:
    """What the filter says about every document alike, whatever is in it; None when that depends on the document."""
    if isinstance(node, Condition):
        return None
    if isinstance(node, Not):
        inner = constant(node.part)
        return None if inner is None else not inner
    # An ``AllOf`` is decided by one part that never matches, an ``AnyOf`` by one that always does.
    decisive = isinstance(node, AnyOf)
    parts = [constant(part) for part in node.parts]
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive
