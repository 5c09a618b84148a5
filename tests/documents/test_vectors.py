"""Vectors through HTTP: every form in and out, every refusal, and the names they are kept under."""

from __future__ import annotations

import json
import struct
from typing import Any

import httpx2
import pytest

from headwater.catalog.tables.collections import Collection
from headwater.runtime import Runtime
from tests.documents.conftest import MakeCollection, vector_index

pytestmark = pytest.mark.anyio

PATH = "/v1/collections/things/documents"
DENSE = [0.1, -2.5, 3]
MULTI = [[0.1, 0.2], [0.3, -0.4]]
SPARSE = {"indices": [90, 4], "values": [0.7, 1.1]}


def float32(value: Any) -> Any:
    """The value with every number rounded to float32."""
    if isinstance(value, list):
        return [float32(item) for item in value]
    if isinstance(value, dict):
        return {"indices": [int(i) for i in value["indices"]], "values": float32(value["values"])}
    return struct.unpack("<f", struct.pack("<f", value))[0]


def features(vectors: Any, extractor: str = "text_extractor_v1") -> dict[str, Any]:
    return {"features": [{"feature_extractor_id": extractor, "vectors": vectors}]}


def shown(document: dict[str, Any]) -> dict[str, Any]:
    return {name: float32(document[name]) for name in document["_vectors"]}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (SPARSE, {"text_extractor_v1_sparse": SPARSE}),
        ({"embedding": DENSE}, {"text_extractor_v1_embedding": DENSE}),
        ({"tokens": MULTI}, {"text_extractor_v1_tokens": MULTI}),
        (
            {"title": [0.1], "body": [0.2, 0.3]},
            {"text_extractor_v1_title": [0.1], "text_extractor_v1_body": [0.2, 0.3]},
        ),
        (
            {"d": DENSE, "m": MULTI, "s": SPARSE},
            {"text_extractor_v1_d": DENSE, "text_extractor_v1_m": MULTI, "text_extractor_v1_s": SPARSE},
        ),
        ({"s": {"indices": [3.0], "values": [1]}}, {"text_extractor_v1_s": {"indices": [3], "values": [1]}}),
        ({}, {}),
        (None, {}),
    ],
    ids=["nameless sparse", "dense", "multi", "named", "mixed", "named sparse", "empty", "null"],
)
async def test_vectors_come_back_in_the_form_they_went_in(
    api: httpx2.AsyncClient, things: Collection, sent: Any, stored: dict[str, Any]
) -> None:
    created = await api.post(f"{PATH}?return_vectors=true", json=features(sent))
    assert created.status_code == 200, created.text
    url = f"{PATH}/{created.json()['document_id']}"
    read = await api.get(f"{url}?return_vectors=true")
    assert read.content == created.content
    document = read.json()
    assert document["_vectors"] == list(stored)
    assert document["vector_hydration_incomplete"] is False
    assert shown(document) == {name: float32(vector) for name, vector in stored.items()}
    plain = (await api.get(url)).json()
    assert not {"_vectors", "vector_hydration_incomplete", *stored} & plain.keys()
    assert plain["_internal"]["features"][0]["vectors"] == list(stored)


async def test_names_alone_or_some_vectors_can_be_asked_for(api: httpx2.AsyncClient, things: Collection) -> None:
    created = (await api.post(PATH, json=features({"a": [1], "b": [2]}))).json()
    url = f"{PATH}/{created['document_id']}?return_vector_names="
    names = (await api.get(url + "true")).json()
    assert names["_vectors"] == ["text_extractor_v1_a", "text_extractor_v1_b"]
    assert "text_extractor_v1_a" not in names
    for name in ("b", "text_extractor_v1_b"):
        some = (await api.get(f"{url}{name},unknown")).json()
        assert some["text_extractor_v1_b"] == [2.0]
        assert "text_extractor_v1_a" not in some
    of_namespace = (await api.get(f"/v1/documents/{created['document_id']}?return_vector_names=b")).json()
    assert "text_extractor_v1_b" not in of_namespace


#: (what is sent as a vector, a word that the message must have)
REFUSED = [
    ("[NaN]", "NaN|valid JSON"),
    ("[Infinity]", "valid JSON"),
    ("[-Infinity]", "valid JSON"),
    ("[1e400]", "too large|valid JSON"),
    ("[1e39]", "float32"),
    ("[1e38, 3.4e38]", "float32"),
    ("[[1e38, 3.4e38]]", "float32"),
    ("[0, 0, 0]", "length zero"),
    ("[0, -0.0]", "length zero"),
    ("[[1, 1], [0, 0]]", "length zero"),
    ("[]", "empty"),
    ("[[]]", "empty"),
    ("[[1, 2], []]", "equally long"),
    ("[[1, 2], [1]]", "equally long"),
    ("[[1], 2]", "row 1"),
    ("[1, [2]]", "a list among its values"),
    ('"text"', "not a string"),
    ("true", "not a boolean"),
    ("null", "not null"),
    ("7", "not a number"),
    ("[true]", "a boolean among its values"),
    ('["1"]', "a string among its values"),
    ("[null]", "null among its values"),
    ("[[[1]]]", "a list among its values"),
    ("[{}]", "an object among its values"),
    ('{"indices": [1], "values": [1, 2]}', "1 indices but 2 values"),
    ('{"indices": [], "values": []}', "empty"),
    ('{"indices": [-1], "values": [1]}', "outside 0"),
    ('{"indices": [4294967296], "values": [1]}', "outside 0"),
    ('{"indices": [1.5], "values": [1]}', "whole numbers"),
    ('{"indices": [true], "values": [1]}', "whole numbers"),
    ('{"indices": ["1"], "values": [1]}', "whole numbers"),
    ('{"indices": [1, 1.0], "values": [1, 2]}', "twice"),
    ('{"indices": [1], "values": [1e39]}', "float32"),
    ('{"indices": [1], "values": [true]}', "a boolean among its values"),
    ('{"indices": 1, "values": [1]}', "lists"),
    ('{"indices": [1]}', "exactly the keys"),
    ('{"indices": [1], "values": [1], "x": 1}', "exactly the keys"),
]


