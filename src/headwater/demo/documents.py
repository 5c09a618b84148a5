"""Modules and definitions in the form that the API takes."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from typing import Any

from headwater.demo.standard_library import Definition, Module

BUCKET = "bkt_stdlib"
EXTRACTOR = "text_extractor_v1"


def module_document(module: Module, vector: list[float]) -> dict[str, Any]:
    """A document whose source is the file itself."""
    return {
        "document_id": module.document_id,
        "source_type": "bucket",
        "root_bucket_id": BUCKET,
        "root_object_id": module.object_id,
        "name": module.name,
        "kind": "module",
        "file": str(module.file),
        "lines": module.lines,
        "python": platform.python_version(),
        "content_hash": module.content_hash,
        "features": [_feature(module.text, vector)],
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
