"""Processes that end in the middle of objects: no row without its bytes, and nothing counted twice."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx2
import pytest

from headwater.reconcile import verify
from headwater.settings import Settings
from tests.conftest import Server, start_server

_OBJECTS = "/v1/buckets/things/objects"
_SCHEMA = {"properties": {"content": {"type": "text"}, "n": {"type": "integer"}}}
_KEYED = {"bucket_name": "things", "bucket_schema": _SCHEMA, "unique_key": {"fields": ["n"]}}


def _start(data: Path, failpoint: str = "") -> Server:
    return start_server(data, "--workers", "1", HEADWATER_FAILPOINTS=failpoint)


def _fill(data: Path) -> None:
    server = _start(data)
    try:
        with server.client() as client:
            client.post("/v1/namespaces", json={"namespace_name": "test"})
            client.post("/v1/buckets", json=_KEYED, headers={"X-Namespace": "test"})
    finally:
        server.stop()


def _new(number: int) -> dict[str, Any]:
    return {"n": number, "blobs": [{"property": "content", "type": "text", "data": f"text {number}"}]}


def _check(data: Path, numbers: set[int]) -> None:
    """The bucket has those objects, each with its bytes; the counts agree, and ``verify`` finds nothing."""
    server = _start(data)
    try:
        with server.client(**{"X-Namespace": "test"}) as client:
            listed = client.post(f"{_OBJECTS}/list", json={"limit": 100, "return_presigned_urls": True}).json()
            found = {item["n"]: client.get(item["blobs"][0]["presigned_url"]).text for item in listed["results"]}
            assert found == {number: f"text {number}" for number in numbers}
            bucket = client.get("/v1/buckets/things").json()
            assert bucket["object_count"] == len(numbers)
            assert bucket["total_size_bytes"] == sum(len(text) for text in found.values())
    finally:
        server.stop()
    report = asyncio.run(verify(data, Settings(data=data)))
    assert report.differences == []


@pytest.mark.parametrize("failpoint", ["blob.written", "blob.stored"])
def test_worker_dies_between_the_bytes_and_the_row(tmp_path: Path, failpoint: str) -> None:
    data = tmp_path / "data"
    _fill(data)
    server = _start(data, f"{failpoint}=exit@3")
    try:
        with server.client(**{"X-Namespace": "test"}) as client:
            for number in (1, 2):
                assert client.post(f"{_OBJECTS}?policy=insert", json=_new(number)).status_code == 200
            with pytest.raises(httpx2.TransportError):
                client.post(f"{_OBJECTS}?policy=insert", json=_new(3))
    finally:
        server.stop()
    _check(data, {1, 2})
    with sqlite3.connect(data / "headwater.db") as database:
        assert database.execute("SELECT count(*) FROM blobs").fetchone() == (2,)


def test_storage_process_dies_at_commits_and_each_object_is_there_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _fill(data)
    # Every storage process ends at its third commit; the answer is told to the client all the same.
    server = _start(data, "commit.after=exit@3")
    try:
        with server.client(**{"X-Namespace": "test"}) as client:
            for number in range(8):
                answer = client.post(f"{_OBJECTS}?policy=insert", json=_new(number))
                assert answer.status_code == 200, answer.text
                assert answer.json()["blobs"][0]["properties"]["text"] == f"text {number}"
            listed = client.get(_OBJECTS).json()["results"]
            for item in listed[::2]:
                assert client.delete(f"{_OBJECTS}/{item['object_id']}").status_code == 204
    finally:
        server.stop()
    _check(data, {1, 3, 5, 7})
