"""What a list says about how it was found: ``explain`` and warnings."""

from __future__ import annotations

from typing import Any

import pytest

from .lists import DOCUMENTS, Client, fill, names, post

pytestmark = pytest.mark.anyio


async def test_explain_names_what_was_not_indexed(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, filters={"brand": "Acme"}, sort="price", explain=True, include_total=True)
    explain = page["explain"]
    assert (explain["indexed"], explain["unindexed"]) == ([], ["brand", "price"])
    assert explain["rows_read"] == 2 * len(DOCUMENTS)
    assert explain["plan"]
    by_get = await client.get("/v1/collections/things/documents?explain=true&sort=price")
    assert by_get.json()["explain"]["unindexed"] == ["price"]
    assert "explain" not in await post(client)


async def test_explain_names_what_was_indexed(client: Client, namespace: dict[str, Any], make_collection: Any) -> None:
    indexes = [{"field_name": "brand", "type": "keyword"}, {"field_name": "price", "type": "float"}]
    path = f"/v1/namespaces/{namespace['namespace_id']}"
    assert (await client.patch(path, json={"payload_indexes": indexes})).status_code == 200
    await make_collection()
    await fill(client)
    page = await post(client, filters={"brand": "Acme"}, sort="price", explain=True)
    assert sorted(page["explain"]["indexed"]) == ["brand", "price"]
    assert page["explain"]["unindexed"] == []
    assert page["explain"]["rows_read"] < len(DOCUMENTS)
    assert await names(client, sort="price") == "hgabcdef"
    assert await names(client, sort="price:desc") == "dcgbahef"


async def test_a_large_scan_says_how_to_index(
    client: Client, collection: dict[str, Any], namespace: dict[str, Any], runtime: Any
) -> None:
    await fill(client)
    assert (await post(client, filters={"brand": "Acme"}))["warnings"] is None
    runtime.settings.learn_rows = len(DOCUMENTS)
    (warning,) = (await post(client, filters={"brand": "Acme"}))["warnings"]
    assert "8 documents were read" in warning
    assert "brand" in warning
    assert f"PATCH /v1/namespaces/{namespace['namespace_id']}" in warning
    (warning,) = (await post(client, sort="created_at:desc"))["warnings"]
    assert "payload_indexes" not in warning, "nobody may declare that one"
    assert "_internal.created_at" in warning
    (warning,) = (await post(client, search="acme"))["warnings"]
    assert warning.startswith("search read 8 documents")
    assert (await post(client, limit=8))["warnings"] is None, "a page without filters reads what it shows"


async def test_newest_first_needs_no_index(client: Client, collection: dict[str, Any]) -> None:
    await fill(client)
    page = await post(client, sort="_internal.created_at:desc", limit=2, explain=True)
    assert [document["document_id"] for document in page["results"]] == ["h", "g"]
    assert page["explain"]["rows_read"] <= 3


async def test_too_many_groups_are_refused_by_name(
    client: Client, collection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(client)
    monkeypatch.setattr("headwater.store.find.grouping.MAX_GROUPS", 2)
    answer = await client.post("/v1/collections/things/documents/list", json={"group_by": "price"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "too_many_groups")


async def test_a_query_that_takes_too_long_is_stopped(client: Client, collection: dict[str, Any], runtime: Any) -> None:
    await fill(client, [{"document_id": f"doc_{number:03d}", "n": number} for number in range(100)])
    runtime.settings.query_timeout_seconds = -1.0
    for asked in ({"search": "acme"}, {"sort": "n"}, {"group_by": "n"}):
        answer = await client.post("/v1/collections/things/documents/list", json=asked)
        assert (answer.status_code, answer.json()["error"]["type"]) == (504, "QueryTimeoutError")
    batch = {"queries": [{"key": "slow", "request": {"search": "acme"}}]}
    answers = (await client.post("/v1/documents/list/batch", json=batch)).json()
    assert "and was stopped" in answers["results"][0]["error"]


async def test_what_reads_much_moves_to_a_lane(client: Client, collection: dict[str, Any], runtime: Any) -> None:
    await fill(client, [{"document_id": f"doc_{number:03d}", "n": number} for number in range(100)])
    runtime.settings.query_thread_rows = 20
    assert len((await post(client, filters={"n": {"gte": 0}}, limit=1000))["results"]) == 100
    assert (await post(client, filters={"n": {"lt": 50}}, limit=1, include_total=True))["total_documents"] == 50
