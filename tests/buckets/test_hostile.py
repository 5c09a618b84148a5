"""Objects of hostile callers: whatever they are called and however large or deep they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from .conftest import MakeObject

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bucket")]

OBJECTS = "/v1/buckets/things/objects"
NAMES = [
    "..",
    "../../../etc/passwd",
    "/etc/passwd",
    "%2e%2e%2fetc%2fpasswd",
    "C:\\Windows\\system.ini",
    "a\x00b.png",
    "\u202egnp.exe",
    "CON",
    "x" * 255,
    "e\u0301.png",
    "\U0001f9c3.png",
    ".",
    " ",
]


def outside(runtime: Any) -> list[Path]:
    """Files of the data directory's neighbourhood that are not where they should be."""
    data = runtime.settings.data
    return [path for path in data.parent.iterdir() if path != data]


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_name_is_never_a_path(
    client: httpx2.AsyncClient, runtime: Any, make_object: MakeObject, name: str
) -> None:
    blob = {"property": "content", "type": "text", "data": {"base64": "eA==", "filename": name}}
    made = await make_object(key_prefix=name, blobs=[blob])
    filename = made["blobs"][0]["details"]["filename"]
    assert filename
    assert not set(filename) & set('/\\\x00\u202e"')
    assert made["key_prefix"] == name
    for path in (runtime.settings.data / "blobs").rglob("*"):
        assert name not in path.name or len(name) < 3
    assert outside(runtime) == []


@pytest.mark.parametrize("name", NAMES)
async def test_ids_in_paths_are_only_looked_up(client: httpx2.AsyncClient, name: str) -> None:
    quoted = quote(name, safe="")
    for path in (f"/v1/buckets/{quoted}", f"{OBJECTS}/{quoted}", f"{OBJECTS}/{quoted}{'x' * 4000}"):
        # Dots alone are a path of their own: that of a list.
        assert (await client.get(path)).status_code in (200, 404)


async def test_names_of_fields_may_be_anything_that_is_not_reserved(make_object: MakeObject) -> None:
    names = ["a.b", "", "$where", "__proto__", "e\u0301", "x" * 1000, "SELECT", "payload"]
    made = await make_object(**{name: name for name in names})
    assert {name: made[name] for name in names} == {name: name for name in names}


async def test_ten_thousand_fields_are_stored_and_found(client: httpx2.AsyncClient, make_object: MakeObject) -> None:
    made = await make_object(**{f"field{number}": number for number in range(10_000)})
    found = await client.post(f"{OBJECTS}/list", json={"filters": {"field9999": 9999}, "select": ["field9999"]})
    assert found.json()["results"] == [
        {"object_id": made["object_id"], "bucket_id": made["bucket_id"], "field9999": 9999}
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b'{"a": 1e400}',
        b'{"a": NaN}',
        b'{"a": 99999999999999999999}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}',
        b"[]",
        b"7",
        b"{",
        b"",
    ],
)
async def test_json_that_is_none_stores_nothing(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post(OBJECTS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert (await client.get("/v1/buckets/things")).json()["object_count"] == 0


async def test_a_hundred_blobs_are_the_most(client: httpx2.AsyncClient, make_object: MakeObject) -> None:
    blob = {"property": "content", "type": "text", "data": "x"}
    assert len((await make_object(blobs=[blob] * 100))["blobs"]) == 100
    assert (await client.post(OBJECTS, json={"blobs": [blob] * 101})).status_code == 422
