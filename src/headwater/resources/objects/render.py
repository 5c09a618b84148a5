"""An object as it is shown: the JSON that is stored, and what an answer adds to it."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from headwater.blobs.file_links import FileLinks
from headwater.catalog.tables.buckets import Bucket


def with_members(content: bytes, **members: Any) -> bytes:
    """The JSON of the object with further members."""
    added = {name: value for name, value in members.items() if value is not None}
    return content if not added else content[:-1] + b"," + orjson.dumps(added)[1:]


def with_links(content: bytes, links: FileLinks) -> bytes:
    """The JSON of the object, in which each blob whose bytes can be fetched has a ``presigned_url``, at its top and in
    its ``properties``."""
    members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    blobs = [_with_link(blob, links) for blob in msgspec.json.decode(members["blobs"])]
    return msgspec.json.encode(members | {"blobs": blobs})


def _with_link(blob: dict[str, Any], links: FileLinks) -> dict[str, Any]:
    details, properties = blob["details"], blob["properties"]
    url = links.fetched_at(properties.get("url") or "", details.get("mime_type") or "", details.get("filename") or "")
    if url is None:
        return blob
    return {**blob, "presigned_url": url, "properties": {**properties, "presigned_url": url}}


def consistency(bucket: Bucket, object_id: str) -> dict[str, Any]:
    """How a client learns that something was made of a new object."""
    return {
        "retriever_visible": "after_processing",
        "write_token_available": False,
        "poll": {
            "endpoint": f"/v1/buckets/{bucket.bucket_id}/objects/{object_id}",
            "field": "document_count",
            "ready_when": ">0",
        },
    }
