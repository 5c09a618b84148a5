"""The first start: one key, told once, in files that nobody else reads; no door open before it exists."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import headwater

KEY = "sk_operator-chosen-key"


def test_key_is_told_on_the_first_start_only(serve):
    with serve() as first:
        assert first.url.startswith("http://127.0.0.1:")
        key = first.announced["key"]
        assert key == first.key
        with first.client() as client:
            assert client.get("/v1/me").json()["key"]["name"] == "admin-key"
    with serve() as second:
        assert second.announced["key"] is None
        assert second.key == key


def test_plain_announcement_has_the_key_and_a_curl_line_on_stdout(tmp_path):
    command = [sys.executable, "-m", "headwater", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(7))
        process.terminate()
        assert process.wait(30) == 0
    key = (tmp_path / "data" / "admin-key").read_text().strip()
    assert key in said
    assert f'curl -H "Authorization: Bearer {key}" http://127.0.0.1:' in said


def test_everything_in_the_data_directory_is_private(serve):
    with serve() as server:
        assert server.data.stat().st_mode & 0o777 == 0o700
        files = [path for path in server.data.rglob("*") if path.is_file()]
        assert {"admin-key", "secret", "private-token", "headwater.db"} <= {path.name for path in files}
        assert [path for path in server.data.rglob("*") if path.stat().st_mode & 0o077] == []


def test_refuses_an_open_door_before_a_key_exists(tmp_path):
    refused = headwater("serve", "--data", tmp_path / "data", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 1
    assert "refusing to listen on 0.0.0.0" in refused.stderr
    assert "hint: start once on 127.0.0.1, or set HEADWATER_BOOTSTRAP_KEY" in refused.stderr
    assert refused.stdout == ""
    assert not (tmp_path / "data" / "headwater.db").exists()


def test_open_door_is_fine_with_the_operators_own_key_and_once_a_key_exists(serve):
    with serve("--host", "0.0.0.0", HEADWATER_BOOTSTRAP_KEY=KEY) as server:
        assert server.key == KEY
    with serve("--host", "0.0.0.0") as server, server.client() as client:
        assert client.get("/v1/me").status_code == 200


def test_unusable_bootstrap_key_is_refused(tmp_path):
    refused = headwater("serve", "--data", tmp_path / "data", "--port", "0", HEADWATER_BOOTSTRAP_KEY="two words")
    assert refused.exit_code == 1
    assert "HEADWATER_BOOTSTRAP_KEY" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("variable", "value"), [("HEADWATER_PORT", "70000"), ("HEADWATER_WORKERS", "many"), ("HEADWATER_LOG_LEVEL", "loud")]
)
def test_setting_that_does_not_fit_is_named(tmp_path, variable, value):
    refused = headwater("serve", "--data", tmp_path / "data", **{variable: value})
    assert refused.exit_code == 2
    assert variable in refused.stderr
    assert value in refused.stderr


def test_taken_port_is_told_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = headwater("serve", "--data", tmp_path / "data", "--port", str(port))
    assert refused.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in refused.stderr
    assert not (tmp_path / "data" / "headwater.db").exists()


def test_data_directory_that_is_a_file_is_refused(tmp_path):
    file = tmp_path / "data"
    file.write_text("")
    refused = headwater("serve", "--data", file, "--port", "0")
    assert refused.exit_code == 1
    assert f"cannot use the data directory {file}" in refused.stderr


def test_directory_with_other_things_keeps_its_mode(serve, tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / "somebody-elses").write_text("")
    with serve():
        assert data.stat().st_mode & 0o777 == 0o755
    assert Path(data / "admin-key").stat().st_mode & 0o777 == 0o600
