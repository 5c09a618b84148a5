"""The documents that queries look for: 1 KB of fields, no vectors, four documents an object."""

from __future__ import annotations

import random
from collections.abc import Iterator

import orjson

from benchmarks.documents import document_id
from benchmarks.load import Target

#: Declared as ``payload_indexes``; ``plain`` and ``amount`` hold the same kinds of values without an index.
INDEXES = {"brand": "keyword", "price": "float", "status": "keyword", "views": "integer", "released": "datetime"}
BRANDS = 100
_TEXT = "The quick brown fox jumps over the lazy dog while nobody is looking at the warehouse. " * 8
_PER_OBJECT = 4
_BATCH = 1000


def fields(number: int, chance: random.Random) -> dict[str, object]:
    return {
        "title": f"document {number}",
        "text": _TEXT,
        "brand": f"brand {chance.randrange(BRANDS)}",
        "plain": f"brand {chance.randrange(BRANDS)}",
        "price": round(chance.random() * 1000, 2),
        "amount": round(chance.random() * 1000, 2),
        "status": chance.choice(["live", "draft", "old"]),
        "views": chance.randrange(10_000),
        "released": f"20{chance.randrange(10, 26)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
    }


def object_of(number: int) -> str:
    return f"obj_{number // _PER_OBJECT}"


def parent_of(number: int) -> int:
    """The first document of the object, from which the others were made."""
    return number - number % _PER_OBJECT


def upserts(target: Target, namespace: str, collection: str, first: int, count: int) -> list[bytes]:
    path = f"/v1/namespaces/{namespace}/documents/upsert"
    bodies = ({"collection_id": collection, "documents": found} for found in _batches(first, count))
    return [target.encode("POST", path, orjson.dumps(body)) for body in bodies]


def _batches(first: int, count: int) -> Iterator[list[dict[str, object]]]:
    chance = random.Random(first)
    for start in range(first, first + count, _BATCH):
        numbers = range(start, min(start + _BATCH, first + count))
        yield [_document(number, chance) for number in numbers]


def _document(number: int, chance: random.Random) -> dict[str, object]:
    document: dict[str, object] = {
        "document_id": document_id(number),
        "vectors": {},
        "payload": fields(number, chance),
        "root_object_id": object_of(number),
    }
    if parent_of(number) != number:
        document["source_document_id"] = document_id(parent_of(number))
    return document


def creates(target: Target, collection: str, count: int, seed: int) -> list[bytes]:
    chance = random.Random(seed)
    path = f"/v1/collections/{collection}/documents"
    return [target.encode("POST", path, orjson.dumps(fields(number, chance))) for number in range(count)]


def chroma_adds(target: Target, path: str, count: int) -> list[bytes]:
    """The same fields as metadata, the text as the document, and the smallest vectors that Chroma takes."""
    chance = random.Random(0)
    requests = []
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        metadatas = [fields(number, chance) for number in numbers]
        body = {
            "ids": [document_id(number) for number in numbers],
            "embeddings": [[1.0, number / count] for number in numbers],
            "documents": [str(metadata.pop("text")) for metadata in metadatas],
            "metadatas": metadatas,
        }
        requests.append(target.encode("POST", path, orjson.dumps(body)))
    return requests
