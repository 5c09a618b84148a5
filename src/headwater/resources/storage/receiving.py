"""A file as a request: the body of a PUT goes into the store as it arrives."""

from __future__ import annotations

from starlette.requests import Request

from headwater.blobs.interface import BlobInfo, Expected
from headwater.blobs.links import BlobLink
from headwater.errors import PayloadTooLargeError, SignatureError
from headwater.http.body import stream_body
from headwater.runtime import Runtime


async def receive(runtime: Runtime, link: BlobLink, request: Request) -> BlobInfo:
    """Store the body under the link's key. ``SignatureError`` when its type or length is another than was signed."""
    declared = request.headers.get("content-length")
    _check_type(link, request.headers.get("content-type", ""))
    limit = runtime.settings.blobs_max_bytes
    if declared is not None:
        _check_length(link, int(declared), limit)
    expected = Expected(size_bytes=link.size_bytes, max_bytes=limit)
    body = stream_body(request.scope, request.receive)
    return await runtime.blobs.put(link.key, body, expected, content_type=link.content_type)


def _check_type(link: BlobLink, content_type: str) -> None:
    if content_type.strip().lower() != link.content_type.strip().lower():
        raise SignatureError(
            f"The link is for Content-Type {link.content_type!r}, not {content_type[:200]!r}; send that header",
            details={"content_type": link.content_type},
        )


def _check_length(link: BlobLink, size_bytes: int, limit: int) -> None:
    if link.size_bytes is not None and size_bytes != link.size_bytes:
        raise SignatureError(
            f"The link is for {link.size_bytes} bytes, not {size_bytes}", details={"size_bytes": link.size_bytes}
        )
    if size_bytes > limit:
        raise PayloadTooLargeError(
            f"the file has {size_bytes} bytes; HEADWATER_BLOBS_MAX_BYTES={limit} is the most",
            details={"limit_bytes": limit},
        )
