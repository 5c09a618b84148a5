"""A data directory of a version before the field index and tasks, opened by this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest

from headwater.catalog.database import DATABASE, fetch_all
from headwater.kit.secrets import Secret
from headwater.reconcile import verify
from headwater.settings import Settings
from headwater.store.commands.fields import ResumeFieldPaths
from headwater.store.commands.purge import ResumePurges
from headwater.tenancy.keys import digest_of, new_secret

from ..jobs import work

pytestmark = pytest.mark.anyio
_HERE = Path(__file__).parent
_FIRST_FORMAT = Path(__file__).parents[2] / "src/headwater/catalog/migrations/0001_initial.sql"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With the old data in the directory, and a key for it."""
    settings.data.mkdir()
    key = new_secret()
    (settings.data / "admin-key").write_text(key)
    connection = apsw.Connection(str(settings.data / DATABASE))
    for script in (_FIRST_FORMAT, _HERE / "format_1.sql"):
        connection.execute(script.read_text())
    connection.execute("UPDATE api_keys SET digest = ?", (digest_of(Secret.load_or_create(settings.data), key),))
    connection.pragma("user_version", 1)
    connection.close()
    return settings


@pytest.fixture
async def old(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    client.headers["X-Namespace"] = "shop"
    return client


async def found(client: httpx2.AsyncClient, **query: Any) -> tuple[list[str], dict[str, Any]]:
    body = {"filters": {"brand": "Acme"}, "explain": True, **query}
    answer = await client.post("/v1/documents/list", json=body)
    assert answer.status_code == 200, answer.text
    return [document["document_id"] for document in answer.json()["results"]], answer.json()


async def test_what_was_there_is_found_and_a_deleted_collection_is_not(old: httpx2.AsyncClient) -> None:
    ids, _ = await found(old)
    assert sorted(ids) == ["doc_1", "doc_3", "doc_5", "part_1", "up_1"]
    document = (await old.get("/v1/collections/things/documents/doc_0", params={"return_vectors": True})).json()
    assert (document["price"], document["text"]) == (0, [1.0, 0.0, 0.0])
    children = (await old.get("/v1/collections/things/documents/doc_1/descendants")).json()
    assert [child["document_id"] for child in children] == ["part_1"]
    assert (await old.post("/v1/tasks/list", json={})).json()["results"] == []


async def test_the_start_indexes_what_was_declared_and_goes_on_with_the_purge(
    old: httpx2.AsyncClient, runtime: Any
) -> None:
    for command in (ResumePurges(), ResumeFieldPaths()):
        await runtime.store.execute(command)
    await work(runtime)
    connection = runtime.reader.connection
    assert fetch_all(connection, "SELECT path, state FROM field_paths") == [("brand", "live")] * 3
    assert fetch_all(connection, "SELECT document_id FROM documents WHERE document_id = 'doc_gone'") == []
    assert fetch_all(connection, "SELECT count(*) FROM field_values WHERE value = 'Acme'") == [(5,)]
    assert sorted((await found(old))[0]) == ["doc_1", "doc_3", "doc_5", "part_1", "up_1"]


async def test_it_can_be_verified_before_it_is_opened_for_writing(settings: Settings) -> None:
    report = await verify(settings.data, settings)
    assert (report.documents, report.differences) == (9, [])
