"""What a worker sends of an object: parsed, with its bytes stored already."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.store.blobs.uses import StoredBlob


class NewBlob(msgspec.Struct):
    """A blob of an object: bytes in the store, a URL elsewhere, or a JSON value."""

    blob_id: str
    property_name: str
    type: str
    key_prefix: str | None = None
    #: What is shown of it: ``url``, ``text``, …
    properties: dict[str, Any] = {}
    #: ``filename``, ``size_bytes``, ``mime_type``, ``hash``, as far as they are known.
    details: dict[str, Any] = {}
    #: The value of a blob with a metadata type.
    value: Any = None
    #: Where its bytes are, if we have them.
    blob_key: str | None = None

    def shown(self) -> dict[str, Any]:
        """The blob as its object shows it."""
        found = {"blob_id": self.blob_id, "property": self.property_name, "type": self.type}
        if self.key_prefix is not None:
            found["key_prefix"] = self.key_prefix
        properties = self.properties if self.value is None else {**self.properties, "value": self.value}
        return {**found, "properties": properties, "details": self.details}


class ObjectContent(msgspec.Struct):
    #: Custom fields, which stand at the object's root.
    fields: dict[str, Any] = {}
    blobs: list[NewBlob] = []
    key_prefix: str | None = None
    edges: list[dict[str, Any]] | None = None
    #: Bytes that were stored just now and have no rows yet.
    stored: list[StoredBlob] = []
    idempotency_key: str | None = None
    skip_duplicates: bool = False


class ObjectChanges(msgspec.Struct):
    """A PUT or PATCH. A value of null takes a field away."""

    fields: dict[str, Any] = {}
    #: Fields that go into the nested ``metadata`` where it has them already, else to the root.
    metadata: dict[str, Any] = {}
    key_prefix: str | None = None

    @property
    def empty(self) -> bool:
        return not self.fields and not self.metadata and self.key_prefix is None
