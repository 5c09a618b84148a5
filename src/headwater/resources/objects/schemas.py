"""Bodies and answers of the object routes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, model_validator

from headwater.http.models import ClosedModel, OpenModel, refused_keys
from headwater.store.buckets.schema import RESERVED, TYPES

MAX_BLOBS = 100
MAX_EDGES = 1000
_CHECKSUM = re.compile(r"[a-z0-9]+:[0-9A-Za-z+/=_-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")

KeyPrefix = Annotated[StrictStr, Field(max_length=1024)]


def _checksum(value: Any) -> Any:
    """``ALGORITHM:HASH``; bare, it is a SHA-256."""
    if not isinstance(value, str):
        return value
    if _SHA256.fullmatch(value):
        return f"sha256:{value}"
    algorithm, _, digest = value.partition(":")
    if not _CHECKSUM.fullmatch(value) or (algorithm == "sha256" and not _SHA256.fullmatch(digest)):
        raise ValueError("a checksum is ALGORITHM:HASH, such as sha256: and 64 hexadecimal digits in lower case")
    return value


def _field_type(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class BlobRequest(ClosedModel):
    """A file of an object, or a value: `data`, or an upload that was confirmed."""

    property: Annotated[StrictStr, Field(min_length=1, max_length=100)] = Field(
        description="The property of the bucket's schema."
    )
    type: Annotated[Literal[TYPES], BeforeValidator(_field_type)] = Field(description="The type that it has there.")  # type: ignore[valid-type]
    data: Any = Field(
        None,
        description='A URL, a `data:` URI, `{"base64": …, "mime_type": …, "filename": …}`, `{"url": …}`; for the type'
        " `text` also the text; for types of metadata the value.",
    )
    url: StrictStr | None = Field(None, description="The same as a URL in `data`.")
    upload_id: Annotated[StrictStr, Field(pattern=r"^upl_[a-zA-Z0-9_-]+$", max_length=100)] | None = None
    key_prefix: KeyPrefix | None = None
    checksum: Annotated[StrictStr | None, BeforeValidator(_checksum)] = Field(
        None, max_length=300, description="Shown as `details.hash`. A SHA-256 is compared with the bytes."
    )
    metadata: dict[str, Any] | None = Field(None, description="Goes to the object's root, where nothing has the name.")
    canonicalize_source: StrictBool | None = None
    force_remirror: StrictBool | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sent = [name for name in ("data", "url", "upload_id") if getattr(self, name) is not None]
        if len(sent) != 1:
            raise ValueError(f"send exactly one of data and upload_id, not {' and '.join(sent) or 'none'}")
        return self


class Edge(OpenModel):
    """A relation to another object, kept as it is."""

    type: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    target_object_id: Annotated[StrictStr, Field(min_length=1, max_length=255)]
    target_collection_id: StrictStr | None = None
    direction: Literal["out", "in"] = "out"
    attributes: dict[str, Any] = Field(default_factory=dict)


class _Sent(OpenModel):
    """Any other key is a field of the object."""

    key_prefix: KeyPrefix | None = Field(None, description="A logical path.")
    skip_duplicates: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _no_reserved(cls, data: Any) -> Any:
        if isinstance(data, dict):
            reserved = [name for name in data if name in RESERVED and name not in cls._known_keys]
            if reserved:
                raise refused_keys(cls, data, reserved, "reserved", "the name is reserved; choose another field name")
        return data

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the caller's own."""
        return dict(self.model_extra or {})


class CreateObjectRequest(_Sent):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "key_prefix": "/shoes",
                    "title": "Trail runner",
                    "metadata": {"category": "footwear"},
                    "blobs": [{"property": "content", "type": "text", "data": "Light shoe"}],
                }
            ]
        }
    )

    blobs: Annotated[list[BlobRequest], Field(max_length=MAX_BLOBS)] = Field(default_factory=list)
    skip_duplicates: StrictBool = Field(
        False, description="If an object of the bucket has the same files, answer with it and make none."
    )
    canonicalize_source: StrictBool = Field(True, description="Copy files from their URLs; false keeps the URLs.")
    force_remirror: StrictBool = Field(False, description="Store bytes again even if the namespace has them already.")
    idempotency_key: Annotated[StrictStr, Field(min_length=1, max_length=255)] | None = Field(
        None, description="An object of the bucket that was made with the same key is the answer, unchanged."
    )
    edges: Annotated[list[Edge], Field(max_length=MAX_EDGES)] | None = None


class UpdateObjectRequest(_Sent):
    model_config = ConfigDict(json_schema_extra={"examples": [{"metadata": {"category": "boots"}}]})

    metadata: dict[str, Any] | None = Field(
        None, description="Fields to set: inside the object's own `metadata` where it has them, else at its root."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_blobs(cls, data: Any) -> Any:
        if isinstance(data, dict) and "blobs" in data:
            message = "the files of an object do not change; delete the object and create it again"
            raise refused_keys(cls, data, ["blobs"], "blobs_fixed", message)
        return data


class PatchObjectRequest(_Sent):
    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Trail runner 2"}]})


class BlobDetails(BaseModel):
    filename: str | None = None
    size_bytes: int | None = None
    mime_type: str | None = None
    hash: str | None = Field(None, description="`sha256:` and the hash of the bytes.")


class Blob(BaseModel):
    blob_id: str
    property: str
    type: str
    key_prefix: str | None = None
    properties: dict[str, Any] = Field(
        description="`url`, the reference to the bytes; `text` of a short text; `value`."
    )
    presigned_url: str | None = None
    details: BlobDetails


OBJECT_EXAMPLE: dict[str, Any] = {
    "object_id": "obj_9f2k1m7q0a4z",
    "bucket_id": "bkt_a1b2c3d4",
    "key_prefix": "/shoes",
    "status": "PENDING",
    "lifecycle_state": "active",
    "blobs": [
        {
            "blob_id": "blob_5d0e7c1f2a3b",
            "property": "content",
            "type": "text",
            "properties": {"url": "s3://local/ns_3k9/blob_0a1b2c", "text": "Light shoe"},
            "details": {
                "filename": "content.txt",
                "size_bytes": 10,
                "mime_type": "text/plain",
                "hash": "sha256:3ca42ce1d8b2e5c97a8bb3a26e6f1b1b5a0f0d5bd2a9e1c1a2f6b7a8c9d0e1f2",
            },
        }
    ],
    "source_details": [{"type": "bucket", "source_id": "bkt_a1b2c3d4"}],
    "created_at": "2026-01-05T10:00:00.000Z",
    "updated_at": "2026-01-05T10:00:00.000Z",
    "title": "Trail runner",
    "metadata": {"category": "footwear"},
}


class ObjectResponse(BaseModel):
    """The object's own fields stand beside these."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [OBJECT_EXAMPLE]})

    object_id: str
    bucket_id: str
    key_prefix: str | None = None
    status: str
    lifecycle_state: str
    blobs: list[Blob]
    source_details: list[dict[str, Any]]
    edges: list[dict[str, Any]] | None = None
    created_at: str
    updated_at: str
    document_count: int | None = Field(None, description="Documents that name it as their root. Not in lists.")
    consistency: dict[str, Any] | None = Field(None, description="When it can be searched. In answers to creates.")
    warnings: list[str] | None = None
