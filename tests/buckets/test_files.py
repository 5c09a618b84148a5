"""Files of objects: the forms in which they come, what is stored of them, and when their bytes go."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from headwater.catalog.database import DATABASE
from headwater.errors import ServiceUnavailableError
from headwater.resources.objects import ingest
from headwater.store.blobs.uses import find_by_content
from headwater.store.commands.objects import CreateObject

from .conftest import MakeBucket, MakeObject

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bucket")]

OBJECTS = "/v1/buckets/things/objects"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def text(data: Any = "Light shoe", **more: Any) -> dict[str, Any]:
    return {"property": "content", "type": "text", "data": data, **more}


def picture(data: Any, **more: Any) -> dict[str, Any]:
    return {"property": "picture", "type": "image", "data": data, **more}


def hash_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def files(runtime: Any) -> list[Path]:
    return [path for path in (runtime.settings.data / "blobs").rglob("*") if path.is_file()]


def rows(runtime: Any, table: str) -> int:
    return int(runtime.reader.connection.execute(f"SELECT count(*) FROM {table}").get)


async def fetched(client: httpx2.AsyncClient, path: str) -> list[bytes]:
    """The bytes behind the links of an object's blobs."""
    shown = (await client.get(f"{path}?return_presigned_urls=true")).json()
    urls = [blob["presigned_url"] for blob in shown["blobs"]]
    assert urls == [blob["properties"]["presigned_url"] for blob in shown["blobs"]]
    return [(await client.get(url, headers={"Authorization": ""})).content for url in urls]


@pytest.mark.parametrize(
    ("blob", "content", "mime_type", "filename"),
    [
        (text(), b"Light shoe", "text/plain", "content.txt"),
        (text("see http://a.example/x for more"), b"see http://a.example/x for more", "text/plain", "content.txt"),
        (text("data:text/csv;base64," + b64encode(b"a,b").decode()), b"a,b", "text/csv", "content.csv"),
        (text("data:,a%20b"), b"a b", "text/plain", "content.txt"),
        (picture({"base64": b64encode(PIXEL).decode(), "mime_type": "image/png"}), PIXEL, "image/png", "picture.png"),
        (
            picture({"base64": b64encode(PIXEL).decode(), "filename": "../../etc/My \x00photo.png"}),
            PIXEL,
            "image/png",
            "My photo.png",
        ),
        (picture({"base64": b64encode(PIXEL).decode()}), PIXEL, "application/octet-stream", "picture"),
    ],
)
async def test_every_form_becomes_bytes(
    client: httpx2.AsyncClient, blob: dict[str, Any], content: bytes, mime_type: str, filename: str
) -> None:
    made = (await client.post(OBJECTS, json={"blobs": [blob]})).json()
    [shown] = made["blobs"]
    assert shown["details"] == {
        "filename": filename,
        "size_bytes": len(content),
        "mime_type": mime_type,
        "hash": hash_of(content),
    }
    assert shown["properties"]["url"].startswith("s3://local/")
    assert await fetched(client, f"{OBJECTS}/{made['object_id']}") == [content]
    bucket = (await client.get("/v1/buckets/things")).json()
    assert bucket["total_size_bytes"] == len(content)
    assert bucket["last_upload_at"] == made["created_at"]


async def test_a_short_text_is_shown_in_its_object(client: httpx2.AsyncClient) -> None:
    made = (await client.post(OBJECTS, json={"blobs": [text(), text("x" * 70_000)]})).json()
    assert made["blobs"][0]["properties"]["text"] == "Light shoe"
    assert "text" not in made["blobs"][1]["properties"]


