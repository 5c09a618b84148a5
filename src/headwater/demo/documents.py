"""Modules and definitions in the form that the API takes."""

from __future__ import annotations

import base64
import platform
from collections.abc import Iterable, Iterator
from typing import Any

from headwater.demo.standard_library import Definition, Module

#: What a bucket of source files has in its objects.
SCHEMA = {"properties": {"file": {"type": "text"}, "module": {"type": "string"}}}
EXTRACTOR = "text_extractor_v1"


def source_object(module: Module) -> dict[str, Any]:
    """An object that holds the module's file."""
    content = {
        "base64": base64.b64encode(module.file.read_bytes()).decode(),
        # As a browser shows it.
        "mime_type": "text/plain",
        "filename": module.file.name,
    }
    return {
        "module": module.name,
        "idempotency_key": f"{module.document_id} {module.content_hash}",
        "blobs": [{"property": "file", "type": "text", "data": content}],
    }


def module_document(module: Module, vector: list[float], source: dict[str, Any]) -> dict[str, Any]:
    """A document that was made from the object which holds the module's file."""
    return {
        "document_id": module.document_id,
        "source_type": "bucket",
        "root_bucket_id": source["bucket_id"],
        "root_object_id": source["object_id"],
        "source_blobs": [_reference(blob) for blob in source["blobs"]],
        "name": module.name,
        "kind": "module",
        "file": str(module.file),
        "lines": module.lines,
        "python": platform.python_version(),
        "content_hash": module.content_hash,
        "features": [_feature(module.text, vector)],
    }


def _reference(blob: dict[str, Any]) -> dict[str, Any]:
    details = blob["details"]
    return {
        "blob_id": blob["blob_id"],
        "property": blob["property"],
        "type": blob["type"],
        "url": blob["properties"]["url"],
        "filename": details["filename"],
        "content_type": details["mime_type"],
        "size_bytes": details["size_bytes"],
    }


def definition_document(definition: Definition, parent: Module, vector: list[float]) -> dict[str, Any]:
    """A document that names only its parent: root object, bucket, path and chain are the server's to work out."""
    return {
        "document_id": definition.document_id,
        "source_document_id": parent.document_id,
        "name": definition.name,
        "kind": definition.kind,
        "module": definition.module,
        "signature": definition.signature,
        "line": definition.line,
        "end_line": definition.end_line,
        "lines": definition.end_line - definition.line + 1,
        "features": [_feature(definition.text, vector)],
    }


def _feature(text: str, vector: list[float]) -> dict[str, Any]:
    return {"feature_extractor_id": EXTRACTOR, "payload": {"text": text}, "vectors": {"embedding": vector}}


def everything_in(modules: Iterable[Module]) -> Iterator[tuple[Module | Definition, Module]]:
    """Each module and each of its definitions, with that module."""
    for module in modules:
        yield module, module
        for definition in module.definitions:
            yield definition, module


def text_to_embed(thing: Module | Definition) -> str:
    """Name, signature and first paragraph: what one would search it by."""
    signature = thing.signature if isinstance(thing, Definition) else f"module {thing.name}"
    first = thing.text.partition("\n\n")[0]
    return f"{thing.name}\n{signature}\n{first}".strip()
