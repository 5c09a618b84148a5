"""What ``update_data`` of the batch and bulk routes does to a stored document. Pure: no database, no lineage.

It is plainer than a PATCH, because the same change may go to documents that nobody looked at. A key without dots
overwrites the whole value at the root, ``metadata`` too, wherever the document showed that name from before. A dotted
key writes one leaf and leaves its neighbours alone. ``null`` is a value: it is stored, and removes nothing. Names with
a meaning of their own (lineage, blobs, ``internal_metadata``) change what they change in a PATCH.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from headwater.errors import ValidationError
from headwater.store.documents.content import SystemFields, parse
from headwater.store.documents.merge import INTERNAL_METADATA, Stored, apply_system, nested_path, nested_place
from headwater.store.documents.projection import IGNORED, RESERVED
from headwater.store.documents.vector_forms import Location

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode

_VECTORS = frozenset({"vectors", "features"})
_FIXED = frozenset({"document_id", "collection_id"})
#: Heads of dotted keys that have a meaning of their own and may be changed leaf by leaf.
_OPEN_HEADS = frozenset({"metadata", INTERNAL_METADATA})


class FieldUpdate(msgspec.Struct, omit_defaults=True):
    """A checked ``update_data`` on its way to the writer."""

    #: JSON object: user fields, ``metadata`` and dotted keys, in the order they were sent in.
    fields: bytes
    system: SystemFields

    @property
    def empty(self) -> bool:
        return self.fields == b"{}" and self.system == SystemFields()


def parse_update(update_data: dict[str, Any], vector_names: Collection[str], location: Location) -> FieldUpdate:
    """Check an ``update_data``. Raises ``ValidationError`` that names the key."""
    for key in update_data:
        _refuse(key, vector_names, [*location, key])
    parsed = parse(update_data, indexes=(), max_width=0, location=location)
    # In the order of the request, and with a null ``metadata``, which ``parse`` takes for absent.
    fields = {name: value for name, value in update_data.items() if name in parsed.root or name == "metadata"}
    return FieldUpdate(_encode(fields), parsed.system)


def _refuse(key: str, vector_names: Collection[str], location: Location) -> None:
    head = key.partition(".")[0]
    if head in _VECTORS or head in vector_names or key in vector_names:
        message = f"{key} is about vectors, which many documents at once cannot change; PATCH the documents one by one"
    elif head in _FIXED:
        message = f"{key} cannot change; leave it out"
    elif head in IGNORED:
        message = f"{key} is made by the server; leave it out"
    elif head != key and head in RESERVED and head not in _OPEN_HEADS:
        message = f"{head} cannot be changed field by field; send it whole"
    else:
        return
    raise ValidationError.at(location, message, "update_data_key")


def apply_update(stored: Stored, update: FieldUpdate) -> None:
    """Change ``own`` and ``internal`` as the update asks, all but lineage. Raises ``ValidationError`` where a dotted
    key leads through a value that is no object."""
    apply_system(stored.internal, update.system)
    for key, value in _decode(update.fields).items():
        path = nested_path(stored, key)
        place = None if path is None else nested_place(stored, path, create=True)
        if path is None or place is None:
            stored.own[key] = value
        else:
            place[path[-1]] = value


#: Other writers get their turn after a transaction, so one takes at most 200 documents, or 4 MiB of updates, or five
#: moves in the lineage, each of which may bring a thousand descendants along: some ten milliseconds each.
SLICE_WEIGHT = 1000
_DOCUMENT_WEIGHT = 5
_MEBIBYTE_WEIGHT = 250
_MOVE_WEIGHT = 200


def weight_of(update: FieldUpdate | None) -> int:
    """How much of ``SLICE_WEIGHT`` the update of one document is; None is its deletion."""
    if update is None:
        return _DOCUMENT_WEIGHT
    size = len(update.fields) * _MEBIBYTE_WEIGHT >> 20
    moves = 0 if update.system.lineage is None else _MOVE_WEIGHT
    return min(SLICE_WEIGHT, max(_DOCUMENT_WEIGHT, size, moves))
