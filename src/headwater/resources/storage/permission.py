"""What a signed link still allows: it says what it was made for, and what it was made for may have ended since."""

from __future__ import annotations

from headwater.blobs.keys import owner_of
from headwater.blobs.links import BlobLink
from headwater.catalog.tables.namespaces import load_namespace
from headwater.errors import ConflictError, NotFoundError, SignatureError
from headwater.kit.clock import now_milliseconds
from headwater.resources.storage.repository import state_of
from headwater.runtime import Runtime
from headwater.store.uploads.rows import find_by_staged_key, is_staged


def require_download(runtime: Runtime, link: BlobLink) -> None:
    """``SignatureError`` for a link that is not for this, ``NotFoundError`` when its file was deleted."""
    _require(runtime, link, "GET")
    if state_of(runtime.reader.connection, link.key) == "dropped":
        raise _missing(link)


def require_upload(runtime: Runtime, link: BlobLink) -> None:
    """The same for a PUT; ``ConflictError`` when the file is in use, and so must not change any more."""
    _require(runtime, link, "PUT")
    connection = runtime.reader.connection
    upload = find_by_staged_key(connection, link.key)
    if upload is None and is_staged(link.key):
        raise NotFoundError.of("upload", link.key)
    is_open = state_of(connection, link.key) == "new" if upload is None else upload.is_open(now_milliseconds())
    if not is_open:
        raise ConflictError("The file of this link is confirmed and cannot be replaced; begin a new upload")


def _require(runtime: Runtime, link: BlobLink, method: str) -> None:
    if link.method != method:
        raise SignatureError(f"The link is for {link.method}, not for {method}")
    key = runtime.catalogue.api_key_by_id(link.key_id)
    if key is None or key.status_at(now_milliseconds()) != "active" or key.user_status != "active":
        raise SignatureError("The API key that this link was made for is no longer valid; ask for a new link")
    organization_id, namespace_row = owner_of(link.key)
    if organization_id != key.organization_id or load_namespace(runtime.reader.connection, namespace_row) is None:
        raise _missing(link)


def _missing(link: BlobLink) -> NotFoundError:
    return NotFoundError.of("file", link.key)
