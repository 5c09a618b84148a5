"""Several objects in one request."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from .conftest import MakeBucket
from .test_buckets import error

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bucket")]

BATCH = "/v1/buckets/things/objects/batch"


async def test_each_object_is_stored_or_refused_by_itself(client: httpx2.AsyncClient) -> None:
    text = {"property": "content", "type": "text", "data": "x"}
    objects: list[Any] = [
        {"title": "first", "blobs": [text]},
        {"title": 7},
        "nothing",
        {"blobs": [{"property": "content", "type": "text", "data": "http://127.0.0.1/x"}]},
        {"title": "last", "idempotency_key": "k"},
        {"title": "again", "idempotency_key": "k"},
        {"skip_duplicates": True, "blobs": [text]},
        {"auto_process": True},
    ]
    answer = await client.post(f"{BATCH}?auto_process=true", json={"objects": objects})
    assert answer.status_code == 200
    body = answer.json()
    assert [(row["object_index"], row["replayed"], row.get("replayed_by")) for row in body["succeeded"]] == [
        (0, False, None),
        (4, False, None),
        (5, True, "idempotency_key"),
        (6, True, "skip_duplicates"),
    ]
    assert [(row["object_index"], row["error_type"]) for row in body["failed"]] == [
        (1, "ValidationError"),
        (2, "ValidationError"),
        (3, "BlockedUrlError"),
        (7, "ValidationError"),
    ]
    assert (body["total_requested"], body["succeeded_count"], body["failed_count"]) == (8, 4, 4)
    assert body["succeeded"][2]["object_id"] == body["succeeded"][1]["object_id"]
    assert body["succeeded"][3]["object_id"] == body["succeeded"][0]["object_id"]
    assert len(body["warnings"]) == 1
    assert (await client.get("/v1/buckets/things")).json()["object_count"] == 2


async def test_when_all_fail_the_answer_is_422_and_says_why(client: httpx2.AsyncClient) -> None:
    answer = await client.post(BATCH, json={"objects": [{"title": 7}]})
    assert answer.status_code == 422
    assert answer.json()["failed"][0]["object_index"] == 0
    assert answer.json()["succeeded"] == []


@pytest.mark.parametrize("objects", [[], [{}] * 101, "nothing"])
async def test_a_batch_has_1_to_100_objects(client: httpx2.AsyncClient, objects: Any) -> None:
    assert (await client.post(BATCH, json={"objects": objects})).status_code == 422
    assert (await client.get("/v1/buckets/things")).json()["object_count"] == 0


async def test_a_bucket_with_a_unique_key_takes_one_at_a_time(
    client: httpx2.AsyncClient, make_bucket: MakeBucket
) -> None:
    await make_bucket("keyed", unique_key={"fields": ["title"], "default_policy": "upsert"})
    answer = await client.post("/v1/buckets/keyed/objects/batch", json={"objects": [{"title": "x"}]})
    assert error(answer)[:2] == (422, "batch_with_unique_key")
