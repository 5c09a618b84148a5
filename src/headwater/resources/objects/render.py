"""An object as it is shown: the JSON that is stored, and what an answer adds to it."""

from __future__ import annotations

from typing import Any

import orjson

from headwater.catalog.tables.buckets import Bucket


def with_members(content: bytes, **members: Any) -> bytes:
    """The JSON of the object with further members."""
    added = {name: value for name, value in members.items() if value is not None}
    return content if not added else content[:-1] + b"," + orjson.dumps(added)[1:]


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
