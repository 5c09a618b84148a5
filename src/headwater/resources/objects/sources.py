"""Where the content of a blob comes from, read from the forms that a request may use."""

from __future__ import annotations

import binascii
import mimetypes
from base64 import b64decode
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from headwater.blobs.presentation import safe_name
from headwater.errors import ValidationError
from headwater.resources.objects.schemas import BlobRequest
from headwater.store.buckets.schema import METADATA_TYPES

_FETCHED = ("http://", "https://")
_MAX_URL_LENGTH = 4096
_DEFAULT_TYPES = {"text": "text/plain", "pdf": "application/pdf"}
Location = list[str | int]


@dataclass(frozen=True)
class Inline:
    """The bytes themselves."""

    content: bytes
    content_type: str
    filename: str
    #: It came as plain text, and is shown as such.
    text: str | None = None


@dataclass(frozen=True)
class Link:
    """Bytes behind a URL: ``http``, ``https`` or ``s3``."""

    url: str

    @property
    def can_be_fetched(self) -> bool:
        return self.url.lower().startswith(_FETCHED)


@dataclass(frozen=True)
class Upload:
    """Bytes that an upload brought."""

    upload_id: str


@dataclass(frozen=True)
class Value:
    """JSON of a metadata type. Nothing is stored besides the object."""

    value: Any


Source: TypeAlias = Inline | Link | Upload | Value


def source_of(blob: BlobRequest, location: Location) -> Source:
    """Raises ``ValidationError`` for what is in none of the forms."""
    if blob.upload_id is not None:
        return Upload(blob.upload_id)
    if blob.type in METADATA_TYPES:
        return Value(blob.url if blob.data is None else blob.data)
    data = {"url": blob.url} if blob.data is None else blob.data
    at: Location = [*location, "data"]
    if isinstance(data, str):
        return _of_text(blob, data, at)
    if isinstance(data, dict) and isinstance(data.get("url"), str):
        return _link(data["url"].strip(), at)
    if isinstance(data, dict) and isinstance(data.get("base64"), str):
        mime_type, filename = _optional_text(data, "mime_type", at), _optional_text(data, "filename", at)
        return _inline(blob, _decoded(data["base64"], at), mime_type, filename)
    raise _no_source(blob, at)


def _of_text(blob: BlobRequest, text: str, at: Location) -> Source:
    trimmed = text.strip()
    scheme = trimmed.partition(":")[0].lower()
    if scheme == "data" and trimmed[:5].lower() == "data:":
        return _data_uri(blob, trimmed, at)
    if scheme in ("http", "https", "s3") and "://" in trimmed and not any(map(str.isspace, trimmed)):
        return _link(trimmed, at)
    if blob.type == "text":
        return _inline(blob, text.encode(), "text/plain", None, text)
    raise _no_source(blob, at)


def _no_source(blob: BlobRequest, at: Location) -> ValidationError:
    text = ", or the text itself" if blob.type == "text" else ""
    message = (
        f'the content of a blob of type {blob.type} is a URL, a data: URI, {{"base64": …}} or {{"url": …}}{text};'
        " base64 without one of these is not guessed"
    )
    return ValidationError.at(at, message, "blob_data")


def _link(url: str, at: Location) -> Link:
    if len(url) > _MAX_URL_LENGTH or not url.lower().startswith((*_FETCHED, "s3://")):
        message = f"a URL begins with http://, https:// or s3:// and has up to {_MAX_URL_LENGTH} characters"
        raise ValidationError.at(at, f"{message}, not {url[:80]!r}", "url")
    return Link(url)


def _data_uri(blob: BlobRequest, uri: str, at: Location) -> Inline:
    head, comma, payload = uri[5:].partition(",")
    if not comma:
        raise ValidationError.at(at, "a data: URI has a comma before its content", "data_uri")
    media_type, *parameters = head.split(";")
    encoded = any(parameter.strip().lower() == "base64" for parameter in parameters)
    content = _decoded(payload, at) if encoded else unquote_to_bytes(payload)
    return _inline(blob, content, media_type.strip().lower() or "text/plain", None)


def _decoded(text: str, at: Location) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationError.at(at, f"the base64 cannot be decoded: {error}", "base64") from error


def _optional_text(data: dict[str, Any], name: str, at: Location) -> str | None:
    value = data.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > 255):
        raise ValidationError.at([*at, name], f"{name} must be text of up to 255 characters", "string_type")
    return value


def _inline(
    blob: BlobRequest, content: bytes, mime_type: str | None, filename: str | None, text: str | None = None
) -> Inline:
    name = safe_name(filename or "")
    content_type = mime_type or mimetypes.guess_type(name)[0] or _DEFAULT_TYPES.get(blob.type, "")
    return Inline(content, content_type, name or default_name(blob.property, content_type), text)


def default_name(name: str, content_type: str) -> str:
    """A file name for content that came without one."""
    return safe_name(name + (mimetypes.guess_extension(content_type.partition(";")[0].strip()) or ""))
