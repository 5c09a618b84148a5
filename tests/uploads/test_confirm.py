"""From a link to an object: PUT, confirm, and everything that may be wrong with what was PUT."""

from __future__ import annotations

import asyncio
from hashlib import md5, sha256
from typing import Any

import httpx2
import pytest

from headwater.kit.failpoints import FailpointError
from headwater.store.uploads import confirm as confirming
from tests.jobs import work
from tests.uploads.conftest import PHOTO, UPLOADS, Issue, Send, files_of

Client = httpx2.AsyncClient
SHA256 = sha256(PHOTO).hexdigest()


async def get(client: Client, upload: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = await client.get(f"{UPLOADS}/{upload['upload_id']}{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_an_upload_becomes_an_object(
    client: Client, anonymous: Client, bucket: dict[str, Any], issue: Issue, send: Send, confirm: Send
) -> None:
    upload = await issue(file_size_bytes=len(PHOTO), object_metadata={"title": "Trail runner"}, metadata={"by": "me"})
    assert (upload["status"], upload["blob_property"], upload["blob_type"]) == ("PENDING", "photo", "image")
    put = await send(upload)
    assert (put.status_code, put.headers["ETag"]) == (200, f'"{md5(PHOTO).hexdigest()}"')
    confirmed = (await confirm(upload, etag=put.headers["ETag"], file_size_bytes=len(PHOTO))).json()
    assert (confirmed["status"], confirmed["file_hash"]) == ("COMPLETED", SHA256)
    made = (await client.get(f"/v1/buckets/shop/objects/{confirmed['object_id']}")).json()
    assert (made["title"], made["status"]) == ("Trail runner", "PENDING")
    assert "by" not in made
    (blob,) = made["blobs"]
    assert blob["details"] == {
        "filename": "photo.png",
        "size_bytes": len(PHOTO),
        "mime_type": "image/png",
        "hash": f"sha256:{SHA256}",
    }
    shown = await get(client, upload, "?return_presigned_urls=true")
    assert (shown["status"], shown["object_id"]) == ("COMPLETED", confirmed["object_id"])
    assert (await anonymous.get(shown["presigned_url"])).content == PHOTO


async def test_the_link_to_put_by_is_shown_once(client: Client, issue: Issue, send: Send) -> None:
    upload = await issue()
    await send(upload)
    assert (await get(client, upload, "?return_presigned_urls=true"))["presigned_url"] is None


async def test_confirming_again_answers_the_same(issue: Issue, send: Send, confirm: Send, runtime: Any) -> None:
    upload = await issue()
    await send(upload)
    first, second = (await confirm(upload)).json(), (await confirm(upload, etag="whatever")).json()
    assert first == second
    assert len(files_of(runtime)) == 1


async def test_confirming_without_a_file(client: Client, issue: Issue, send: Send, confirm: Send) -> None:
    upload = await issue()
    refused = await confirm(upload)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "upload_content_not_found")
    await send(upload)
    assert (await confirm(upload)).status_code == 200


@pytest.mark.parametrize(
    ("announced", "said"),
    [
        ({"file_hash": "0" * 64}, {}),
        ({}, {"etag": '"0123456789abcdef0123456789abcdef"'}),
        ({}, {"file_size_bytes": 3}),
    ],
)
async def test_another_file_than_announced_can_be_sent_again(
    client: Client,
    issue: Issue,
    send: Send,
    confirm: Send,
    announced: dict[str, Any],
    said: dict[str, Any],
    runtime: Any,
) -> None:
    upload = await issue(**announced)
    await send(upload)
    refused = await confirm(upload, **said)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "upload_mismatch")
    assert (await get(client, upload))["status"] == "PENDING"
    # Nothing but what was PUT is left.
    assert files_of(runtime) == [upload["upload_id"]]
    assert (await send(upload)).status_code == 200


async def test_what_is_put_after_the_confirmation_is_refused(
    client: Client, anonymous: Client, issue: Issue, send: Send, confirm: Send
) -> None:
    upload = await issue()
    await send(upload)
    await confirm(upload)
    refused = await send(upload, b"something else")
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "ConflictError")
    url = (await get(client, upload, "?return_presigned_urls=true"))["presigned_url"]
    assert (await anonymous.get(url)).content == PHOTO


async def test_of_racing_puts_and_confirmations_one_whole_file_wins(
    client: Client, anonymous: Client, issue: Issue, send: Send, confirm: Send
) -> None:
    contents = [bytes([number]) * 50_000 for number in range(4)]
    upload = await issue()
    await send(upload, contents[0])
    answers = await asyncio.gather(
        *(send(upload, content) for content in contents), *(confirm(upload) for _ in range(4))
    )
    confirmed = [answer.json() for answer in answers[4:]]
    assert {answer["status"] for answer in confirmed} == {"COMPLETED"}
    assert len({answer["object_id"] for answer in confirmed}) == 1
    url = (await get(client, upload, "?return_presigned_urls=true"))["presigned_url"]
    found = (await anonymous.get(url)).content
    assert found in contents
    assert sha256(found).hexdigest() == confirmed[0]["file_hash"]


async def test_a_deleted_upload_takes_no_file(client: Client, issue: Issue, send: Send, runtime: Any) -> None:
    upload = await issue()
    await send(upload)
    assert (await client.delete(f"{UPLOADS}/{upload['upload_id']}")).status_code == 204
    assert files_of(runtime) == []
    assert (await client.get(f"{UPLOADS}/{upload['upload_id']}")).status_code == 404
    assert (await send(upload)).status_code == 404


