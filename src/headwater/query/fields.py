"""What stands at a dotted path of a document.

A path leads through objects by name and through arrays to each of their elements, so it may lead to many values. It
is looked up in the document as clients see it; what is not there may still be known under a shorter name: system
fields by their aliases, then the keys of the two metadata objects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import msgspec

_LINEAGE = ("root_object_id", "root_bucket_id", "source_type", "source_object_id", "source_document_id")
#: First steps that lead into ``_internal`` where the document has no field of that name.
_ALIASES: dict[str, tuple[str, ...]] = {
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
    """A document as filters see it. Its JSON is decoded when a path first needs it, and only the members that paths
    of this ``decoder`` can lead to."""

    __slots__ = (
        "_body",
        "_body_json",
        "_decode",
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
        decode: Callable[[bytes], dict[str, Any]] = msgspec.json.decode,
    ) -> None:
        self.document_id = document_id
        self.collection_id = collection_id
        self.blobs = blobs
        self._body_json = body
        self._internal_json = internal
        self._decode = decode
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
            self._internal = msgspec.json.decode(self._internal_json)
        found: dict[str, Any] = self._internal
        return found

    def values_at(self, path: str) -> list[Any]:
        steps = _steps(path)
        found = self._shown(path, steps)
        return found or self._known_otherwise(path, steps)

    def _shown(self, path: str, steps: tuple[str, ...]) -> list[Any]:
        head = steps[0]
        if head in _HIDDEN:
            return []
        if head == "_internal":
            return walk(self.internal, steps[1:])
        if len(steps) == 1 and head in ("document_id", "collection_id"):
            return [getattr(self, head)]
        if head == "document_blobs":
            return walk([] if self.blobs is None else msgspec.json.decode(self.blobs), steps[1:])
        body = self.body
        # A field may have a dot in its name.
        return [body[path]] if path in body and len(steps) > 1 else walk(body, steps)

    def _known_otherwise(self, path: str, steps: tuple[str, ...]) -> list[Any]:
        head, rest = steps[0], steps[1:]
        if head in _ALIASES:
            return walk(self.internal, (*_ALIASES[head], *rest))
        if head in _HIDDEN or head == "_internal":
            return []
        if head == "payload" and rest and "payload" not in self.body:
            return self.values_at(path.partition(".")[2])
        # The projection shows the keys of ``metadata`` at the root already, so they have been found if they are there.
        inner = self.internal.get("metadata")
        return [] if inner is None else walk(inner, rest if head == "metadata" else steps)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


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
def body_decoder(paths: tuple[str, ...]) -> Callable[[bytes], dict[str, Any]]:
    """A decoder of those root members that the paths can lead to: the others are skipped, which is most of the work."""
    roots = _roots(paths)
    if not roots:
        return lambda _: {}
    if len(roots) > 64:
        return msgspec.json.decode
    names = sorted(roots)
    # Field names are made up, for a root may have any name; the encoded name is what is looked for.
    fields = [(f"f{number}", Any, msgspec.UNSET) for number in range(len(names))]
    struct = msgspec.defstruct("Roots", fields, rename=dict(zip((f[0] for f in fields), names, strict=True)), gc=False)
    decode = msgspec.json.Decoder(struct).decode
    attributes = list(zip(names, (field[0] for field in fields), strict=True))
    unset = msgspec.UNSET

    def decode_roots(data: bytes) -> dict[str, Any]:
        found = decode(data)
        return {name: value for name, field in attributes if (value := getattr(found, field)) is not unset}

    return decode_roots


def _roots(paths: tuple[str, ...]) -> set[str]:
    """The members of the body that ``Fields.values_at`` may touch for the paths."""
    roots: set[str] = set()
    for path in paths:
        steps = path.split(".")
        roots |= {path, steps[0]}
        if steps[0] == "payload":
            roots |= _roots((path.partition(".")[2],)) if len(steps) > 1 else set()
    return roots - {"_internal", "document_id", "collection_id", "document_blobs"}