@pytest.mark.parametrize(
    ("blob", "place"),
    [
        (picture(b64encode(PIXEL).decode()), "data"),
        (picture({"base64": "%%%"}), "data"),
        (picture({"base64": "AAAA", "mime_type": 7}), "mime_type"),
        (picture({"bytes": "AAAA"}), "data"),
        (picture("data:image/png;base64"), "data"),
        (picture({"url": "file:///etc/passwd"}), "data"),
        (picture({"url": "http://a/" + "x" * 5000}), "data"),
        (text(checksum=hash_of(b"other")), "checksum"),
        (text(checksum="nothing"), "checksum"),
    ],
)
async def test_what_is_no_content_is_refused_and_leaves_nothing(
    client: httpx2.AsyncClient, runtime: Any, blob: dict[str, Any], place: str
) -> None:
    answer = await client.post(OBJECTS, json={"blobs": [text("first"), blob]})
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["details"]["validation_errors"][0]["location"][-1] == place
    assert (rows(runtime, "documents"), rows(runtime, "blobs"), files(runtime)) == (0, 0, [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[::1]/x", "http://169.254.169.254/latest"])
async def test_urls_into_the_network_are_not_fetched(client: httpx2.AsyncClient, runtime: Any, url: str) -> None:
    answer = await client.post(OBJECTS, json={"blobs": [picture(url)]})
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "BlockedUrlError")
    kept = (await client.post(OBJECTS, json={"canonicalize_source": False, "blobs": [picture(url)]})).json()
    assert kept["blobs"][0]["properties"] == {"url": url}
    assert kept["blobs"][0]["details"] == {}
    assert files(runtime) == []


async def test_bytes_are_stored_once_in_a_namespace(
    client: httpx2.AsyncClient, runtime: Any, make_object: MakeObject
) -> None:
    first = await make_object(blobs=[text()])
    second = await make_object(blobs=[text(checksum=hash_of(b"Light shoe"))])
    assert first["blobs"][0]["properties"] == second["blobs"][0]["properties"]
    assert (rows(runtime, "blobs"), len(files(runtime))) == (1, 1)
    again = await make_object(force_remirror=True, blobs=[text()])
    assert again["blobs"][0]["properties"]["url"] != first["blobs"][0]["properties"]["url"]
    assert rows(runtime, "blobs") == 2
    # By its reference, too.
    named = await make_object(blobs=[text(first["blobs"][0]["properties"]["url"])])
    assert named["blobs"][0]["details"] == first["blobs"][0]["details"]


async def test_a_reference_of_another_namespace_names_nothing(
    client: httpx2.AsyncClient, make_bucket: MakeBucket, make_object: MakeObject
) -> None:
    made = await make_object(blobs=[text()])
    await client.post("/v1/namespaces", json={"namespace_name": "other"})
    client.headers["X-Namespace"] = "other"
    await make_bucket()
    answer = await client.post(OBJECTS, json={"blobs": [text(made["blobs"][0]["properties"]["url"])]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "blob_not_found")


async def test_skip_duplicates_answers_with_the_object_that_has_the_same_files(
    client: httpx2.AsyncClient, runtime: Any, make_object: MakeObject
) -> None:
    first = await make_object(title="x", blobs=[text(), picture({"base64": b64encode(PIXEL).decode()})])
    same = {"skip_duplicates": True, "blobs": [picture({"base64": b64encode(PIXEL).decode()}), text()]}
    assert (await make_object(**same))["object_id"] == first["object_id"]
    forced = await make_object(**same, force_remirror=True)
    assert forced["object_id"] == first["object_id"]
    assert len(files(runtime)) == 2
    assert (await make_object(skip_duplicates=True, blobs=[text()]))["object_id"] != first["object_id"]
    # Objects without files are not alike for that.
    empty = await make_object(title="x", skip_duplicates=True)
    assert (await make_object(title="x", skip_duplicates=True))["object_id"] != empty["object_id"]


async def test_a_soft_deleted_object_hides_no_duplicate_made_after_it(
    client: httpx2.AsyncClient, make_object: MakeObject
) -> None:
    same = {"skip_duplicates": True, "blobs": [text()]}
    hidden = (await make_object(**same))["object_id"]
    await client.post(f"{OBJECTS}/bulk-soft-delete", json={"object_ids": [hidden], "reason": "withdrawn"})
    second = (await make_object(**same))["object_id"]
    assert second != hidden
    assert (await make_object(**same))["object_id"] == second


async def test_an_update_in_place_replaces_the_blobs_of_a_property(
    client: httpx2.AsyncClient, runtime: Any, make_bucket: MakeBucket
) -> None:
    await make_bucket("keyed", unique_key={"fields": ["title"], "default_policy": "upsert"})
    path = "/v1/buckets/keyed/objects"
    both = {"title": "x", "blobs": [text("old"), picture({"base64": b64encode(PIXEL).decode()})]}
    made = (await client.post(path, json=both)).json()
    changed = (await client.post(path, json={"title": "x", "n": 1, "blobs": [text("newer")]})).json()
    assert changed["object_id"] == made["object_id"]
    assert [blob["property"] for blob in changed["blobs"]] == ["picture", "content"]
    assert await fetched(client, f"{path}/{made['object_id']}") == [PIXEL, b"newer"]
    assert (await client.get("/v1/buckets/keyed")).json()["total_size_bytes"] == len(PIXEL) + 5
    unused = runtime.reader.connection.execute("SELECT size_bytes FROM blobs WHERE unused_since IS NOT NULL").fetchall()
    assert unused == [(3,)]


async def test_a_deleted_object_gives_its_bytes_up(
    client: httpx2.AsyncClient, runtime: Any, make_object: MakeObject
) -> None:
    one, other = await make_object(blobs=[text()]), await make_object(blobs=[text()])
    for made, left in ((one, 10), (other, 0)):
        assert rows(runtime, "blobs WHERE unused_since IS NULL") == 1
        await client.delete(f"{OBJECTS}/{made['object_id']}")
        assert (await client.get("/v1/buckets/things")).json()["total_size_bytes"] == left
    assert rows(runtime, "blobs WHERE unused_since IS NULL") == 0
    assert rows(runtime, "blob_uses") == 0


async def test_bytes_that_go_while_an_object_is_made_are_stored_again(
    client: httpx2.AsyncClient, runtime: Any, make_object: MakeObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await make_object(blobs=[text()])
    known = find_by_content(runtime.reader.connection, _namespace_row(runtime), sha256(b"Light shoe").digest())
    await client.delete(f"{OBJECTS}/{first['object_id']}")
    _remove_rows(runtime)
    # A worker that looked a moment earlier still knows them.
    monkeypatch.setattr(ingest, "find_by_content", lambda *_: known)
    made = await make_object(blobs=[text()])
    assert made["blobs"][0]["properties"]["url"] != first["blobs"][0]["properties"]["url"]
    assert await fetched(client, f"{OBJECTS}/{made['object_id']}") == [b"Light shoe"]
    batch = (await client.post(f"{OBJECTS}/batch", json={"objects": [{"blobs": [text()]}]})).json()
    assert batch["succeeded_count"] == 1


def _namespace_row(runtime: Any) -> int:
    return int(runtime.reader.connection.execute("SELECT namespace_row FROM namespaces WHERE state = 'active'").get)


def _remove_rows(runtime: Any) -> None:
    """As the job does that removes what nobody uses."""
    connection = apsw.Connection(str(runtime.settings.data / DATABASE))
    connection.execute("DELETE FROM blobs")
    connection.close()


async def test_a_write_that_stores_nothing_leaves_no_bytes(
    client: httpx2.AsyncClient, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = runtime.store.execute

    async def refuse(command: Any, *more: Any, **options: Any) -> Any:
        if isinstance(command, CreateObject):
            raise ServiceUnavailableError("too much to do")
        return await execute(command, *more, **options)

    monkeypatch.setattr(runtime.store, "execute", refuse)
    assert (await client.post(OBJECTS, json={"blobs": [text()]})).status_code == 503
    assert files(runtime) == []


async def test_racing_creates_of_the_same_bytes_all_succeed(client: httpx2.AsyncClient, runtime: Any) -> None:
    answers = await asyncio.gather(*(client.post(OBJECTS, json={"blobs": [text()]}) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert rows(runtime, "blobs") == len(files(runtime)) >= 1
