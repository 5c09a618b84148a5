"""Files behind signed links: whose link it is, what it opens, and the file itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response

from headwater.blobs.links import BlobLink, read_link
from headwater.errors import NotFoundError, SignatureError
from headwater.resources.storage.exported import exported_file
from headwater.resources.storage.permission import require_download, require_upload
from headwater.resources.storage.receiving import receive
from headwater.resources.storage.sending import StoredFile, answer
from headwater.runtime import Runtime


async def download(runtime: Runtime, token: str, request: Request) -> Response:
    """The file of a link, or what the request's conditions and range make of it."""
    link = read_link(runtime.secret, token)
    file = exported_file(runtime, token) if link is None else await _stored_file(runtime, link)
    return answer(file, request.headers, head=request.method == "HEAD")


async def _stored_file(runtime: Runtime, link: BlobLink) -> StoredFile:
    require_download(runtime, link)
    info = await runtime.blobs.stat(link.key)
    if info is None:
        raise NotFoundError.of("file", link.key)

    @asynccontextmanager
    async def part(start: int, stop: int) -> AsyncIterator[AsyncIterator[bytes | bytearray]]:
        async with runtime.blobs.open(link.key, start, stop) as content:
            yield content.chunks

    return StoredFile(info.size_bytes, info.etag, info.modified_at, link.content_type, link.filename, part)


async def upload(runtime: Runtime, token: str, request: Request) -> Response:
    """Take the file of a link. Until it is confirmed it may be sent again, which replaces it."""
    link = read_link(runtime.secret, token)
    if link is None:
        raise SignatureError(
            "The link is not one of this server, is for downloads, or it was changed; begin a new upload"
        )
    require_upload(runtime, link)
    info = await receive(runtime, link, request)
    return Response(status_code=200, headers={"ETag": f'"{info.etag}"'})
