"""Any JSON in place of a batch or bulk body is answered with a 200 or a 422: never a 500, never half a document."""

from __future__ import annotations

import random
from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from tests.documents.test_hostile_bodies import SCALARS, body, value

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
ROUTES = [("POST", "batch"), ("DELETE", "batch"), ("PATCH", "bulk")]
KEYS = ["updates", "document_ids", "filters", "update_data", "filter", "reason", "documents"]
#: Names that an update may have: their values are what may be wrong.
FIELDS = ["brand", "a.b", "a.b.c", "a", "n", "", "a..b", "metadata.x", "metadata.x.y", "internal_metadata.y"]
SYSTEM = ["metadata", "modality", "content_hash", "root_object_id", "source_document_id", "source_blobs"]


def update(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.2:
        return body(rng)
    names = FIELDS if rng.random() < 0.8 else SYSTEM
    return {rng.choice(names): value(rng, 3) for _ in range(rng.randrange(4))}


def request(rng: random.Random, method: str, route: str) -> dict[str, Any]:
    """Often the right keys, and in them often the wrong things."""
    if rng.random() < 0.2:
        return {rng.choice(KEYS): value(rng, 3) for _ in range(rng.randrange(4))}
    if method == "DELETE":
        return {"document_ids": [rng.choice(["x", "y", *SCALARS]) for _ in range(2)]}
    if route == "batch" and rng.random() < 0.5:
        return {"updates": [{"document_id": rng.choice(["a", "b", "c"]), "update_data": update(rng)} for _ in range(2)]}
    filters = rng.choice([{"brand": "Acme"}, {"n": {"gte": 0}}, {"NOT": {"brand": "x"}}, {}, value(rng, 2)])
    return {"filters": filters, "update_data": update(rng)}


async def test_random_requests_are_answered_and_documents_stay_whole(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    rng = random.Random(20261126)
    for name in ("a", "b"):
        await api.post(PATH, json={"document_id": name, "brand": "Acme", "n": 1, "metadata": {"x": 1}})
    done = 0
    for _ in range(600):
        method, route = rng.choice(ROUTES)
        sent = request(rng, method, route)
        if method == "DELETE" and "filters" in sent:
            sent["filters"] = {"brand": "nobody's"}
        answer = await api.request(method, f"{PATH}/{route}", json=sent)
        assert answer.status_code in (200, 422), (method, route, sent, answer.text)
        done += answer.status_code == 200
        for name in ("a", "b"):
            read = await api.get(f"{PATH}/{name}")
            assert read.status_code == 200
            # What is read can be put back, and then nothing is new but the version.
            back = await api.put(f"{PATH}/{name}", json=read.json())
            assert back.status_code == 200, (sent, read.text, back.text)
            assert without_times(back.json()) == without_times(read.json()), sent
    assert done > 100
    listed = await api.post(f"{PATH}/list", json={"limit": 10})
    assert [document["document_id"] for document in listed.json()["results"]] == ["a", "b"]


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    internal = {name: item for name, item in document["_internal"].items() if name != "updated_at"}
    return {name: item for name, item in document.items() if name != "searchable_at"} | {"_internal": internal}


@pytest.mark.parametrize("sent", [None, [], "text", 7, {"update_data": {"a": float("1e400")}}])
async def test_a_body_of_another_kind_is_malformed(api: httpx2.AsyncClient, things: Collection, sent: Any) -> None:
    for method, route in ROUTES:
        text = b"" if sent is None else str(sent).replace("'", '"').encode()
        answer = await api.request(method, f"{PATH}/{route}", content=text)
        assert answer.status_code in (400, 422), (method, route, answer.text)
