"""What stands at a dotted path of a document.

A path leads through objects by name and through arrays to each of their elements, so it may lead to many values. It
is looked up in the document as clients see it; what is not there may still be known under a shorter name: system
fields by their aliases, then the keys of the two metadata objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any, Protocol

import msgspec

_LINEAGE = ("root_object_id", "root_bucket_id", "source_type", "source_object_id", "source_document_id")
#: First steps that lead into ``_internal`` where the document has no field of that name.
ALIASES: dict[str, tuple[str, ...]] = {
    **{
        name: (name,)
        for name in (
            "created_at",
            "updated_at",
            "namespace_id",
            "modality",
            "mime_type",
            "size_bytes",
            "content_hash",
            "source_blobs",
            "features",
            "document_schema_version",
        )
    },
    **{name: ("lineage", name) for name in (*_LINEAGE, "source_collection_id")},
    "lineage_path": ("lineage", "path"),
    "lineage_chain": ("lineage", "chain"),
    "object_id": ("lineage", "root_object_id"),
}
#: Kept in the body for the answer; no user field, and not part of what is filtered.
_HIDDEN = frozenset({"_schema_violations", "searchable_at"})
#: With more members than this to look for, skipping the others does not pay.
_MOST_MEMBERS = 64

#: From the JSON of an object to its members, or to some of them.
Decode = Callable[[bytes], dict[str, Any]]


class Readable(Protocol):
    """Anything that a filter can look at."""

    def values_at(self, path: str) -> list[Any]:
        """The values at the path; none where nothing stands there."""
        ...


class PlainFields:
    """A JSON object as it is, without aliases: collections and namespaces."""

    __slots__ = ("_item",)

    def __init__(self, item: Any) -> None:
        self._item = item

    def values_at(self, path: str) -> list[Any]:
        found = walk(self._item, path.split("."))
        if not found and path.startswith("payload."):
            found = walk(self._item, path.split(".")[1:])
        return found


class Fields:
    """A document as filters see it. Its JSON is decoded when a path first needs it; the decoders may leave out members
    that none of the paths that will be asked for can lead to."""

    __slots__ = (
        "_body",
        "_body_json",
        "_decode",
        "_decode_internal",
        "_internal",
        "_internal_json",
        "blobs",
        "collection_id",
        "document_id",
    )

    def __init__(
        self,
        document_id: str,
        collection_id: str,
        body: bytes,
        internal: bytes,
        blobs: bytes | None = None,
        decode: Decode = msgspec.json.decode,
        decode_internal: Decode = msgspec.json.decode,
    ) -> None:
        self.document_id = document_id
        self.collection_id = collection_id
        self.blobs = blobs
        self._body_json = body
        self._internal_json = internal
        self._decode = decode
        self._decode_internal = decode_internal
        self._body: dict[str, Any] | None = None
        self._internal: dict[str, Any] | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The root members that the user sees as fields, with ``metadata``."""
        if self._body is None:
            self._body = self._decode(self._body_json)
        return self._body

    @property
    def internal(self) -> dict[str, Any]:
        """``_internal``."""
        if self._internal is None:
            self._internal = self._decode_internal(self._internal_json)
        return self._internal

    def values_at(self, path: str) -> list[Any]:
        steps, special = _steps(path)
        if special:
            return self._special(steps) or self._known_otherwise(path, steps)
        body = self._body
        if body is None:
            body = self._body = self._decode(self._body_json)
        # A field may have a dot in its name.
        if path in body:
            return [body[path]]
        return (walk(body, steps) if len(steps) > 1 else None) or self._known_otherwise(path, steps)

    def _special(self, steps: tuple[str, ...]) -> list[Any]:
        head = steps[0]
        if head in _HIDDEN:
            return []
        if head == "_internal":
            return walk(self.internal, steps[1:])
        if head == "document_blobs":
            return walk([] if self.blobs is None else msgspec.json.decode(self.blobs), steps[1:])
        return [getattr(self, head)]

    def _shows(self, steps: tuple[str, ...]) -> bool:
        """Whether the user has a field where the path begins."""
        if steps[0] != "metadata":
            return steps[0] in self.body
        own = self.body.get("metadata")
        return len(steps) > 1 and isinstance(own, dict) and steps[1] in own

    def _known_otherwise(self, path: str, steps: tuple[str, ...]) -> list[Any]:
        head, rest = steps[0], steps[1:]
        if self._shows(steps):
            # The field is there; that nothing stands deeper in it is the answer.
            return []
        if head in ALIASES:
            return walk(self.internal, (*ALIASES[head], *rest))
        if head in _HIDDEN or head == "_internal":
            return []
        if head == "payload" and rest and "payload" not in self.body:
            return self.values_at(path.partition(".")[2])
        # The projection shows the keys of ``metadata`` at the root already, so they have been found if they are there.
        inner = self.internal.get("metadata")
        return [] if inner is None else walk(inner, rest if head == "metadata" else steps)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[tuple[str, ...], bool]:
    """The steps of the path, and whether it leads to something else than the body."""
    steps = tuple(path.split("."))
    head = steps[0]
    special = head in _HIDDEN or head in ("_internal", "document_blobs") or path in ("document_id", "collection_id")
    return steps, special


