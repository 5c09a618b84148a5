"""Handing out the files of exports to whoever has a link."""

from __future__ import annotations

from starlette.responses import FileResponse

from headwater.errors import NotFoundError
from headwater.runtime import Runtime
from headwater.store.transfer.files import Manifest, load_manifest, path_of
from headwater.store.transfer.links import Link, read_link

_MEDIA_TYPES = {
    "json": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
_HEADERS = {
    # What is in the file is somebody's data: no browser may take it for a page of this server, or keep it.
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox",
    "Cache-Control": "private, no-store",
}


def download(runtime: Runtime, token: str) -> FileResponse:
    """The file of a link, or the part of it that is asked for. Raises ``SignatureError``, ``NotFoundError``."""
    link = read_link(runtime.secret, token)
    manifest = load_manifest(runtime.settings.data, link.export_id)
    if manifest is None or manifest.organization_id != link.organization_id:
        raise NotFoundError.of("export", link.export_id)
    return _response(runtime, link, manifest)


def _response(runtime: Runtime, link: Link, manifest: Manifest) -> FileResponse:
    file = next((file for file in manifest.files if file.name == link.name), None)
    if file is None:
        raise NotFoundError.of("export", link.export_id)
    return FileResponse(
        path_of(runtime.settings.data, link.export_id, file.name),
        media_type=_MEDIA_TYPES[manifest.format],
        filename=file.download_name,
        headers=_HEADERS,
    )
