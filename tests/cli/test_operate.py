"""Operator commands on running and on stopped data directories."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import apsw
import pytest

from tests.cli.conftest import headwater, serving

_VECTORS = [{"feature_extractor_id": "own_v1", "vectors": {"embedding": [0.5, 0.25, -1.0]}}]


def fill(server, count: int = 20) -> None:
    """A collection ``things`` with documents that have vectors."""
    variables = {"HEADWATER_URL": server.url, "HEADWATER_DATA": str(server.data), "HEADWATER_NAMESPACE": "operate"}
    lines = "\n".join(json.dumps({"number": number, "features": _VECTORS}) for number in range(count))
    for arguments, stdin in (
        (("namespaces", "create", "operate"), ""),
        (("collections", "create", "things"), ""),
        (("documents", "create", "things"), lines),
    ):
        made = headwater(*arguments, stdin=stdin, **variables)
        assert made.exit_code == 0, made.stderr


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A data directory with twenty documents, which no test changes."""
    folder = tmp_path_factory.mktemp("operate")
    with serving(folder / "data", folder / "server.log") as server:
        fill(server)
        assert server.stop() == 0
    return server.data


@pytest.fixture
def stopped(filled, tmp_path):
    """A copy of it, where ``serve`` looks."""
    return Path(shutil.copytree(filled, tmp_path / "data"))


def test_second_organization_on_a_running_directory(serve):
    with serve() as server:
        made = headwater(
            "organizations", "create", "Other", "--email", "o@example.org", "--data", server.data, "--json"
        )
        assert made.exit_code == 0, made.stderr
        with server.client() as client:
            answer = client.get("/v1/me", headers={"Authorization": f"Bearer {made.json['key']}"}).json()
    assert answer["organization_id"] == made.json["organization_id"]
    assert answer["organization_name"] == "Other"


def test_second_organization_on_a_stopped_directory(serve, stopped):
    made = headwater("organizations", "create", "Other", "--email", "o@example.org", "--data", stopped, "--json")
    assert made.exit_code == 0, made.stderr
    with serve() as again, again.client() as client:
        answer = client.get("/v1/me", headers={"Authorization": f"Bearer {made.json['key']}"}).json()
    assert answer["organization_id"] == made.json["organization_id"]


@pytest.mark.parametrize(
    "arguments",
    [("verify",), ("rebuild",), ("backup", "x.tar"), ("organizations", "create", "X", "--email", "a@b.c")],
)
def test_folder_that_is_no_data_directory_is_refused(tmp_path, arguments):
    refused = headwater(*arguments, "--data", tmp_path)
    assert refused.exit_code == 1
    assert f"{tmp_path} is not a data directory" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_verify_finds_nothing_wrong_running_or_stopped(serve, stopped):
    assert headwater("verify", "--data", stopped).exit_code == 0
    with serve():
        running = headwater("verify", "--data", stopped, "--json")
    assert running.exit_code == 0, running.stderr
    assert (running.json["ok"], running.json["documents"], running.json["vectors"]) == (True, 20, 20)


def test_verify_names_a_changed_record(stopped):
    connection = apsw.Connection(str(stopped / "headwater.db"))
    (document_id,) = connection.execute("SELECT document_id FROM documents ORDER BY document_row LIMIT 1").fetchone()
    connection.execute("UPDATE documents SET body = '{\"number\":7}' WHERE document_id = ?", (document_id,))
    connection.close()
    found = headwater("verify", "--data", stopped)
    assert found.exit_code == 1
    assert document_id in found.stdout
    assert "error: 1 differences" in found.stderr


def test_rebuild_makes_the_index_again(stopped):
    rebuilt = headwater("rebuild", "--data", stopped, "--json")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert len(rebuilt.json["collections"]) == 1
    assert headwater("verify", "--data", stopped).exit_code == 0


def test_backup_of_a_running_server_is_private_and_restores_once(serve, stopped, tmp_path):
    archive, copy = tmp_path / "backup.tar", tmp_path / "copy"
    with serve():
        made = headwater("backup", archive, "--data", stopped, "--json")
    assert made.exit_code == 0, made.stderr
    assert made.json["documents"] == 20
    assert archive.stat().st_mode & 0o777 == 0o600
    restored = headwater("restore", archive, "--data", copy, "--json")
    assert restored.exit_code == 0, restored.stderr
    again = headwater("restore", archive, "--data", copy)
    assert again.exit_code == 1
    assert f"{copy} is not empty" in again.stderr


def test_restore_names_the_archive_that_is_not_there(tmp_path):
    absent = tmp_path / "absent.tar"
    refused = headwater("restore", absent, "--data", tmp_path / "copy")
    assert refused.exit_code == 1
    assert refused.stderr == f"error: {absent}: No such file or directory\n"


def test_restored_directory_serves_with_the_old_key(stopped, serve, tmp_path):
    archive = tmp_path / "backup.tar"
    assert headwater("backup", archive, "--data", stopped).exit_code == 0
    stopped.rename(tmp_path / "old")
    assert headwater("restore", archive, "--data", stopped).exit_code == 0
    with serve() as server:
        assert server.announced["key"] is None
        variables = {"HEADWATER_URL": server.url, "HEADWATER_DATA": str(server.data), "HEADWATER_NAMESPACE": "operate"}
        listed = headwater("documents", "list", "things", "--limit", "100", "--json", **variables)
        assert len(listed.json["results"]) == 20, listed.stderr
