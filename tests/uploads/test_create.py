"""Issuing uploads: what is checked before a link is given, and when there is nothing to send."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import httpx2
import pytest

from tests.uploads.conftest import PHOTO, UPLOADS, Issue, Send

Client = httpx2.AsyncClient
UPLOAD = {"filename": "photo.png", "content_type": "image/png"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"filename": "../photo.png"}, "filename"),
        ({"filename": "a\\b.png"}, "filename"),
        ({"filename": "a\x00.png"}, "filename"),
        ({"filename": ".."}, "filename"),
        ({"filename": ""}, "filename"),
        ({"filename": "a" * 256}, "filename"),
        ({"content_type": "image"}, "content_type"),
        ({"content_type": "image/png\r\nX: y"}, "content_type"),
        ({"content_type": "video/mp4", "blob_property": "photo"}, "content_type"),
        ({"file_size_bytes": 0}, "file_size_bytes"),
        ({"file_size_bytes": 10**13}, "file_size_bytes"),
        ({"presigned_url_expiration": 59}, "presigned_url_expiration"),
        ({"presigned_url_expiration": 86_401}, "presigned_url_expiration"),
        ({"blob_property": "nobody"}, "blob_property"),
        ({"blob_property": "a-b"}, "blob_property"),
        ({"blob_type": "video"}, "blob_type"),
        ({"file_hash": "A" * 64}, "file_hash"),
        ({"object_metadata": {"title": 7}}, "title"),
        ({"object_metadata": {"object_id": "obj_1"}}, "object_id"),
        ({"create_object_on_confirm": False, "blob_type": "nonsense"}, "blob_type"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_what_could_never_be_confirmed_gets_no_link(
    client: Client, bucket: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    for path, body in ((UPLOADS, UPLOAD | change), (f"{UPLOADS}/batch", {"uploads": [UPLOAD, UPLOAD | change]})):
        refused = await client.post(path, json=body)
        assert refused.status_code == 422, refused.text
        assert refused.json()["error"]["details"]["validation_errors"][0]["location"][-1] == place
    listed = (await client.post(f"{UPLOADS}/list")).json()
    assert listed["stats"]["total_uploads"] == 0


@pytest.mark.parametrize(
    ("filename", "content_type", "place"),
    [
        ("content.txt", "text/plain; charset=utf-8", ("content", "text")),
        ("notes.md", "text/markdown", ("content", "text")),
        ("moving.gif", "image/gif", ("photo", "image")),
    ],
)
async def test_where_a_file_goes_follows_from_its_name_and_type(
    issue: Issue, filename: str, content_type: str, place: tuple[str, str]
) -> None:
    upload = await issue(filename=filename, content_type=content_type)
    assert (upload["blob_property"], upload["blob_type"]) == place


async def test_required_fields_are_asked_for_before_the_file_is_sent(client: Client) -> None:
    schema = {"properties": {"photo": {"type": "image"}, "title": {"type": "string", "required": True}}}
    await client.post("/v1/buckets", json={"bucket_name": "strict", "bucket_schema": schema})
    assert (await client.post("/v1/buckets/strict/uploads", json=UPLOAD)).status_code == 422
    complete = UPLOAD | {"object_metadata": {"title": "Trail runner"}}
    assert (await client.post("/v1/buckets/strict/uploads", json=complete)).status_code == 200


async def test_the_link_is_bound_to_type_and_length(anonymous: Client, issue: Issue) -> None:
    upload = await issue(file_size_bytes=len(PHOTO))
    for content, content_type in ((PHOTO, "image/jpeg"), (PHOTO + b"!", "image/png")):
        refused = await anonymous.put(upload["presigned_url"], content=content, headers={"Content-Type": content_type})
        assert (refused.status_code, refused.json()["error"]["type"]) == (403, "SignatureError")


async def test_content_that_the_bucket_has_need_not_be_sent(
    client: Client, issue: Issue, send: Send, confirm: Send
) -> None:
    hashed = sha256(PHOTO).hexdigest()
    first = await issue(file_hash=hashed)
    await send(first)
    confirmed = (await confirm(first)).json()
    second = await issue(file_hash=hashed)
    assert (second["upload_id"], second["duplicate_of_upload_id"]) == (first["upload_id"], first["upload_id"])
    assert (second["is_duplicate"], second["presigned_url"]) == (True, None)
    assert second["object_id"] == confirmed["object_id"]
    assert (await issue(file_hash=hashed, skip_duplicates=False))["presigned_url"] is not None
    await client.delete(f"/v1/buckets/shop/objects/{confirmed['object_id']}")
    assert (await issue(file_hash=hashed))["is_duplicate"] is False


async def test_a_duplicate_without_a_hash_is_found_when_it_is_confirmed(
    issue: Issue, send: Send, confirm: Send
) -> None:
    answers = []
    for _ in range(2):
        upload = await issue()
        await send(upload)
        answers.append((await confirm(upload)).json())
    assert answers[0]["object_id"] == answers[1]["object_id"]
    other = await issue(skip_duplicates=False)
    await send(other)
    assert (await confirm(other)).json()["object_id"] != answers[0]["object_id"]


async def test_an_object_with_the_unique_key_need_not_be_sent(client: Client, send: Send) -> None:
    schema = {"properties": {"photo": {"type": "image"}, "sku": {"type": "string"}}}
    keyed = {"fields": ["sku"], "default_policy": "insert"}
    body = {"bucket_name": "keyed", "bucket_schema": schema, "unique_key": keyed}
    assert (await client.post("/v1/buckets", json=body)).status_code == 200
    uploads = "/v1/buckets/keyed/uploads"
    wanted = UPLOAD | {"object_metadata": {"sku": "A1"}}
    first = (await client.post(uploads, json=wanted)).json()
    racing = (await client.post(uploads, json=wanted)).json()
    await send(first)
    await send(racing, b"other pixels")
    made = (await client.post(f"{uploads}/{first['upload_id']}/confirm")).json()
    again = (await client.post(uploads, json=wanted)).json()
    assert (again["skipped_unique_key"], again["presigned_url"]) == (True, None)
    assert again["existing_object_id"] == made["object_id"]
    refused = await client.post(f"{uploads}/{racing['upload_id']}/confirm")
    assert refused.status_code == 409
    updated = await client.post(f"{uploads}/{racing['upload_id']}/confirm?policy=upsert")
    assert updated.json()["object_id"] == made["object_id"]


async def test_a_unique_key_without_a_policy_needs_one(client: Client, send: Send) -> None:
    schema = {"properties": {"photo": {"type": "image"}, "sku": {"type": "string"}}}
    body = {"bucket_name": "asking", "bucket_schema": schema, "unique_key": {"fields": ["sku"]}}
    assert (await client.post("/v1/buckets", json=body)).status_code == 200
    uploads = "/v1/buckets/asking/uploads"
    upload = (await client.post(uploads, json=UPLOAD | {"object_metadata": {"sku": "A1"}})).json()
    await send(upload)
    assert (await client.post(f"{uploads}/{upload['upload_id']}/confirm")).status_code == 422
    assert (await client.post(f"{uploads}/{upload['upload_id']}/confirm?policy=insert")).status_code == 200


async def test_shared_values_are_outranked_by_an_uploads_own(client: Client, bucket: dict[str, Any]) -> None:
    body = {
        "uploads": [UPLOAD, UPLOAD | {"metadata": {"by": "me"}, "object_metadata": {"title": "own"}}],
        "shared_metadata": {"by": "all", "campaign": "spring"},
        "shared_object_metadata": {"title": "shared"},
    }
    answer = (await client.post(f"{UPLOADS}/batch", json=body)).json()
    assert answer["total"] == 2
    assert [upload["metadata"] for upload in answer["uploads"]] == [
        {"by": "all", "campaign": "spring"},
        {"by": "me", "campaign": "spring"},
    ]
    assert [upload["object_metadata"]["title"] for upload in answer["uploads"]] == ["shared", "own"]


async def test_lists_filter_search_and_count(
    client: Client, issue: Issue, send: Send, confirm: Send, anonymous: Client
) -> None:
    uploads = [
        await issue(filename=f"{name}.png", metadata={"campaign": name}, file_size_bytes=size, blob_property="photo")
        for name, size in (("one", 4), ("two", len(PHOTO)), ("three", 33))
    ]
    await send(uploads[1])
    await confirm(uploads[1])

    async def listed(**body: Any) -> dict[str, Any]:
        answer = await client.post(f"{UPLOADS}/list", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def names(page: dict[str, Any]) -> list[str]:
        return [upload["filename"] for upload in page["results"]]

    page = await listed(limit=2)
    assert names(page) == ["three.png", "two.png"]
    assert page["pagination"]["total"] == 3
    assert page["stats"] == {
        "total_uploads": 3,
        "total_size_bytes": 37 + len(PHOTO),
        "uploads_by_status": {"COMPLETED": 1, "PENDING": 2},
        "avg_file_size_bytes": (37 + len(PHOTO)) / 3,
        "unique_buckets": 1,
    }
    assert names(await listed(offset=2)) == ["one.png"]
    assert names(await listed(filters={"status": "PENDING"})) == ["three.png", "one.png"]
    assert names(await listed(sort={"field": "file_size_bytes", "direction": "asc"}))[0] == "one.png"
    assert names(await listed(search="THR")) == ["three.png"]
    found = await listed(filters={"metadata.campaign": "two"}, return_presigned_urls=True)
    assert (await anonymous.get(found["results"][0]["presigned_url"])).content == PHOTO
    assert (await client.post(f"{UPLOADS}/list", json={"limit": 101})).status_code == 422


async def test_uploads_of_other_buckets_are_not_there(client: Client, issue: Issue) -> None:
    upload = await issue()
    made = await client.post("/v1/buckets", json={"bucket_name": "other", "bucket_schema": {"properties": {}}})
    assert made.status_code == 200, made.text
    other = f"/v1/buckets/other/uploads/{upload['upload_id']}"
    for answer in (await client.get(other), await client.delete(other), await client.post(f"{other}/confirm")):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "upload_not_found"
