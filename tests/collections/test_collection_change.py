"""Changing, cloning and freezing collections."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

Make = Any
pytestmark = pytest.mark.anyio


async def patch(client: httpx2.AsyncClient, name: str, **changes: Any) -> httpx2.Response:
    return await client.patch(f"/v1/collections/{name}", json=changes)


async def test_what_is_sent_changes_and_the_rest_stays(client: httpx2.AsyncClient, make: Make) -> None:
    made = await make("articles", description="News", metadata={"team": "search", "tier": 1})
    changed = await patch(client, "articles", metadata={"team": "ads"}, enabled=False, description=None)
    assert changed.status_code == 200, changed.text
    got = (await client.get("/v1/collections/articles")).json()
    assert got == changed.json()
    assert (got["metadata"], got["enabled"], got["description"]) == ({"team": "ads"}, False, "News")
    different = {key for key in got if got[key] != made[key]}
    assert different <= {"metadata", "enabled", "updated_at"}
    assert (await patch(client, "articles")).status_code == 200


async def test_a_rename_is_a_rename_and_not_a_theft(client: httpx2.AsyncClient, make: Make) -> None:
    articles = await make("articles")
    await make("posts")
    clash = await patch(client, "articles", collection_name="posts")
    assert clash.status_code == 409
    assert clash.json()["error"]["code"] == "collection_name_taken"
    renamed = await patch(client, "articles", collection_name="papers")
    assert renamed.status_code == 200
    assert (await client.get("/v1/collections/articles")).status_code == 404
    assert (await client.get("/v1/collections/papers")).json()["collection_id"] == articles["collection_id"]
    same = await patch(client, "papers", collection_name="papers")
    assert same.status_code == 200


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"source": {"type": "none"}}, "immutable"),
        ({"feature_extractor": {"feature_extractor_name": "a", "version": "v1"}}, "immutable"),
        ({"field_passthrough": []}, "immutable"),
        ({"collection_id": "col_1"}, "immutable"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "immutable"),
        ({"tiering_rules": []}, "retired"),
        ({"descriptoin": "typo"}, "extra_forbidden"),
        ({"enabled": "yes"}, "bool_type"),
        ({"index_map": {"mixpeek://a@v1/b": "mixpeek://a@v1/b"}}, "unknown_feature_uri"),
        ({"document_schema": {"type": 7}}, None),
    ],
)
async def test_what_cannot_change_is_refused(
    client: httpx2.AsyncClient, make: Make, changes: dict[str, Any], kind: str | None
) -> None:
    await make("articles")
    before = (await client.get("/v1/collections/articles")).json()
    refused = await patch(client, "articles", **changes, metadata={"stored": "no"})
    assert refused.status_code == 422, refused.text
    item = refused.json()["error"]["details"]["validation_errors"][0]
    assert kind is None or item["type"] == kind
    if kind in {"immutable", "retired", "extra_forbidden"}:
        assert item["location"] == ["body", *changes]
    if kind == "immutable" and "source" in changes:
        assert "clone" in item["message"]
    assert (await client.get("/v1/collections/articles")).json() == before


async def test_null_takes_a_document_schema_away(client: httpx2.AsyncClient, make: Make) -> None:
    await make("articles", document_schema={"type": "object"}, schema_validation="warn")
    kept = await patch(client, "articles", schema_validation="strict")
    assert kept.json()["document_schema"] == {"type": "object"}
    cleared = await patch(client, "articles", document_schema=None)
    assert cleared.json()["document_schema"] is None


async def test_a_clone_is_the_configuration_under_another_name(client: httpx2.AsyncClient, make: Make) -> None:
    original = await make("articles", description="News", metadata={"a": 1}, schema_validation="warn")
    await client.patch("/v1/collections/articles/lifecycle", json={"lifecycle_state": "frozen"})
    cloned = await client.post("/v1/collections/articles/clone", json={"collection_name": "copy", "metadata": {"b": 2}})
    assert cloned.status_code == 200, cloned.text
    clone = cloned.json()["collection"]
    assert cloned.json()["source_collection_id"] == original["collection_id"]
    assert clone["collection_id"] != original["collection_id"]
    assert (clone["description"], clone["metadata"], clone["schema_validation"]) == ("News", {"b": 2}, "warn")
    assert clone["lifecycle_state"] == "active"
    assert (await client.get("/v1/collections/copy")).json() == clone
    again = await client.post("/v1/collections/articles/clone", json={"collection_name": "copy"})
    assert again.status_code == 409
    nobody = await client.post("/v1/collections/nobody/clone", json={"collection_name": "other"})
    assert nobody.status_code == 404


async def test_a_clone_with_another_source_is_derived_from_that(client: httpx2.AsyncClient, make: Make) -> None:
    await make("frames", source={"type": "bucket", "bucket_ids": ["bkt_a"]})
    await make("articles", input_schema={"properties": {"title": {"type": "string"}}})
    cloned = await client.post(
        "/v1/collections/articles/clone",
        json={"collection_name": "copy", "source": {"type": "collection", "collection_id": "frames"}},
    )
    collection = cloned.json()["collection"]
    assert collection["input_schema"] == {"properties": {}}
    assert len(collection["source_lineage"]) == 2


async def test_frozen_and_back(client: httpx2.AsyncClient, make: Make) -> None:
    made = await make("articles")
    url = "/v1/collections/articles/lifecycle"
    before = await client.get(url)
    assert (before.json()["lifecycle_state"], before.json()["last_transitioned_at"]) == ("active", None)
    frozen = await client.patch(url, json={"lifecycle_state": "frozen", "async_transition": True})
    assert frozen.status_code == 200
    assert frozen.json()["lifecycle_state"] == "frozen"
    assert frozen.json() == (await client.get(url)).json()
    again = await client.patch(url, json={"lifecycle_state": "frozen"})
    assert again.json() == frozen.json()
    back = await client.patch(url, json={"lifecycle_state": "active"})
    assert back.json()["lifecycle_state"] == "active"
    assert (await client.get(f"/v1/collections/{made['collection_id']}")).json()["lifecycle_state"] == "active"


async def test_a_frozen_collection_refuses_documents_and_still_reads(client: httpx2.AsyncClient, make: Make) -> None:
    await make("articles")
    documents = "/v1/collections/articles/documents"
    stored = await client.post(documents, json={"title": "one"})
    assert stored.status_code == 200, stored.text
    document_id = stored.json()["document_id"]
    await client.patch("/v1/collections/articles/lifecycle", json={"lifecycle_state": "frozen"})
    refusals = [
        await client.post(documents, json={"title": "two"}),
        await client.patch(f"{documents}/{document_id}", json={"title": "changed"}),
        await client.delete(f"{documents}/{document_id}"),
    ]
    assert [(answer.status_code, answer.json()["error"]["type"]) for answer in refusals] == [(409, "ConflictError")] * 3
    assert (await client.get(f"{documents}/{document_id}")).json()["title"] == "one"
    await client.patch("/v1/collections/articles/lifecycle", json={"lifecycle_state": "active"})
    assert (await client.patch(f"{documents}/{document_id}", json={"title": "changed"})).status_code == 200


@pytest.mark.parametrize("state", ["cold", "archived"])
async def test_states_of_other_deployments_are_named(client: httpx2.AsyncClient, make: Make, state: str) -> None:
    await make("articles")
    refused = await client.patch("/v1/collections/articles/lifecycle", json={"lifecycle_state": state})
    assert refused.status_code == 403
    assert refused.json()["error"]["type"] == "NotEnabledError"
    assert refused.json()["error"]["details"] == {"feature": f"lifecycle_{state}"}
    unknown = await client.patch("/v1/collections/articles/lifecycle", json={"lifecycle_state": "melted"})
    assert unknown.status_code == 422
