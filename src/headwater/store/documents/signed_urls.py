"""URLs to fetch files by, in answers only: they are made for each answer and never stored."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater.blobs.file_links import FileLinks
from headwater.store.documents.records import DocumentRow
from headwater.store.documents.render import render_document

_encode = msgspec.json.Encoder().encode
#: What a rendered document has in it if there is anything to sign. Text inside of a string has its quotes escaped.
_BLOBS, _REFERENCE = b'"document_blobs":[{', b'"s3://'


def render_with_links(document: DocumentRow, links: FileLinks | None) -> bytes:
    """The document as JSON without vectors, with links to its files unless ``links`` is None."""
    content = render_document(document)
    return content if links is None else with_signed_urls(content, links)


def with_signed_urls(content: bytes, links: FileLinks) -> bytes:
    """A rendered document, in which each of ``document_blobs`` has its ``presigned_url`` and root texts that refer to
    a file of the namespace are URLs to fetch it by."""
    if _BLOBS not in content and _REFERENCE not in content:
        return content
    members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    for name, value in members.items():
        if name == "document_blobs":
            members[name] = _raw([_with_url(blob, links) for blob in msgspec.json.decode(value)])
        elif bytes(value).startswith(_REFERENCE):
            text = msgspec.json.decode(value)
            members[name] = _raw(links.signed(text) or text)
    return _encode(members)


def _with_url(blob: dict[str, Any], links: FileLinks) -> dict[str, Any]:
    url = links.fetched_at(blob["url"], blob.get("content_type", ""), blob.get("filename", ""))
    return blob if url is None else {**blob, "presigned_url": url}


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