async def test_a_confirmed_upload_is_not_deleted(client: Client, issue: Issue, send: Send, confirm: Send) -> None:
    upload = await issue()
    await send(upload)
    await confirm(upload)
    refused = await client.delete(f"{UPLOADS}/{upload['upload_id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "upload_confirmed")


async def test_several_uploads_make_one_object(client: Client, issue: Issue, send: Send, confirm: Send) -> None:
    photo = await issue(create_object_on_confirm=False)
    text = await issue(filename="a.txt", content_type="text/plain", create_object_on_confirm=False)
    for upload, content in ((photo, PHOTO), (text, b"Light shoe")):
        await send(upload, content)
    blobs = [
        {"property": "photo", "type": "image", "upload_id": photo["upload_id"]},
        {"property": "content", "type": "text", "upload_id": text["upload_id"]},
    ]
    early = await client.post("/v1/buckets/shop/objects", json={"blobs": blobs})
    assert (early.status_code, early.json()["error"]["code"]) == (400, "upload_not_confirmed")
    for upload in (photo, text):
        assert (await confirm(upload)).json()["object_id"] is None
    made = await client.post("/v1/buckets/shop/objects", json={"blobs": blobs})
    assert made.status_code == 200, made.text
    assert [blob["details"]["size_bytes"] for blob in made.json()["blobs"]] == [len(PHOTO), 10]


async def test_in_the_background(client: Client, issue: Issue, send: Send, confirm: Send, runtime: Any) -> None:
    upload = await issue()
    await send(upload)
    begun = (await confirm(upload, "?async=true")).json()
    assert begun["status"] == "PROCESSING"
    again = (await confirm(upload, "?async=true")).json()
    assert again["task_id"] == begun["task_id"]
    assert (await client.delete(f"{UPLOADS}/{upload['upload_id']}")).status_code == 409
    await work(runtime)
    task = (await client.get(f"/v1/tasks/{begun['task_id']}")).json()
    assert (task["task_type"], task["status"]) == ("api_buckets_uploads_confirm", "COMPLETED")
    done = await get(client, upload)
    assert (done["status"], done["object_id"]) == ("COMPLETED", task["additional_data"]["object_id"])


async def test_what_fails_in_the_background_can_be_sent_again(
    client: Client, issue: Issue, send: Send, confirm: Send, runtime: Any
) -> None:
    upload = await issue(file_hash="0" * 64)
    await send(upload)
    begun = (await confirm(upload, "?async=true")).json()
    await work(runtime)
    task = (await client.get(f"/v1/tasks/{begun['task_id']}")).json()
    assert task["status"] == "FAILED"
    assert "SHA-256" in task["error"]
    shown = await get(client, upload)
    assert (shown["status"], shown["message"]) == ("PENDING", task["error"])


async def test_many_at_once(client: Client, issue: Issue, send: Send, runtime: Any) -> None:
    uploads = [await issue(skip_duplicates=False) for _ in range(3)]
    for upload in uploads[:2]:
        await send(upload)
    confirmations = [{"upload_id": upload["upload_id"]} for upload in uploads] + [{"upload_id": "upl_nobody"}]
    answer = (await client.post(f"{UPLOADS}/confirm/batch", json={"confirmations": confirmations})).json()
    assert (answer["status"], answer["confirmations_count"]) == ("PENDING", 4)
    await work(runtime)
    task = (await client.get(f"/v1/tasks/{answer['task_id']}")).json()
    assert (task["task_type"], task["status"]) == ("api_buckets_uploads_batch_confirm", "COMPLETED_WITH_ERRORS")
    about = task["additional_data"]
    assert (about["confirmed_count"], about["failed_count"]) == (2, 2)
    assert [error["upload_id"] for error in about["errors"]] == [uploads[2]["upload_id"], "upl_nobody"]


async def test_what_died_between_seal_and_row_is_repeated(
    issue: Issue, send: Send, confirm: Send, monkeypatch: pytest.MonkeyPatch, runtime: Any
) -> None:
    upload = await issue()
    await send(upload)

    def die(name: str) -> None:
        raise FailpointError(name)

    with monkeypatch.context() as patched:
        patched.setattr(confirming, "cross", die)
        assert (await confirm(upload)).status_code == 500
    assert (await confirm(upload)).json()["status"] == "COMPLETED"
    # The first seal is a file that no row names; it is removed when it is old.
    assert len(files_of(runtime)) == 2


async def test_bad_objects_are_refused_and_stay_pending(
    client: Client, issue: Issue, send: Send, confirm: Send, runtime: Any
) -> None:
    upload = await issue()
    await send(upload)
    changed = {"bucket_schema": {"properties": {"content": {"type": "text"}}}}
    answer = await client.patch("/v1/buckets/shop?force_schema_break=true", json=changed)
    assert answer.status_code == 200, answer.text
    assert (await confirm(upload)).status_code == 422
    assert (await get(client, upload))["status"] == "PENDING"
    assert files_of(runtime) == [upload["upload_id"]]


async def test_batches_are_not_there_yet(issue: Issue, send: Send, confirm: Send) -> None:
    upload = await issue()
    await send(upload)
    refused = await confirm(upload, auto_submit_batch=True)
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "NotEnabledError")
