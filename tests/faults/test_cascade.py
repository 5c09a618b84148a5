"""The storage process dies again and again while a large tree is deleted: nothing is left, and the counts are right."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2

from tests.conftest import Server, start_server

_DOCUMENTS = 6000
_PATH = "/v1/collections/things/documents/d0"


def _fill(client: httpx2.Client) -> None:
    """A tree in which each document has up to three children."""
    assert client.post("/v1/namespaces", json={"namespace_name": "test"}).status_code == 200
    made = client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
    assert made.status_code == 200, made.text
    documents = [
        {"document_id": f"d{n}", "vectors": {}, **({"source_document_id": f"d{(n - 1) // 3}"} if n else {})}
        for n in range(_DOCUMENTS)
    ]
    for start in range(0, _DOCUMENTS, 1000):
        body = {"collection_id": "things", "documents": documents[start : start + 1000]}
        answer = client.post("/v1/namespaces/test/documents/upsert", json=body)
        assert answer.status_code == 200, answer.text


def _storage_pid(server: Server) -> int:
    return int(json.loads((server.data / "lock").read_text())["pid"])


def test_kills_between_slices_lose_no_count(tmp_path: Path) -> None:
    server = start_server(tmp_path / "data", "--workers", "1")
    try:
        with server.client(**{"X-Namespace": "test"}) as client:
            _fill(client)
    finally:
        server.stop()
    # Every storage process ends at its fifth commit, so that several do while the slices go by.
    server = start_server(tmp_path / "data", "--workers", "1", HEADWATER_FAILPOINTS="commit.after=exit@5")
    try:
        before = _storage_pid(server)
        with server.client(**{"X-Namespace": "test"}) as client:
            answer = client.delete(_PATH, params={"cascade": "true"})
            assert answer.status_code == 200, answer.text
            assert answer.json()["deleted_count"] == _DOCUMENTS
            assert client.get("/v1/collections/things/documents/count").json()["count"] == 0
            assert client.get(_PATH).status_code == 404
        assert _storage_pid(server) != before, "the failpoint was never reached"
    finally:
        server.stop()
