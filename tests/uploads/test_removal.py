"""Bytes go when nobody refers to them any more, never before; what never got a row goes with time."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.blobs.digests import chunks_of
from headwater.jobs.file_upkeep import FileUpkeep
from headwater.kit.failpoints import FailpointError
from headwater.store.blobs import removal
from headwater.store.blobs.audit import problems
from headwater.store.blobs.removal import holding_files, remove_orphans
from tests.jobs import work
from tests.uploads.conftest import PHOTO, UPLOADS, Issue, Send, files_of

Client = httpx2.AsyncClient
Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def photo(client: Client, issue: Issue, send: Send, confirm: Send) -> Make:
    """An object of an upload."""

    async def make(content: bytes = PHOTO) -> dict[str, Any]:
        upload = await issue(skip_duplicates=False)
        await send(upload, content)
        confirmed = (await confirm(upload)).json()
        return dict((await client.get(f"/v1/buckets/shop/objects/{confirmed['object_id']}")).json())

    return make


def reference_of(made: dict[str, Any]) -> str:
    return str(made["blobs"][0]["properties"]["url"])


async def delete(client: Client, made: dict[str, Any]) -> None:
    assert (await client.delete(f"/v1/buckets/shop/objects/{made['object_id']}")).status_code == 204


async def found(runtime: Any, *, deep: bool = False) -> dict[str, str]:
    """What an audit says of each file."""
    return dict([problem async for problem in problems(runtime.reader.connection, runtime.blobs, deep=deep)])


def make_older(runtime: Any, seconds: float) -> None:
    for path in (runtime.settings.data / "blobs").rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - seconds,) * 2)


async def test_the_bytes_of_a_deleted_object_go(client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any) -> None:
    made = await photo()
    assert len(files_of(runtime)) == 1
    await delete(client, made)
    await upkeep.tidy()
    assert files_of(runtime) == []
    assert runtime.reader.connection.execute("SELECT count(*) FROM blobs").get == 0


async def test_bytes_that_two_objects_share_stay_with_the_second(
    client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any
) -> None:
    first, second = await photo(), await photo()
    assert first["object_id"] != second["object_id"]
    assert reference_of(first) == reference_of(second)
    await delete(client, first)
    await upkeep.tidy()
    assert len(files_of(runtime)) == 1
    await delete(client, second)
    await upkeep.tidy()
    assert files_of(runtime) == []


async def test_an_upload_for_objects_to_come_keeps_the_bytes_of_its_duplicate(
    client: Client, photo: Make, issue: Issue, send: Send, confirm: Send, upkeep: FileUpkeep, runtime: Any
) -> None:
    made = await photo()
    upload = await issue(create_object_on_confirm=False)
    await send(upload)
    confirmed = (await confirm(upload)).json()
    assert (confirmed["status"], confirmed["object_id"]) == ("COMPLETED", None)
    await delete(client, made)
    await upkeep.tidy()
    assert len(files_of(runtime)) == 1
    blob = {"property": "photo", "type": "image", "upload_id": upload["upload_id"]}
    assert (await client.post("/v1/buckets/shop/objects", json={"blobs": [blob]})).status_code == 200


async def test_a_document_that_refers_to_them_keeps_the_bytes(
    client: Client, collection: dict[str, Any], photo: Make, upkeep: FileUpkeep, runtime: Any
) -> None:
    made = await photo()
    documents = f"/v1/collections/{collection['collection_id']}/documents"
    await client.post(documents, json={"document_id": "doc_1", "preview": reference_of(made)})
    await delete(client, made)
    await upkeep.tidy()
    assert len(files_of(runtime)) == 1
    await client.patch(f"{documents}/doc_1", json={"preview": None})
    await upkeep.tidy()
    assert files_of(runtime) == []


@pytest.mark.parametrize("what", ["bucket", "collection", "namespace"])
async def test_bytes_go_with_what_held_their_last_use(
    client: Client, collection: dict[str, Any], photo: Make, upkeep: FileUpkeep, runtime: Any, what: str
) -> None:
    made = await photo()
    if what == "collection":
        documents = f"/v1/collections/{collection['collection_id']}/documents"
        await client.post(documents, json={"source_blobs": [{"url": reference_of(made)}]})
        await delete(client, made)
    path = {
        "bucket": "/v1/buckets/shop",
        "collection": f"/v1/collections/{collection['collection_id']}",
        "namespace": f"/v1/namespaces/{client.headers['X-Namespace']}",
    }[what]
    assert (await client.delete(path)).status_code == 200
    await work(runtime)
    await upkeep.tidy()
    assert files_of(runtime) == []
    assert runtime.reader.connection.execute("SELECT count(*) FROM blob_uses").get == 0
    if what != "collection":
        assert runtime.reader.connection.execute("SELECT count(*) FROM uploads").get == 0


@pytest.mark.parametrize("place", ["blobs.marked", "blobs.removed"])
async def test_a_removal_that_was_cut_short_is_finished(
    client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    made = await photo()
    await delete(client, made)

    def die(name: str) -> None:
        if name == place:
            raise FailpointError(name)

    with monkeypatch.context() as patched:
        patched.setattr(removal, "cross", die)
        with pytest.raises(FailpointError):
            await upkeep.tidy()
    await upkeep.tidy()
    assert files_of(runtime) == []
    assert runtime.reader.connection.execute("SELECT count(*) FROM blobs").get == 0


async def test_bytes_that_came_into_use_again_stay(
    client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any
) -> None:
    await delete(client, await photo())
    again = await photo()
    await upkeep.tidy()
    assert len(files_of(runtime)) == 1
    assert await found(runtime) == {}
    assert again["blobs"]


async def test_what_is_being_removed_is_not_used_again(
    client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await photo()
    await delete(client, first)

    def die(name: str) -> None:
        raise FailpointError(name)

    with monkeypatch.context() as patched:
        patched.setattr(removal, "cross", die)
        with pytest.raises(FailpointError):
            await upkeep.tidy()
    second = await photo()
    assert reference_of(second) != reference_of(first)
    await upkeep.tidy()
    assert len(files_of(runtime)) == 1
    assert await found(runtime, deep=True) == {}


async def test_nothing_goes_while_a_backup_copies(
    client: Client, photo: Make, upkeep: FileUpkeep, runtime: Any
) -> None:
    await delete(client, await photo())
    with holding_files(runtime.settings.data):
        await upkeep.tidy()
        assert len(files_of(runtime)) == 1
    await upkeep.tidy()
    assert files_of(runtime) == []


async def test_files_without_a_row_go_when_they_are_old(
    client: Client, issue: Issue, send: Send, photo: Make, runtime: Any
) -> None:
    await photo()
    pending = await issue()
    await send(pending, b"not confirmed yet")
    await runtime.blobs.put("org_x-1/blob_lost", chunks_of(b"nobody's"))
    connection = runtime.reader.connection
    assert await remove_orphans(connection, runtime.blobs, time.time() - 3600) == 0
    make_older(runtime, 7200)
    assert await remove_orphans(connection, runtime.blobs, time.time() - 3600) == 1
    assert len(files_of(runtime)) == 2


async def test_a_seal_is_as_new_as_its_confirmation(issue: Issue, send: Send, runtime: Any) -> None:
    upload = await issue()
    await send(upload)
    make_older(runtime, 7200)
    sealed = await runtime.blobs.copy(upload["s3_key"], upload["s3_key"] + "_sealed")
    assert sealed.modified_at > time.time() - 3600


async def test_uploads_that_nobody_confirms_expire(
    client: Client, issue: Issue, send: Send, confirm: Send, upkeep: FileUpkeep, runtime: Any
) -> None:
    upload = await issue()
    await send(upload)
    with runtime.store.writer.connection as connection:
        connection.execute("UPDATE uploads SET expires_at = 1")
    shown = f"{UPLOADS}/{upload['upload_id']}"
    assert (await client.get(shown)).json()["status"] == "FAILED"
    assert (await confirm(upload)).status_code == 409
    await upkeep.tidy()
    assert files_of(runtime) == []
    expired = (await client.get(shown)).json()
    assert expired["status"] == "FAILED"
    assert "expires_at" in expired["message"]


async def test_the_audit_tells_both_ways(client: Client, photo: Make, runtime: Any) -> None:
    made = await photo()
    key = reference_of(made).removeprefix("s3://local/")
    directory: Path = runtime.settings.data
    file = next(path for path in (directory / "blobs").rglob("*") if path.name == key.partition("/")[2])
    assert await found(runtime, deep=True) == {}
    await runtime.blobs.put("org_x-1/blob_lost", chunks_of(b"nobody's"))
    make_older(runtime, 7200)
    assert list(await found(runtime)) == ["org_x-1/blob_lost"]
    file.write_bytes(PHOTO[::-1])
    assert key not in await found(runtime)
    assert "hash" in (await found(runtime, deep=True))[key]
    file.write_bytes(b"short")
    assert "5 bytes" in (await found(runtime))[key]
    file.unlink()
    assert "no bytes" in (await found(runtime))[key]
