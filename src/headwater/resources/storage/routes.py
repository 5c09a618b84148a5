"""Routes of signed links. The link itself is the permission: it needs no API key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from headwater.http.dependencies import CurrentRuntime
from headwater.http.route import Route
from headwater.resources.storage import service

router = APIRouter(route_class=Route, tags=["Files"])

_BYTES = {"schema": {"type": "string", "format": "binary"}, "example": "(its bytes)"}
_BINARY = {"application/octet-stream": _BYTES}
#: Of the type that the file was stored with.
_FILE = {"*/*": _BYTES}
_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": _FILE},
    206: {"description": "The part that `Range` asks for", "content": _FILE},
    304: {"description": "The file is still the one that `If-None-Match` names"},
}
_UPLOAD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file is stored",
        "headers": {
            "ETag": {
                "description": "Its MD5",
                "schema": {"type": "string"},
                "example": '"9a0364b9e99bb480dd25e1f0284c8555"',
            }
        },
    }
}


@router.get(
    "/v1/_storage/{token}",
    summary="Download a file",
    operation_id="download_file",
    response_class=Response,
    responses=_DOWNLOAD,
)
async def download_file(token: str, runtime: CurrentRuntime, request: Request) -> Response:
    """The file of a signed link: of an object, of a document, or of an export.

    The link itself is the permission: it needs no key, is good for an hour, and ends before that when the API key that
    asked for it is revoked or the file is deleted. `Range` fetches one part, so that a player can seek and a download
    that broke off can go on. Images, videos, sounds, texts and PDF are shown by browsers; everything else is saved.
    """
    return await service.download(runtime, token, request)


@router.put(
    "/v1/_storage/{token}",
    summary="Upload a file",
    operation_id="upload_file",
    response_class=Response,
    responses=_UPLOAD,
    openapi_extra={"requestBody": {"required": True, "content": _BINARY}},
)
async def upload_file(token: str, runtime: CurrentRuntime, request: Request) -> Response:
    """Send the bytes of an upload to its `presigned_url`, with the `Content-Type` that the upload was announced with.

    The file is there whole or not at all. It may be sent again until the upload is confirmed.
    """
    return await service.upload(runtime, token, request)
