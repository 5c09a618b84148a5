"""``headwater demo`` from start to end, with a small part of the library."""

from __future__ import annotations

import json
import linecache

import pytest

from headwater.cli import main
from headwater.demo import standard_library


@pytest.fixture
def small_library(monkeypatch):
    """The modules of ``json`` alone: real text, real vectors, seconds instead of a minute."""
    wanted = standard_library._is_wanted
    monkeypatch.setattr(
        standard_library, "_is_wanted", lambda parts, everything: parts[0] == "json" and wanted(parts, everything)
    )


@pytest.fixture
def environment(monkeypatch):
    for name in ("HEADWATER_URL", "HEADWATER_API_KEY", "HEADWATER_NAMESPACE", "HEADWATER_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_demo_loads_shows_and_says_what_is_there_already(small_library, environment, tmp_path, capsys):
    data = tmp_path / "demo-data"
    assert main(["demo", "--data", str(data), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    document, parent = shown["document"], shown["parent"]
    assert (document["name"], document["module"], document["kind"]) == ("dumps", "json", "function")
    lineage = document["_internal"]["lineage"]
    assert lineage["root_bucket_id"].startswith("bkt_")
    assert shown["file_url"].startswith("http://127.0.0.1:8420/v1/_storage/")
    assert lineage["root_object_id"] == parent["_internal"]["lineage"]["root_object_id"]
    assert [step["document_id"] for step in lineage["chain"]] == [parent["document_id"], document["document_id"]]
    assert parent["file"] == json.__file__
    assert shown["file_is_unchanged"] is True
    below = [edge["target"] for edge in shown["graph"]["edges"] if edge["source"] == parent["document_id"]]
    labels = {node["id"]: node["label"] for node in shown["graph"]["nodes"]}
    assert {labels[child] for child in below} == {"dump", "dumps", "load", "loads"}
    longest, kinds, by_module = shown["queries"]
    assert [(row["module"], row["name"]) for row in longest["rows"]] == [("json", "dump"), ("json", "load")]
    assert sum(row["count"] for row in kinds["rows"]) == shown["counts"]["definitions"]
    assert {row["module"] for row in by_module["rows"]} <= {"json", "json.decoder", "json.encoder", "json.scanner"}
    assert [len(question["hits"]) for question in shown["questions"]] == [3, 3, 3]
    hit = shown["questions"][0]["hits"][0]
    source = linecache.getlines(hit["file"])[hit["line"] - 1 :]
    assert [line.strip() for line in hit["source"]] == [line.strip() for line in source[: len(hit["source"])]]
    assert hit["source"][0].startswith(("def ", "class "))
    assert shown["counts"]["modules"] == shown["loaded"]["modules"]
    assert shown["counts"]["definitions"] == shown["loaded"]["definitions"]
    assert shown["loaded"]["created"] == sum(shown["counts"].values())

    assert main(["demo", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert f"{sum(shown['counts'].values())} were there already" in said.out
    assert "json/__init__.py, lines" in said.out
    assert "object obj_" in said.out
    assert "http://127.0.0.1:8420/v1/_storage/" in said.out
    assert "POST /v1/collections/definitions/documents/aggregate" in said.out
    assert '"copy a whole directory tree", by meaning and by words' in said.out
    assert "POST /v1/features/search" in said.out
    assert f"{hit['file']}:{hit['line']}" in said.out
    assert "MODULE        DEFINITIONS  LINES  LONGEST" in said.out
    key = (data / "admin-key").read_text().strip()
    assert f'curl -s -H "Authorization: Bearer {key}" -H "X-Namespace: standard-library"' in said.err


def test_server_that_does_not_start_is_explained(environment, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HEADWATER_BOOTSTRAP_KEY", "two words")
    assert main(["demo", "--data", str(tmp_path / "demo-data")]) == 1
    said = capsys.readouterr().err
    assert "the server did not start" in said
    assert str(tmp_path / "demo-data" / "server.log") in said