@pytest.mark.parametrize(("vector", "expected"), REFUSED, ids=[vector for vector, _ in REFUSED])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_bad_vector_is_refused_and_changes_nothing(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime, method: str, vector: str, expected: str
) -> None:
    good = await api.post(f"{PATH}?return_vectors=true", json=features({"kept": [1, 2]}))
    url = PATH if method == "POST" else f"{PATH}/{good.json()['document_id']}"
    feature = '{"feature_extractor_id": "text_extractor_v1", "vectors": %s}'
    body = f'{{"features": [{feature % "{}"}, {feature % json.dumps({"bad": 0}).replace("0", vector)}]}}'
    answer = await api.request(method, url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert any(word in item["message"] for word in expected.split("|")), item
    if not item["type"].startswith(("json", "number")):
        assert item["location"][:4] == ["body", "features", 1, "vectors"]
        assert "'bad'" in item["message"]
    assert runtime.reader.connection.execute("SELECT count(*) FROM documents").get == 1
    read = await api.get(f"{PATH}/{good.json()['document_id']}?return_vectors=true")
    assert read.content == good.content


@pytest.mark.parametrize("vectors", [[0.1], "x", 7, True])
async def test_vectors_that_are_no_object_are_refused(
    api: httpx2.AsyncClient, things: Collection, vectors: Any
) -> None:
    answer = await api.post(PATH, json=features(vectors))
    assert answer.status_code == 422
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["body", "features", 0, "vectors"]


async def test_a_vector_wider_than_the_limit_is_refused(api: httpx2.AsyncClient, things: Collection) -> None:
    for vector in ([1] * 65_537, [[1] * 65_537]):
        answer = await api.post(PATH, json=features({"wide": vector}))
        assert answer.status_code == 422
        assert "65536" in answer.json()["error"]["message"]


async def test_the_widest_vector_is_stored(api: httpx2.AsyncClient, things: Collection) -> None:
    answer = await api.post(f"{PATH}?return_vectors=true", json=features({"wide": [0.5] * 65_536}))
    assert answer.status_code == 200, answer.text
    assert answer.json()["text_extractor_v1_wide"] == [0.5] * 65_536


async def test_all_zero_is_allowed_where_distance_is_not_cosine(
    api: httpx2.AsyncClient, make_collection: MakeCollection
) -> None:
    await make_collection("things", vectors=[vector_index("plain", distance="dot")])
    assert (await api.post(PATH, json=features({"plain": [0, 0, 0]}))).status_code == 200


async def test_the_first_use_fixes_kind_and_width(api: httpx2.AsyncClient, things: Collection) -> None:
    assert (await api.post(PATH, json=features({"e": [1, 2, 3]}))).status_code == 200
    for wrong, got in (([1, 2], "dense of 2"), ([[1, 2, 3]], "multi of 3"), (SPARSE, "sparse")):
        answer = await api.post(PATH, json=features({"e": wrong, "other": [1]}))
        assert answer.status_code == 422
        error = answer.json()["error"]
        assert error["code"] == "vector_dimension_mismatch"
        assert error["details"]["index"] == "text_extractor_v1_e"
        assert error["details"]["expected"] == {"kind": "dense", "dimensions": 3}
        assert f"expected dense of 3, got {got}" in error["message"]
    stats = (await api.post(PATH, json=features({"other": [1, 2, 3, 4]}))).json()
    assert stats["_internal"]["features"][0]["vectors"] == ["text_extractor_v1_other"]


async def test_names_resolve_to_declared_indexes(
    api: httpx2.AsyncClient, make_collection: MakeCollection, runtime: Runtime
) -> None:
    """By full name, by output, with the extractor in front, and by being the only one of its kind."""
    collection = await make_collection(
        "things",
        vectors=[
            vector_index("text_extractor_v1_embedding"),
            vector_index("text_extractor_v1_tags", "sparse", None),
            vector_index("clip_v1_embedding", feature_extractor_id="clip_v1", output="embedding"),
        ],
    )
    cases: list[tuple[Any, str, str]] = [
        ({"text_extractor_v1_embedding": DENSE}, "clip_v1", "text_extractor_v1_embedding"),
        ({"embedding": DENSE}, "text_extractor_v1", "text_extractor_v1_embedding"),
        ({"embedding": DENSE}, "clip_v1", "clip_v1_embedding"),
        ({"embedding": DENSE}, "text_extractor", "text_extractor_embedding"),
        ({"v1_embedding": DENSE}, "clip", "clip_v1_embedding"),
        ({"whatever": DENSE}, "clip_v1", "clip_v1_embedding"),
        (SPARSE, "text_extractor_v1", "text_extractor_v1_tags"),
        ({"tokens": MULTI}, "clip_v1", "clip_v1_tokens"),
    ]
    for vectors, extractor, name in cases:
        document = (await api.post(PATH, json=features(vectors, extractor))).json()
        assert document["_internal"]["features"][0]["vectors"] == [name]
    found = runtime.catalogue.collection(collection.namespace_row, "things")
    assert found is not None
    learned = [index for index in found.body["vectors"] if not index["declared"]]
    assert [(index["name"], index["kind"], index["dimensions"], index["distance"]) for index in learned] == [
        ("text_extractor_embedding", "dense", 3, "cosine"),
        ("clip_v1_tokens", "multi", 2, "cosine"),
    ]


async def test_two_vectors_for_one_index_are_refused(api: httpx2.AsyncClient, things: Collection) -> None:
    twice = {"feature_extractor_id": "f", "vectors": {"e": [1, 2]}}
    answer = await api.post(PATH, json={"features": [twice, twice]})
    assert answer.status_code == 422
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["body", "features", 1, "vectors", "e"]
    assert "f_e" in item["message"]


async def test_top_level_vectors_need_known_names(api: httpx2.AsyncClient, make_collection: MakeCollection) -> None:
    await make_collection("things", vectors=[vector_index("text_extractor_v1_embedding")])
    for name in ("embedding", "text_extractor_v1_embedding"):
        document = (await api.post(f"{PATH}?return_vectors=true", json={"vectors": {name: DENSE}})).json()
        assert float32(document["text_extractor_v1_embedding"]) == float32(DENSE)
    unknown = await api.post(PATH, json={"vectors": {"nope": DENSE}})
    assert unknown.status_code == 422
    assert "text_extractor_v1_embedding (dense of 3)" in unknown.json()["error"]["message"]
    assert (await api.post(PATH, json={"vectors": {"embedding": [1]}})).status_code == 422


async def test_a_fetched_document_with_vectors_can_be_posted_back(
    api: httpx2.AsyncClient, things: Collection, runtime: Runtime
) -> None:
    body = {**features({"d": DENSE, "m": MULTI, "s": SPARSE}), "brand": "Acme"}
    fetched = (await api.post(f"{PATH}?return_vectors=true", json=body)).json()
    url = f"{PATH}/{fetched['document_id']}?return_vectors=true"
    sequence = runtime.reader.connection.execute("SELECT sequence FROM vectors").get
    put = await api.put(url, json=fetched)
    assert put.status_code == 200, put.text
    assert runtime.reader.connection.execute("SELECT sequence FROM vectors").get == sequence
    del fetched["document_id"]
    copy = await api.post(f"{PATH}?return_vectors=true", json=fetched)
    assert copy.status_code == 200, copy.text
    for answer in (put, copy):
        document = answer.json()
        assert shown(document) == shown(fetched)
        assert document["brand"] == "Acme"
        assert not set(fetched["_vectors"]) & set(document["_internal"])


async def test_a_returned_vector_hides_a_user_field_of_its_name_and_says_so(
    api: httpx2.AsyncClient, things: Collection
) -> None:
    body = {**features({"e": [1, 2]}), "text_extractor_v1_e": "mine"}
    created = await api.post(PATH, json=body)
    assert created.json()["text_extractor_v1_e"] == "mine"
    read = await api.get(f"{PATH}/{created.json()['document_id']}?return_vectors=true")
    assert read.json()["text_extractor_v1_e"] == [1.0, 2.0]
    assert read.text.count('"text_extractor_v1_e":') == 1
    again = await api.post(f"{PATH}?return_vectors=true", json=body)
    for answer in (read, again):
        assert "text_extractor_v1_e" in answer.headers["x-headwater-warning"]


async def test_a_warning_cannot_end_its_header(api: httpx2.AsyncClient, things: Collection) -> None:
    name = "a\r\nSet-Cookie: x=ü"
    body = {**features({name: [1, 2]}), f"text_extractor_v1_{name}": "mine"}
    answer = await api.post(f"{PATH}?return_vectors=true", json=body)
    assert answer.status_code == 200, answer.text
    assert "set-cookie" not in answer.headers
    assert "a\\r\\nSet-Cookie: x=\\xfc" in answer.headers["x-headwater-warning"]


async def test_flags_that_are_no_booleans_are_refused(api: httpx2.AsyncClient, things: Collection) -> None:
    answer = await api.get(f"{PATH}/x?return_vectors=maybe")
    assert answer.status_code == 422
    [item] = answer.json()["error"]["details"]["validation_errors"]
    assert item["location"] == ["query", "return_vectors"]