def walk(item: Any, steps: tuple[str, ...] | list[str]) -> list[Any]:
    """The values behind the steps, through the elements of arrays on the way."""
    for number, step in enumerate(steps):
        if isinstance(item, list):
            rest = steps[number:]
            return [value for element in item for value in walk(element, rest)]
        if not isinstance(item, dict) or step not in item:
            return []
        item = item[step]
    return [item]


@lru_cache(maxsize=512)
def body_decoder(paths: tuple[str, ...]) -> Decode:
    """A decoder of those root members that the paths can lead to: the others are skipped, which is most of the work."""
    roots = {root for path in _spellings(paths) for root in (path, path.partition(".")[0])}
    return _member_decoder(roots) if roots else lambda _: {}


@lru_cache(maxsize=512)
def internal_decoder(paths: tuple[str, ...]) -> Decode:
    """The same for ``_internal``."""
    # Whatever is not found in the body is looked for in the metadata.
    roots = {"metadata"}
    for path in _spellings(paths):
        head, *rest = path.split(".")
        if head == "_internal":
            if not rest:
                return msgspec.json.decode
            roots.add(rest[0])
        elif head in ALIASES:
            roots.add(ALIASES[head][0])
    return _member_decoder(roots)


def _spellings(paths: Iterable[str]) -> Iterator[str]:
    """The paths, and what they may stand for without ``payload.``."""
    for path in paths:
        yield path
        while path.startswith("payload."):
            path = path.partition(".")[2]
            yield path


#: Characters that JSON writes with a backslash. A struct cannot have members with them in their names.
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


def _member_decoder(names: set[str]) -> Decode:
    """A decoder of these members of an object, of which there is at least one; of all members when they are many."""
    if len(names) > _MOST_MEMBERS or any(map(_ESCAPED.search, names)):
        return msgspec.json.decode
    # Field names are made up, for a member may have nearly any name; the encoded name is what is looked for.
    fields = {name: f"f{number}" for number, name in enumerate(sorted(names))}
    struct = msgspec.defstruct(
        "Members",
        [(field, Any, msgspec.UNSET) for field in fields.values()],
        rename={field: name for name, field in fields.items()},
        gc=False,
    )
    decode, unset = msgspec.json.Decoder(struct).decode, msgspec.UNSET
    if len(names) == 1:
        [(name, field)] = fields.items()
        return lambda data: {} if (value := getattr(decode(data), field)) is unset else {name: value}
    values_of = attrgetter(*fields.values())
    return lambda data: {
        name: value for name, value in zip(fields, values_of(decode(data)), strict=True) if value is not unset
    }
