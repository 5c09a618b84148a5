"""Creating and getting collections: what is accepted, what follows from it, what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from headwater.runtime import Runtime

Make = Any
pytestmark = pytest.mark.anyio


def body(name: str = "articles", **more: Any) -> dict[str, Any]:
    return {"collection_name": name, "source": {"type": "none"}, **more}


async def stored_names(runtime: Runtime) -> list[str]:
    rows = runtime.reader.connection.execute("SELECT collection_name FROM collections WHERE state = 'active'")
    return sorted(name for (name,) in rows)


async def test_a_collection_is_found_by_id_and_by_name(client: httpx2.AsyncClient) -> None:
    made = await client.post("/v1/collections", json=body(description="News", metadata={"team": "search"}))
    assert made.status_code == 200, made.text
    collection = made.json()
    assert collection["collection_id"].startswith("col_")
    assert collection["feature_extractor"]["feature_extractor_id"] == "passthrough_extractor_v1"
    assert collection["source"] == {"type": "none"}
    for identifier in (collection["collection_id"], "articles"):
        got = await client.get(f"/v1/collections/{identifier}")
        assert got.status_code == 200
        assert got.json() == collection
    missing = await client.get("/v1/collections/col_nope")
    assert missing.status_code == 404
    assert missing.json()["error"]["details"] == {"resource": "collection", "id": "col_nope"}


async def test_a_name_is_taken_once(client: httpx2.AsyncClient, make: Make, runtime: Runtime) -> None:
    await make("articles")
    again = await client.post("/v1/collections", json=body())
    assert again.status_code == 409
    assert again.json()["error"] | {"message": ""} == {
        "message": "",
        "type": "AlreadyExistsError",
        "code": "collection_name_taken",
        "details": {"resource": "collection", "name": "articles"},
    }
    assert await stored_names(runtime) == ["articles"]


async def test_of_many_concurrent_creates_of_a_name_one_succeeds(client: httpx2.AsyncClient, runtime: Runtime) -> None:
    answers = await asyncio.gather(*(client.post("/v1/collections", json=body()) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert await stored_names(runtime) == ["articles"]


async def test_the_same_name_in_another_namespace_is_another_collection(client: httpx2.AsyncClient, make: Make) -> None:
    first = await make("articles")
    other = (await client.post("/v1/namespaces", json={"namespace_name": "other"})).json()["namespace_id"]
    second = await client.post("/v1/collections", json=body(), headers={"X-Namespace": other})
    assert second.status_code == 200
    assert second.json()["collection_id"] != first["collection_id"]
    elsewhere = await client.get(f"/v1/collections/{first['collection_id']}", headers={"X-Namespace": other})
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    ("change", "location"),
    [
        ({"collection_name": "ab"}, ["body", "collection_name"]),
        ({"collection_name": "x" * 101}, ["body", "collection_name"]),
        ({"collection_name": None}, ["body", "collection_name"]),
        ({"sauce": 1}, ["body", "sauce"]),
        ({"source": None}, ["body", "source"]),
        ({"source": {"type": "nowhere"}}, ["body", "source", "type"]),
        ({"source": {"type": "bucket"}}, ["body", "source"]),
        ({"source": {"type": "bucket", "bucket_ids": []}}, ["body", "source", "bucket_ids"]),
        ({"source": {"type": "collection"}}, ["body", "source"]),
        ({"source": {"type": "collection", "collection_id": "a", "collection_ids": ["b"]}}, ["body", "source"]),
        ({"source": {"type": "none", "collection_id": "a"}}, ["body", "source"]),
        ({"feature_extractor": {"feature_extractor_name": "x"}}, ["body", "feature_extractor", "version"]),
        ({"schema_validation": "maybe"}, ["body", "schema_validation"]),
        (
            {"input_schema": {"properties": {"a": {"type": "blob"}}}},
            ["body", "input_schema", "properties", "a", "type"],
        ),
    ],
)
async def test_a_malformed_body_is_refused_at_its_place(
    client: httpx2.AsyncClient, runtime: Runtime, change: dict[str, Any], location: list[str]
) -> None:
    refused = await client.post("/v1/collections", json=body() | change)
    assert refused.status_code == 422, refused.text
    assert refused.json()["error"]["details"]["validation_errors"][0]["location"] == location
    assert await stored_names(runtime) == []


async def test_one_way_to_build_a_collection(client: httpx2.AsyncClient) -> None:
    extractor = {"feature_extractor_name": "passthrough_extractor", "version": "v1"}
    both = await client.post("/v1/collections", json=body(feature_extractor=extractor, retriever_transform={"a": 1}))
    assert both.status_code == 422
    assert "exclude each other" in both.json()["error"]["message"]
    features = await client.post("/v1/collections", json=body(features=["faces"]))
    assert features.status_code == 403
    assert features.json()["error"]["type"] == "NotEnabledError"
    transform = await client.post("/v1/collections", json=body(retriever_transform={"stages": []}))
    assert transform.status_code == 200
    assert transform.json()["feature_extractor"]["feature_extractor_id"] == "passthrough_extractor_v1"


async def test_an_extractor_that_is_not_here_is_kept_with_a_warning(make: Make) -> None:
    extractor = {"feature_extractor_name": "text_extractor", "version": "v1", "parameters": {"a": 1}, "extra": True}
    made = await make("articles", feature_extractor=extractor)
    assert made["feature_extractor"]["feature_extractor_id"] == "text_extractor_v1"
    assert made["feature_extractor"]["extra"] is True
    assert made["warnings"] == [
        "text_extractor_v1 embeds searches, but makes no documents yet; documents and their vectors must be brought by"
        " hand"
    ]
    other = await make("pictures", feature_extractor={"feature_extractor_name": "image_extractor", "version": "v1"})
    assert "image_extractor_v1 is not part of this deployment" in other["warnings"][0]


async def test_a_single_bucket_becomes_a_list_of_one(make: Make) -> None:
    made = await make("frames", source={"type": "bucket", "bucket_id": "bkt_a1", "field_map": None})
    # Generated clients cannot read a null field_map.
    assert made["source"] == {"type": "bucket", "bucket_ids": ["bkt_a1"]}


async def test_schemas_and_lineage_follow_from_the_sources(make: Make) -> None:
    schema = {"properties": {"title": {"type": "string"}, "meta.author": {"type": "text"}, "size": {"type": "integer"}}}
    passed = [{"source_path": "title"}, {"source_path": "meta.author"}, {"source_path": "size", "target_path": "bytes"}]
    extractor = {"feature_extractor_name": "passthrough_extractor", "version": "v1", "field_passthrough": passed}
    frames = await make(
        "frames",
        source={"type": "bucket", "bucket_ids": ["bkt_a1"]},
        input_schema=schema,
        feature_extractor=extractor,
    )
    fields = {"title": {"type": "string"}, "author": {"type": "text"}, "bytes": {"type": "integer"}}
    assert frames["output_schema"] == {"properties": fields}
    assert len(frames["source_lineage"]) == 1
    scenes = await make("scenes", source={"type": "collection", "collection_id": "frames"})
    assert scenes["source"] == {
        "type": "collection",
        "collection_id": frames["collection_id"],
        "inherited_bucket_ids": ["bkt_a1"],
    }
    assert scenes["input_schema"] == frames["output_schema"]
    assert [entry["source_config"]["type"] for entry in scenes["source_lineage"]] == ["bucket", "collection"]


async def test_a_source_must_exist_and_must_not_be_the_collection_itself(
    client: httpx2.AsyncClient, runtime: Runtime
) -> None:
    unknown = await client.post("/v1/collections", json=body(source={"type": "collection", "collection_id": "col_x"}))
    assert unknown.status_code == 404
    assert unknown.json()["error"]["details"] == {"resource": "collection", "id": "col_x"}
    itself = await client.post(
        "/v1/collections", json=body(source={"type": "collection", "collection_ids": ["articles"]})
    )
    assert itself.status_code == 409
    assert itself.json()["error"]["details"] == {"cycle": ["articles", "articles"]}
    assert await stored_names(runtime) == []


async def test_two_sources_cannot_fill_one_field(client: httpx2.AsyncClient) -> None:
    source = {
        "type": "bucket",
        "bucket_ids": ["bkt_a", "bkt_b"],
        "field_map": {"bkt_a": [{"source_path": "x.title"}], "bkt_b": [{"source_path": "t", "target_path": "title"}]},
    }
    refused = await client.post("/v1/collections", json=body(source=source))
    assert refused.status_code == 422
    for part in ("'title'", "bkt_a", "bkt_b"):
        assert part in refused.json()["error"]["message"]


async def test_a_document_schema_must_be_one(client: httpx2.AsyncClient, make: Make) -> None:
    schema = {"type": "object", "properties": {"price": {"type": "number"}}}
    made = await make("strict", document_schema=schema, schema_validation="strict")
    assert (made["document_schema"], made["schema_validation"]) == (schema, "strict")
    refused = await client.post("/v1/collections", json=body(document_schema={"type": "numbr"}))
    assert refused.status_code == 422
    assert refused.json()["error"]["details"]["validation_errors"][0]["location"][:2] == ["body", "document_schema"]


async def test_a_collection_starts_with_the_vectors_of_its_namespace(client: httpx2.AsyncClient) -> None:
    configs = [{"name": "title", "dimension": 4}, {"name": "image", "dimension": 2, "metric": "dot_product"}]
    namespace = {"namespace_name": "own-vectors", "vector_configs": configs}
    made = (await client.post("/v1/namespaces", json=namespace)).json()
    client.headers["X-Namespace"] = made["namespace_id"]
    collection = (await client.post("/v1/collections", json=body())).json()
    shown = [
        (entry["name"], entry["feature_uri"], entry["source"], entry["index"]["dimensions"], entry["index"]["distance"])
        for entry in collection["vector_indexes"]
    ]
    assert shown == [
        ("title", "title", "namespace_vector_config", 4, "cosine"),
        ("image", "image", "namespace_vector_config", 2, "dot"),
    ]
    features = (await client.get("/v1/collections/articles/features")).json()["features"]
    assert [(entry["feature_uri"], entry["primary"]) for entry in features] == [("title", True), ("image", False)]


async def test_the_catalogue_of_extractors_needs_no_key(anonymous: httpx2.AsyncClient) -> None:
    listed = await anonymous.get("/v1/collections/features/extractors")
    assert [entry["feature_extractor_id"] for entry in listed.json()] == [
        "passthrough_extractor_v1",
        "text_extractor_v1",
    ]
    for entry in listed.json():
        one = await anonymous.get(f"/v1/collections/features/extractors/{entry['feature_extractor_id']}")
        assert one.json() == entry
    other = await anonymous.get("/v1/collections/features/extractors/face_detector_v1")
    assert other.status_code == 404


async def test_the_menu_of_features_names_the_text_model(anonymous: httpx2.AsyncClient) -> None:
    menu = (await anonymous.get("/v1/collections/features")).json()
    feature = {
        "feature_uri": "mixpeek://text_extractor@v1/all_minilm_l6_v2_v1",
        "model": "all_minilm_l6_v2_v1",
        "dimensions": 384,
        "available": True,
        "hint": None,
    }
    assert menu == {
        "modalities": [{"modality": "text", "features": [feature]}],
        "custom_features": [],
        "full_res_multiplier": 1.0,
    }
