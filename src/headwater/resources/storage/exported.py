"""The files of exports, for whoever has a link to one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from headwater.blobs.reading import open_file
from headwater.errors import NotFoundError
from headwater.resources.storage.sending import StoredFile
from headwater.runtime import Runtime
from headwater.store.transfer.files import Manifest, load_manifest, path_of
from headwater.store.transfer.links import Link, read_link

_MEDIA_TYPES = {
    "json": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


def exported_file(runtime: Runtime, token: str) -> StoredFile:
    """The file of a link. Raises ``SignatureError``, ``NotFoundError``."""
    link = read_link(runtime.secret, token)
    manifest = load_manifest(runtime.settings.data, link.export_id)
    if manifest is None or manifest.organization_id != link.organization_id:
        raise NotFoundError.of("export", link.export_id)
    return _file(runtime.settings.data, link, manifest)


def _file(directory: Path, link: Link, manifest: Manifest) -> StoredFile:
    file = next((file for file in manifest.files if file.name == link.name), None)
    if file is None:
        raise NotFoundError.of("export", link.export_id)

    def opening() -> int:
        try:
            return os.open(path_of(directory, link.export_id, file.name), os.O_RDONLY)
        except FileNotFoundError:
            raise NotFoundError.of("export", link.export_id) from None

    @asynccontextmanager
    async def part(start: int, stop: int) -> AsyncIterator[AsyncIterator[bytes | bytearray]]:
        async with open_file(None, opening, start, stop) as opened:
            yield opened.chunks

    return StoredFile(
        file.size_bytes,
        f"{link.export_id}-{file.name}",
        manifest.exported_at / 1000,
        _MEDIA_TYPES[manifest.format],
        file.download_name,
        part,
        shown=False,
    )
