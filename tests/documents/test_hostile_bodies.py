"""Any JSON object is a document or a 4xx, and what was accepted is read back: never a 500, never half a write."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime
from headwater.store.documents.projection import RESERVED

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
KEYS = [*sorted(RESERVED), "modality", "brand", "a.b", "metadata.x", "internal_metadata.y", "_internal.z", "f_e", ""]
INNER = ["feature_extractor_id", "payload", "vectors", "collection_id", "field", "url", "indices", "values", "e", ""]
SCALARS = [
    None,
    True,
    0,
    -1,
    1.5,
    1e38,
    2**63 - 1,
    "",
    "f",
    "bucket",
    "col_things",
    "2026-01-05",
    "\0",
    "ü",
    "http://x",
]


def value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth == 0 or kind < 0.4:
        return rng.choice(SCALARS)
    if kind < 0.7:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(INNER): value(rng, depth - 1) for _ in range(rng.randrange(5))}


def body(rng: random.Random) -> dict[str, Any]:
    return {rng.choice(KEYS): value(rng, 4) for _ in range(rng.randrange(1, 5))}


async def test_random_bodies_are_answered_and_only_whole_ones_stored(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    rng = random.Random(20261123)
    base = (await api.post(PATH, json={"brand": "Acme", "metadata": {"x": 1}})).json()["document_id"]
    created, patched = 1, 0
    for _ in range(600):
        sent = body(rng)
        answer = await api.post(PATH, json=sent)
        assert answer.status_code in (200, 400, 409, 422), (sent, answer.text)
        if answer.status_code == 200:
            created += 1
            document_id = quote(answer.json()["document_id"], safe="")
            read = await api.get(f"/v1/documents/{document_id}")
            # An id with a slash cannot stand in a path.
            assert read.content == answer.content or "%2F" in document_id
        method = rng.choice(["PUT", "PATCH"])
        change = await api.request(method, f"{PATH}/{base}?return_vectors=true", json=sent)
        assert change.status_code in (200, 400, 409, 422), (sent, change.text)
        patched += change.status_code == 200
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == created
    assert min(created, patched) > 50
