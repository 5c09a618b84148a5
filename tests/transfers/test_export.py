"""What an export holds, in each of its formats."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx2
import pytest
from pyarrow import parquet

from headwater.jobs.lane import Lane
from headwater.resources.transfers import exports
from headwater.runtime import Runtime
from headwater.store.transfer import export as writing

from .conftest import DOCUMENTS, export, fetch, rows

pytestmark = pytest.mark.anyio


async def test_lines_are_the_stored_documents(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things")
    assert (answer["format"], answer["document_count"]) == ("json", 4)
    assert answer["vectors_download_url"] is None
    plain, odd, rich, child = await rows(client, answer["download_url"])
    assert plain["metadata"] == {"status": "draft", "brand": "hidden"}
    assert (plain["brand"], "status" in plain) == ("Acme", False)
    assert {name: odd[name] for name in DOCUMENTS[1]} == DOCUMENTS[1]
    assert "title" not in rich
    assert rich["_internal"]["features"][0]["payload"] == {"title": "Launch"}
    assert "vectors" not in rich
    assert child["_internal"]["lineage"]["root_object_id"] == "obj_1"
    assert child["collection_id"] == filled["collection_id"]


async def test_answer_tells_size_and_time(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things")
    file = await fetch(client, answer["download_url"])
    assert len(file.content) == answer["file_size_bytes"]
    assert answer["exported_at"].endswith("Z")
    assert answer["s3_path"].startswith("exports/exp_")


async def test_vectors_are_in_a_file_of_their_own(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things", include_vectors=True)
    assert "vectors" not in (await rows(client, answer["download_url"]))[2]
    found = {row["document_id"]: row for row in await rows(client, answer["vectors_download_url"])}
    assert found["rich"]["colbert_v1_tokens"] == [[0.1, 0.2], [0.3, 0.4]]
    assert found["rich"]["splade_v1_sparse"] == {"indices": [4, 90], "values": [0.7, 1.1]}
    assert found["plain"] == {"document_id": "plain"}


async def test_lineage_columns(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things", include_lineage=True, select_fields=["brand"])
    plain, _, rich, child = await rows(client, answer["download_url"])
    assert plain == {
        "document_id": "plain",
        "brand": "Acme",
        "lineage_chain": [],
        "source_content_hash": None,
        "document_created_at": plain["document_created_at"],
    }
    assert rich["source_content_hash"] == "ab" * 32
    assert [step["document_id"] for step in child["lineage_chain"]] == ["rich", "child"]


async def test_user_field_outranks_a_lineage_column(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things", include_lineage=True, include_vectors=True)
    odd = (await rows(client, answer["download_url"]))[1]
    assert odd["source_content_hash"] == "mine"
    assert odd["_internal"]["_export"]["columns"] == ["lineage_chain", "document_created_at"]


async def test_selected_fields_are_found_as_reads_show_them(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    fields = ["metadata.status", "status", "a.b", "nothing", "_internal.modality"]
    found = await rows(client, (await export(client, "things", select_fields=fields))["download_url"])
    assert found[0] == {"document_id": "plain", "metadata.status": "draft", "status": "draft"}
    assert found[1] == {"document_id": "odd", "a.b": 1}
    assert found[2] == {"document_id": "rich", "_internal.modality": "image"}


async def test_csv_has_a_column_for_every_field(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    answer = await export(client, "things", format="csv", include_vectors=True, include_lineage=True)
    text = (await fetch(client, answer["download_url"])).text
    plain, odd, *_ = csv.DictReader(io.StringIO(text))
    assert (plain["brand"], plain["price"], plain["a.b"]) == ("Acme", "12.5", "")
    assert json.loads(plain["metadata"])["status"] == "draft"
    assert json.loads(odd["ключ"]) == ["é", {"x": None}]
    vectors = list(csv.DictReader(io.StringIO((await fetch(client, answer["vectors_download_url"])).text)))
    assert json.loads(vectors[2]["clip_v1_image"]) == [0.1, 0.2, 0.3]
    assert vectors[0]["clip_v1_image"] == ""


async def test_parquet_keeps_types(client: httpx2.AsyncClient, filled: dict[str, Any]) -> None:
    for number, price in enumerate([1, 2.5]):
        await client.post("/v1/collections/things/documents", json={"price": price, "n": number, "ok": True})
    answer = await export(client, "things", format="parquet", include_vectors=True)
    table = parquet.read_table(io.BytesIO((await fetch(client, answer["download_url"])).content)).to_pylist()
    assert [row["price"] for row in table][-2:] == [1.0, 2.5]
    assert [row["ok"] for row in table] == [None] * 4 + [True] * 2
    assert json.loads(table[0]["metadata"])["status"] == "draft"
    vectors = parquet.read_table(io.BytesIO((await fetch(client, answer["vectors_download_url"])).content)).to_pylist()
    assert vectors[2]["clip_v1_image"] == pytest.approx([0.1, 0.2, 0.3])
    assert vectors[2]["splade_v1_sparse"]["indices"] == [4, 90]
    assert len(vectors[2]["colbert_v1_tokens"]) == 2


async def test_parquet_is_the_default_and_names_its_extra(
    client: httpx2.AsyncClient, filled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await client.post("/v1/collections/things/export")
    assert answer.json()["format"] == "parquet"
    monkeypatch.setitem(__import__("sys").modules, "headwater.store.transfer.parquet", None)
    refused = await client.post("/v1/collections/things/export", json={})
    assert refused.status_code == 403
    assert refused.json()["error"]["details"] == {"feature": "parquet", "extra": "parquet"}


async def test_empty_collection(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    for form in ("json", "csv", "parquet"):
        answer = await export(client, "things", format=form, include_vectors=True, include_lineage=True)
        assert answer["document_count"] == 0
        assert (await fetch(client, answer["download_url"])).status_code == 200


async def test_filters_and_samples(client: httpx2.AsyncClient, collection: dict[str, Any]) -> None:
    for number in range(40):
        body = {"document_id": f"d{number}", "n": number, "even": number % 2 == 0}
        await client.post("/v1/collections/things/documents", json=body)
    even = await rows(client, (await export(client, "things", filters={"even": True}))["download_url"])
    assert [row["n"] for row in even] == list(range(0, 40, 2))
    sample = {"filters": {"even": True}, "sample_size": 5}
    first = await rows(client, (await export(client, "things", **sample))["download_url"])
    assert first == await rows(client, (await export(client, "things", **sample))["download_url"])
    assert (len(first), {row["n"] % 2 for row in first}) == (5, {0})
    assert max(row["n"] for row in first) > 30
    assert (await export(client, "things", sample_size=1000))["document_count"] == 40


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"format": "xml"}, 422, "ValidationError"),
        ({"format": "webdataset"}, 403, "NotEnabledError"),
        ({"format": "json", "include_media": True}, 403, "NotEnabledError"),
        ({"format": "json", "destination": {"connection_id": "c"}}, 403, "NotEnabledError"),
        ({"format": "json", "sample_size": 0}, 422, "ValidationError"),
        ({"format": "json", "filters": {"a": {"b": 1}}}, 422, "ValidationError"),
    ],
)
async def test_what_is_refused(
    client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime, body: dict[str, Any], status: int, kind: str
) -> None:
    answer = await client.post("/v1/collections/things/export", json=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert not (runtime.settings.data / "exports").exists()


async def test_too_many_columns_are_refused(
    client: httpx2.AsyncClient, collection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headwater.store.transfer.tables.MAX_COLUMNS", 3)
    await client.post("/v1/collections/things/documents", json={"a": 1, "b": 2, "c": 3, "d": 4})
    answer = await client.post("/v1/collections/things/export", json={"format": "csv"})
    assert answer.status_code == 400
    assert "select_fields" in answer.json()["error"]["message"]


async def test_large_exports_are_written_by_the_lane(
    client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "INLINE_DOCUMENTS", 1)
    answer = await export(client, "things", include_vectors=True, include_lineage=True)
    assert answer["document_count"] == 4
    assert len(await rows(client, answer["download_url"])) == 4


async def test_lane_tells_the_error_of_an_export(
    client: httpx2.AsyncClient, filled: dict[str, Any], lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "INLINE_DOCUMENTS", 1)
    monkeypatch.setattr("headwater.store.transfer.tables.MAX_COLUMNS", 1)
    answer = await client.post("/v1/collections/things/export", json={"format": "csv"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "BadRequestError")


async def test_waiting_for_the_lane_ends(
    client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "INLINE_DOCUMENTS", 1)
    monkeypatch.setattr(runtime.settings, "transfer_wait_seconds", 0.1)
    answers = [await client.post("/v1/collections/things/export", json={"format": "json"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [504, 504]
    # The second request waited for the task of the first.
    first, second = (answer.json()["error"]["details"]["task_id"] for answer in answers)
    assert first == second


async def test_export_is_of_one_moment(client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime) -> None:
    plan = writing.ExportPlan(
        export_id="exp_moment",
        organization_id="org",
        namespace_id="ns",
        namespace_row=runtime.reader.connection.execute("SELECT namespace_row FROM namespaces").get,
        collection_row=runtime.reader.connection.execute("SELECT collection_row FROM collections").get,
        format="csv",
    )

    steps = writing.export(runtime.reader.connection, runtime.settings, plan)
    next(steps)
    await client.post("/v1/collections/things/documents", json={"late": True})
    list(steps)
    text = (runtime.settings.data / "exports" / "exp_moment" / "documents.csv").read_text()
    assert "late" not in text


async def test_full_disk_leaves_nothing(
    client: httpx2.AsyncClient, filled: dict[str, Any], runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime.settings, "free_space_bytes", 1 << 60)
    answer = await client.post("/v1/collections/things/export", json={"format": "json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (507, "InsufficientStorageError")
    assert list((runtime.settings.data / "exports").iterdir()) == []
