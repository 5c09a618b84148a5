"""``select``: an answer's document cut down to the fields that were asked for.

It works on the document's bytes: members that are kept whole are copied, members that are left out are skipped, and
only what a path leads into is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec

from headwater.query.fields import ALIASES

#: These stay whatever is selected. Returned vectors do too; see ``Selection``.
_ALWAYS = frozenset({"document_id", "collection_id", "_vectors", "vector_hydration_incomplete"})

Steps = tuple[str, ...]
#: What to keep below each name; None keeps all of it.
Tree: TypeAlias = "dict[str, Tree | None]"

_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Selection(msgspec.Struct, frozen=True):
    """The paths of a ``select``, each as the places where it may lead, the first that is there being meant."""

    places: tuple[tuple[Steps, ...], ...]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Selection:
        return cls(tuple(places_of(path) for path in dict.fromkeys(paths)))

    def cut(self, document: bytes, vector_names: Iterable[str] = ()) -> bytes:
        """The document with only the selected fields, in its own order, and those vectors."""
        members = _members(document)
        tree = self._tree(members)
        stays = _ALWAYS.union(vector_names)
        kept = {}
        for name, value in members.items():
            whole = name in stays
            found = value if whole else _cut(value, tree[name]) if name in tree else None
            if found is not None:
                kept[name] = found
        return _encode(kept)

    def _tree(self, members: dict[str, msgspec.Raw]) -> Tree:
        tree: Tree = {}
        for places in self.places:
            for steps in places:
                if _stands_at(members, steps):
                    _add(tree, steps)
                    break
        return tree


def places_of(path: str) -> tuple[Steps, ...]:
    """Where a path may lead, in the order in which filters look: a field of that very name, the document as it is
    shown, the system's aliases, the internal metadata."""
    steps = tuple(path.split("."))
    places = [(path,), steps]
    head, rest = steps[0], steps[1:]
    if head in ALIASES:
        places.append(("_internal", *ALIASES[head], *rest))
    elif head == "payload" and rest:
        places += places_of(".".join(rest))
    elif head != "_internal":
        places.append(("_internal", "metadata", *(rest if head == "metadata" else steps)))
    return tuple(dict.fromkeys(places))


def _add(tree: Tree, steps: Steps) -> None:
    for step in steps[:-1]:
        below = tree.setdefault(step, {})
        if below is None:
            # All of it is kept already.
            return
        tree = below
    tree[steps[-1]] = None


def _stands_at(members: dict[str, msgspec.Raw], steps: Steps) -> bool:
    value = members.get(steps[0])
    return value is not None and (len(steps) == 1 or _leads_on(value, steps[1:]))


def _leads_on(value: msgspec.Raw, steps: Steps) -> bool:
    if not steps:
        return True
    kind = _kind(value)
    if kind == b"{":
        return _stands_at(_members(value), steps)
    return kind == b"[" and any(_leads_on(element, steps) for element in _elements(value))


def _cut(value: msgspec.Raw, tree: Tree | None) -> msgspec.Raw | None:
    """What is selected of the value; None when it has none of it."""
    if tree is None:
        return value
    kind = _kind(value)
    kept: Any = None
    if kind == b"{":
        members = _members(value)
        kept = {name: found for name in members if name in tree and (found := _cut(members[name], tree[name]))}
    elif kind == b"[":
        kept = [found for element in _elements(value) if (found := _cut(element, tree))]
    return msgspec.Raw(_encode(kept)) if kept else None


def _kind(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:1])
