"""``headwater demo`` from start to end, with a small part of the library."""

from __future__ import annotations

import json

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
    assert lineage["root_bucket_id"] == "bkt_stdlib"
    assert lineage["root_object_id"] == parent["_internal"]["lineage"]["root_object_id"]
    assert [step["document_id"] for step in lineage["chain"]] == [parent["document_id"], document["document_id"]]
    assert parent["file"] == json.__file__
    assert shown["file_is_unchanged"] is True
    assert set(shown["children"]) == {"dump", "dumps", "load", "loads"}
    assert shown["counts"]["modules"] == shown["loaded"]["modules"]
    assert shown["counts"]["definitions"] == shown["loaded"]["definitions"]
    assert shown["loaded"]["created"] == sum(shown["counts"].values())

    assert main(["demo", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert f"{sum(shown['counts'].values())} were there already" in said.out
    assert "json/__init__.py, lines" in said.out
    key = (data / "admin-key").read_text().strip()
    assert f'curl -s -H "Authorization: Bearer {key}" -H "X-Namespace: standard-library"' in said.err


def test_server_that_does_not_start_is_explained(environment, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HEADWATER_BOOTSTRAP_KEY", "two words")
    assert main(["demo", "--data", str(tmp_path / "demo-data")]) == 1
    said = capsys.readouterr().err
    assert "the server did not start" in said
    assert str(tmp_path / "demo-data" / "server.log") in said
