"""Creating and getting collections: what is accepted, what follows from it, what is refused."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest

pytestmark = pytest.mark.anyio


def body(name: str = "articles", **more: Any) -> dict[str, Any]:
    return {"collection_name": name, "source": {"type": "none"}, **more}


async def test_a_collection_is_found_by_id_and_by_name(client: httpx2.AsyncClient) -> None:
    made = await client.post("/v1/collections", json=body(description="News", metadata={"team": "search"}))
    assert made.status_code == 200, made.text
    collection = made.json()
    assert collection["collection_id"].startswith("col_")
    assert collection["feature_extractor"]["feature_extractor_id"] == "passthrough_extractor_v1"
    for identifier in (collection["collection_id"], "articles"):
        got = await client.get(f"/v1/collections/{identifier}")
        assert got.status_code == 200
        assert got.json() == collection
