"""``headwater export`` and ``headwater import`` against a live server."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.cli.conftest import headwater, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    with serving(folder / "data", folder / "server.log") as running:
        yield running


@pytest.fixture(scope="module")
def variables(server, tmp_path_factory):
    """A namespace with ``things``, which has 1100 documents: more than are exported while the request waits."""
    names = {"HEADWATER_URL": server.url, "HEADWATER_DATA": str(server.data), "HEADWATER_NAMESPACE": "transfer"}
    for arguments in (("namespaces", "create", "transfer"), ("collections", "create", "things")):
        assert headwater(*arguments, **names).exit_code == 0
    rows = [
        {
            "document_id": f"d{number}",
            "n": number,
            "title": "ключ\x85\u2028",
            "features": [{"feature_extractor_id": "clip_v1", "vectors": {"image": [number + 0.1, 1.0]}}],
        }
        for number in range(1100)
    ]
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    done = headwater("import", "things", file, "--json", **names)
    assert (done.exit_code, done.json) == (0, {"imported": 1100, "valid": 1100, "refused": 0}), done.stderr
    return names


def read(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def test_round_trip(variables, tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    done = headwater("export", "things", "--out", first, "--vectors", "--json", **variables)
    assert (done.exit_code, done.json) == (0, {"documents": 1100, "files": [str(first)]}), done.stderr
    assert headwater("namespaces", "create", "other", **variables).exit_code == 0
    other = {**variables, "HEADWATER_NAMESPACE": "other"}
    assert headwater("collections", "create", "things", **other).exit_code == 0
    assert headwater("import", "things", first, **other).exit_code == 0
    assert headwater("export", "things", "--out", second, "--vectors", **other).exit_code == 0
    rows, again = read(first), read(second)
    assert sorted(row["n"] for row in rows) == list(range(1100))
    for row in (*rows, *again):
        for name in ("namespace_id", "collection_id", "lineage"):
            del row["_internal"][name]
        del row["collection_id"]
    assert again == rows


def test_tables_and_filters(variables, tmp_path):
    table = tmp_path / "some.csv"
    some = ("--filter", '{"n": {"lt": 3}}', "--select", "n,title")
    assert headwater("export", "things", "--out", table, "--format", "csv", *some, **variables).exit_code == 0
    with table.open(encoding="utf-8", newline="") as stream:
        assert [row["n"] for row in csv.DictReader(stream)] == ["0", "1", "2"]
    columns = tmp_path / "all.parquet"
    done = headwater("export", "things", "--out", columns, "--format", "parquet", "--vectors", **variables)
    assert done.exit_code == 0, done.stderr
    assert parquet.read_table(columns).num_rows == 1100
    assert parquet.read_table(tmp_path / "all_vectors.parquet").column_names == ["document_id", "clip_v1_image"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.parquet", "all_vectors.parquet", "some.csv"]


def test_refused_rows_are_named(variables, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"document_id": "x1"}\n{"metadata": 1}\n')
    done = headwater("import", "things", file, "--dry-run", "--json", **variables)
    assert (done.exit_code, done.json["refused"], done.json["valid"]) == (1, 1, 1)
    assert "row 1: metadata: metadata must be an object" in done.stderr
    rules = tmp_path / "mapping.json"
    rules.write_text('{"fields": [{"source_field": "document_id", "target": {"kind": "teleport"}}]}')
    assert headwater("import", "things", file, "--mapping", rules, **variables).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("export", "nothing", "--out", "x"), 1),
        (("export", "things", "--out", "x", "--filter", "{"), 2),
        (("import", "things", "nothing.jsonl"), 1),
        (("import", "things", "--skip", "-1"), 2),
    ],
)
def test_what_goes_wrong(variables, tmp_path, arguments, exit_code, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = headwater(*arguments, **variables)
    assert done.exit_code == exit_code
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []
