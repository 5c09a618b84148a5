"""Rows from elsewhere, and what is refused of them."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import numpy as np
import pytest

from headwater.jobs.lane import Lane
from headwater.runtime import Runtime

from .conftest import export, rows

pytestmark = pytest.mark.anyio


async def imported(client: httpx2.AsyncClient, export: Any, **body: Any) -> dict[str, Any]:
    answer = await client.post(
        "/v1/collections/things/import", json={"export": export, "mapping": body.pop("mapping", {}), **body}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def listed(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/v1/collections/things/documents", params={"limit": 1000, "return_vectors": "true"})
    return list(answer.json()["results"])


def field(source: str, kind: str, **target: Any) -> dict[str, Any]:
    return {"source_field": source, "target": {"kind": kind, **target}}


async def test_rows_without_a_mapping_are_documents(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    sent = [{"document_id": "a", "brand": "Acme"}, {"brand": "B", "metadata": {"x": 1}}, {"brand": "B"}]
    report = await imported(client, {"rows": sent})
    assert report == {
        "imported": 3,
        "reconstructed": 3,
        "skipped": 0,
        "dry_run": False,
        "errors": [],
        "warnings": [],
    }
    assert [document["brand"] for document in await listed(client)] == ["Acme", "B", "B"]


async def test_repeated_rows_without_ids_are_not_doubled(
    client: httpx2.AsyncClient, collection: dict[str, Any]
) -> None:
    sent = {"rows": [{"n": 1}, {"n": 1}, {"n": 2}], "first_row": 10}
    await imported(client, sent)
    before = await listed(client)
    await imported(client, sent)
    assert await listed(client) == before
    assert len(before) == 3


async def test_wrong_rows_do_not_hold_up_the_others(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    await client.post("/v1/collections", json={"collection_name": "others", "source": {"type": "none"}})
    await client.post("/v1/collections/others/documents", json={"document_id": "taken"})
    sent = [
        {"document_id": "a"},
        {"document_id": "b", "metadata": "x"},
        7,
        {"document_id": "taken"},
        {"document_id": "c", "source_document_id": "c"},
        {"document_id": "d", "features": [{"feature_extractor_id": "f", "vectors": {"v": [1.0, 2.0]}}]},
        {"document_id": "e", "features": [{"feature_extractor_id": "f", "vectors": {"v": [1.0, 2.0, 3.0]}}]},
        {"document_id": "f", "_internal": {"_export": {"version": 2}}},
    ]
    report = await imported(client, {"rows": sent, "first_row": 100})
    assert (report["imported"], report["skipped"]) == (2, 6)
    told = {error["row"]: error["error"] for error in report["errors"]}
    assert sorted(told) == [101, 102, 103, 104, 106, 107]
    assert told[101] == "metadata: metadata must be an object, not a string"
    assert "others" in told[103] or "is in the collection" in told[103]
    assert "cycle" in told[104]
    assert "expected dense of 2, got dense of 3" in told[106]
    assert "reads version 1" in told[107]


async def test_dry_run_finds_the_same_and_stores_nothing(
    client: httpx2.AsyncClient, collection: dict[str, Any], runtime: Runtime
) -> None:
    sent = {"rows": [{"document_id": "a"}, {"document_id": "b", "source_document_id": "b"}, {"metadata": 1}]}
    report = await imported(client, sent, dry_run=True)
    assert (report["imported"], report["reconstructed"], report["skipped"]) == (0, 1, 2)
    assert report["dry_run"] is True
    assert await listed(client) == []
    assert runtime.reader.connection.execute("SELECT sum(documents) FROM collection_counts").get in (None, 0)


async def test_mapping(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    seed = {"features": [{"feature_extractor_id": "clip_v1", "vectors": {"image": [1.0, 0.0]}}]}
    await client.post("/v1/collections/things/documents", json={"document_id": "seed", **seed})
    half = base64.b64encode(np.array([0.5, -2], "<f2").tobytes()).decode()
    row = {
        "asset": {"id": "obj_1", "title": "Launch", "key.with.dots": 1},
        "scene": 7,
        "vector": half,
        "origin": "doc_root",
        "left": "out",
    }
    mapping = {
        "fields": [
            field("asset.title", "metadata", path="metadata.title"),
            field("scene", "metadata", path="scene"),
            field("asset.id", "identity", role="root_object_id"),
            field("vector", "vector", index="clip_v1_image", dim=2, dtype="float16-base64"),
            field("origin", "parent", chain_position=0),
            field("left", "ignore"),
            field("absent", "metadata"),
        ],
        "source_type": "bucket",
        "chain_template": {"collection_id": "col_up", "feature_extractor_id": "up_v1"},
    }
    report = await imported(client, row, mapping=mapping)
    assert report["errors"] == []
    document = next(found for found in await listed(client) if found["document_id"] != "seed")
    assert (document["metadata"], document["scene"]) == ({"title": "Launch"}, 7)
    assert document["clip_v1_image"] == [0.5, -2.0]
    lineage = document["_internal"]["lineage"]
    assert (lineage["root_object_id"], lineage["source_type"]) == ("obj_1", "bucket")
    assert [step["document_id"] for step in lineage["chain"][:1]] == ["doc_root"]
    assert lineage["chain"][1]["collection_id"] == collection["collection_id"]
    assert "left" not in document


async def test_explode(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    seed = {"features": [{"feature_extractor_id": "clip_v1", "vectors": {"image": [1.0, 0.0]}}]}
    await client.post("/v1/collections/things/documents", json={"document_id": "seed", **seed})
    vector = base64.b64encode(np.array([3, 4], "<f4").tobytes()).decode()
    asset = {
        "id": "obj_1",
        "content": {"scenes": [{"scene_index": 0, "text": "one"}, {"scene_index": 1, "text": "two"}, 5]},
        "embeddings": [{"scene_index": 1, "vector_b64": vector}],
    }
    mapping = {
        "fields": [
            field("content.scenes.text", "metadata", path="text"),
            field("id", "identity", role="root_object_id"),
        ]
    }
    join = {"array": "embeddings", "key": "scene_index", "index": "clip_v1_image"}
    explode = {"explode_axis": "content.scenes", "vector_join": join}
    report = await imported(client, asset, mapping=mapping, explode=explode)
    assert report["imported"] == 3
    found = {document.get("text"): document for document in await listed(client)}
    assert "clip_v1_image" not in found["one"]
    assert found["two"]["clip_v1_image"] == [3.0, 4.0]
    assert found["two"]["_internal"]["lineage"]["root_object_id"] == "obj_1"
    wrong = await imported(client, {"id": 1}, mapping=mapping, explode=explode)
    assert wrong["errors"] == [{"row": -1, "error": wrong["errors"][0]["error"]}]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"export": {"rows": []}}, 422, "ValidationError"),
        ({"export": {"rows": {}}, "mapping": {}}, 422, "ValidationError"),
        ({"export": {"rows": [], "first_row": -1}, "mapping": {}}, 422, "ValidationError"),
        ({"export": {"download_url": "http://169.254.169.254/x"}, "mapping": {}}, 422, "ValidationError"),
        ({"export": {"download_url": "file:///etc/passwd"}, "mapping": {}}, 422, "ValidationError"),
        ({"export": {"download_url": "http://h/v1/_storage/abc"}, "mapping": {}}, 403, "SignatureError"),
        ({"export": {"s3_path": "s3://bucket/key"}, "mapping": {}}, 422, "ValidationError"),
        ({"export": {"s3_path": "exports/../secret"}, "mapping": {}}, 404, "NotFoundError"),
        ({"export": {"s3_path": "exports/exp_nothing/documents.jsonl"}, "mapping": {}}, 404, "NotFoundError"),
        ({"export": {"a": 1}, "mapping": {}, "seed_ledger": True}, 403, "NotEnabledError"),
        ({"export": {"a": 1}, "mapping": {"fields": [field("a", "vector")]}}, 422, "ValidationError"),
        (
            {"export": {"a": 1}, "mapping": {"fields": [field("a", "metadata", path="_internal.x")]}},
            422,
            "ValidationError",
        ),
        ({"export": {"a": 1}, "mapping": {"fields": [field("a", "parent", chain_position=1)]}}, 422, "ValidationError"),
        ({"export": {"a": 1}, "mapping": {}, "other": 1}, 422, "ValidationError"),
    ],
)
async def test_what_is_refused(
    client: httpx2.AsyncClient, collection: dict[str, Any], body: dict[str, Any], status: int, kind: str
) -> None:
    answer = await client.post("/v1/collections/things/import", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind), answer.text
    assert await listed(client) == []


async def test_frozen_collection_conflicts(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    await client.patch("/v1/collections/things/lifecycle", json={"lifecycle_state": "frozen"})
    body = {"export": {"a": 1}, "mapping": {}}
    answer = await client.post("/v1/collections/things/import", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "ConflictError")


async def test_csv_exports_are_not_imported(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    path = (await export(client, "things", format="csv"))["s3_path"]
    answer = await client.post("/v1/collections/things/import", json={"export": {"s3_path": path}, "mapping": {}})
    assert answer.status_code == 422
    assert "csv" in answer.json()["error"]["message"]


async def test_a_path_is_no_permission_for_another_collection(
    client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane
) -> None:
    await client.post("/v1/collections", json={"collection_name": "own", "source": {"type": "none"}})
    exported = await export(client, "things", include_vectors=True, include_lineage=True)
    me = (await client.get("/v1/me")).json()["user_email"]
    scopes = [{"resource_type": "collection", "resource_id": "own"}]
    body = {"name": "confined", "permissions": ["write"], "scopes": scopes}
    key = (await client.post(f"/v1/organizations/users/{me}/api-keys", json=body)).json()["key"]
    client.headers["Authorization"] = f"Bearer {key}"
    body = {"export": {"s3_path": exported["s3_path"]}, "mapping": {}, "dry_run": True}
    answer = await client.post("/v1/collections/own/import", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_required")
    own = await export(client, "own", include_vectors=True)
    body["export"] = {"s3_path": own["s3_path"]}
    answer = await client.post("/v1/collections/own/import", json=body)
    assert answer.status_code == 200, answer.text


HOSTILE: list[tuple[str, Any]] = [
    ("document_id", 7),
    ("document_id", ""),
    ("metadata", []),
    ("vectors", {"clip_v1_image": [1, "x"]}),
    ("_internal.created_at", "yesterday"),
    ("_internal.created_at", None),
    ("_internal.features", {}),
    ("_internal.features", [{"payload": {}}]),
    ("_internal.metadata", 3),
    ("_internal.content_hash", 3),
    ("_internal._acl", {"read": "bob"}),
    ("_internal._acl", {"owner": 3}),
    ("_internal.source_blobs", [3]),
    ("_internal._export.version", "1"),
    ("_internal._export.columns", "all"),
    ("_internal._export.columns", [[]]),
    ("_internal._export.lineage_sent", None),
    ("_internal._export.lineage_sent", {"source_type": "elsewhere"}),
    ("_internal._export.lineage_sent", {"chain": [{}]}),
    ("_internal._export.indexes", []),
    ("_internal._export.indexes", {"clip_v1_image": {"output": "x", "distance": "near"}}),
]


@pytest.mark.parametrize(("path", "value"), HOSTILE)
async def test_changed_rows_are_refused_one_by_one(
    client: httpx2.AsyncClient, filled: dict[str, Any], path: str, value: Any
) -> None:
    answer = await export(client, "things", include_vectors=True, include_lineage=True)
    row = (await rows(client, answer["download_url"]))[2]
    *heads, last = path.split(".")
    place = row
    for step in heads:
        place = place[step]
    place[last] = value
    report = await imported(client, {"rows": [row, {"document_id": "after"}]})
    assert (report["imported"], [error["row"] for error in report["errors"]]) == (1, [0])


async def test_what_a_row_says_about_its_place_is_not_believed(
    client: httpx2.AsyncClient, filled: dict[str, Any]
) -> None:
    answer = await export(client, "things", include_vectors=True, include_lineage=True)
    row = (await rows(client, answer["download_url"]))[0]
    row["_internal"] |= {
        "internal_id": "org_other",
        "namespace_id": "ns_other",
        "collection_id": "col_other",
        "lineage": {"root_object_id": "forged"},
        "created_at": "2999-01-01T00:00:00Z",
    }
    row["document_id"] = "forged"
    assert (await imported(client, {"rows": [row]}))["errors"] == []
    internal = (await client.get("/v1/collections/things/documents/forged")).json()["_internal"]
    assert internal["collection_id"] == filled["collection_id"]
    assert "root_object_id" not in internal["lineage"]
    assert internal["created_at"] < "2999"
    assert "_export" not in internal


async def test_infer(client: httpx2.AsyncClient) -> None:
    vector = base64.b64encode(np.arange(4, dtype="<f4").tobytes()).decode()
    sample = [
        {"asset": {"id": "a", "n": 1}, "when": "2026-01-05T09:30:00Z", "v": [0.5] * 8, "b": vector, "document_id": "x"},
        {"asset": {"id": "b", "n": 2.5}, "when": "2026-01-06", "v": [0.5] * 8, "b": vector, "mixed": 1, "no": None},
        {"asset": {"id": "c", "n": 3}, "mixed": "text", "list": [{"a": 1}]},
    ]
    body = {"sample_rows": sample, "known_index_dims": {"clip": 4}}
    answer = (await client.post("/v1/collections/import/infer", json=body)).json()
    found = {field["path"]: field for field in answer["fields"]}
    kinds = {path: field["type"] for path, field in found.items()}
    assert kinds == {
        "asset.id": "string",
        "asset.n": "float",
        "when": "datetime",
        "v": "vector",
        "b": "vector",
        "document_id": "string",
        "mixed": "integer",
        "no": "null",
        "list": "object",
    }
    assert (found["b"]["dim"], found["b"]["dtype"]) == (4, "float32-base64")
    assert found["b"]["suggested_target"] == {
        "kind": "vector",
        "index": "clip",
        "dim": 4,
        "dtype": "float32-base64",
    }
    assert found["document_id"]["suggested_target"] == {"kind": "identity", "role": "document_id"}
    assert found["asset.id"]["suggested_target"] == {"kind": "metadata", "path": "metadata.asset.id"}
    assert answer["warnings"] == ["'mixed' has values of different types: integer, string"]


async def test_suggested_mapping_is_valid_and_imports(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    sample = [{"document_id": "x", "title": "Launch", "price": 2.5}]
    fields = (await client.post("/v1/collections/import/infer", json={"sample_rows": sample})).json()["fields"]
    mapping = {"fields": [{"source_field": each["path"], "target": each["suggested_target"]} for each in fields]}
    types = [{"path": each["path"], "type": each["type"]} for each in fields]
    checked = await client.post(
        "/v1/collections/import/validate-mapping", json={"source_fields": types, "mapping": mapping}
    )
    assert checked.json() == {"ok": True, "errors": []}
    assert (await imported(client, {"rows": sample}, mapping=mapping))["imported"] == 1
    assert (await listed(client))[0]["metadata"] == {"title": "Launch", "price": 2.5}


async def test_validate_mapping_names_everything(client: httpx2.AsyncClient) -> None:
    body = {
        "source_fields": [{"path": "a", "type": "string"}, {"path": "n", "type": "integer"}],
        "known_index_dims": {"clip": 4},
        "mapping": {
            "fields": [
                field("a", "metadata", path="x", expected_type="integer"),
                field("n", "metadata", path="x"),
                field("n", "vector", index="clip", dim=3),
                field("n", "vector", index="nowhere"),
                field("a", "vector", index="clip", dtype="int8"),
                field("gone", "identity", role="document_id"),
                field("a", "identity"),
                field("a", "parent", chain_position=2),
            ]
        },
    }
    answer = (await client.post("/v1/collections/import/validate-mapping", json=body)).json()
    assert answer["ok"] is False
    told = [(error["field"], error["error"]) for error in answer["errors"]]
    for expected in (
        ("a", "is string, but its target requires integer"),
        ("n", "goes where 'a' goes already; map one of them elsewhere"),
        ("n", "has 3 dimensions, but the index 'clip' has 4"),
        ("n", "goes to the index 'nowhere'; known are clip"),
        ("gone", "is not among the source's fields; it has a, n"),
        ("a", "needs a role, such as document_id"),
        (None, "chain positions must be 0, 1, 2, … without a gap, not [2]"),
    ):
        assert expected in told
