"""``headwater buckets`` and ``headwater objects`` against a live server, as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest

from headwater.cli import main
from tests.cli.conftest import Outcome, headwater, serving

SCHEMA = "text=text,photo=image"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    with serving(folder / "data", folder / "server.log") as server:
        variables = {
            "HEADWATER_URL": server.url,
            "HEADWATER_DATA": str(server.data),
            "HEADWATER_NAMESPACE": "files",
        }
        for arguments in (
            ("namespaces", "create", "files"),
            ("buckets", "create", "library", "--schema", SCHEMA),
        ):
            made = headwater(*arguments, **variables)
            assert made.exit_code == 0, made.stderr
        yield variables


@pytest.fixture
def run(environment, monkeypatch, capsys):
    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.delenv("COLUMNS", raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        exit_code = main(list(map(str, arguments)))
        streams = capsys.readouterr()
        return Outcome(exit_code, streams.out, streams.err)

    return run


def test_bucket_round_trip(run, tmp_path):
    (tmp_path / "schema.json").write_text('{"properties": {"title": {"type": "string"}}}')
    made = run("buckets", "create", "round-trip", "--schema", tmp_path / "schema.json", "--json").json
    assert run("buckets", "get", "round-trip", "--json").json["bucket_id"] == made["bucket_id"]
    assert made["bucket_id"] in run("buckets", "list").stdout
    assert run("buckets", "delete", "round-trip").exit_code == 0
    gone = run("buckets", "get", "round-trip")
    assert gone.exit_code == 1
    assert "headwater buckets list" in gone.stderr


def test_a_wrong_schema_is_wrong_usage(run):
    assert run("buckets", "create", "wrong", "--schema", "photo").exit_code == 2


def test_files_go_in_and_come_out(run, tmp_path):
    files = []
    for number in range(6):
        files.append(tmp_path / f"note {number}.txt")
        files[-1].write_text(f"note {number}\n" * 1000)
    first = run("objects", "put", *files[:4], "--bucket", "library", "--json")
    assert (first.exit_code, first.json["sent"]) == (0, 4)
    again = run("objects", "put", *files, "--bucket", "library", "--json").json
    assert (again["sent"], again["there"], again["refused"]) == (2, 4, 0)
    object_id = again["objects"][str(files[5])]
    assert object_id in run("objects", "list", "--bucket", "library").stdout
    saved = tmp_path / "saved.txt"
    assert run("objects", "get", object_id, "--bucket", "library", "--out", saved).exit_code == 0
    assert saved.read_bytes() == files[5].read_bytes()
    assert run("objects", "delete", object_id, "--bucket", "library").exit_code == 0
    assert run("objects", "get", object_id, "--bucket", "library").exit_code == 1


def test_files_are_listed_by_their_names(run, tmp_path):
    (tmp_path / "first.txt").write_text("equal")
    (tmp_path / "second.txt").write_text("equal")
    bucket = run("buckets", "create", "named", "--schema", SCHEMA, "--json").json["bucket_id"]
    put = run("objects", "put", tmp_path / "first.txt", "--bucket", bucket)
    object_id = put.stdout.splitlines()[1].split()[0]
    assert put.stdout.splitlines() == ["OBJECT_ID         FILE", f"{object_id}  {tmp_path / 'first.txt'}"]
    # Its content is there already, so that it is the same object.
    again = run("objects", "put", tmp_path / "second.txt", "--bucket", bucket)
    assert again.stdout.splitlines()[1].split() == [object_id, str(tmp_path / "second.txt")]
    assert run("objects", "list", "--bucket", bucket).stdout.splitlines()[1].split()[:3] == [
        object_id,
        "first.txt",
        "5",
    ]


def test_what_is_interrupted_says_how_to_go_on(run, tmp_path, monkeypatch, capsys):
    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("headwater.cli.putting.put_files", interrupted)
    with pytest.raises(SystemExit, match="130"):
        run("objects", "put", tmp_path / "any.txt", "--bucket", "library")
    assert "hint: repeat the command" in capsys.readouterr().err


def test_what_is_refused_is_named_and_holds_up_nothing(run, tmp_path):
    good, odd = tmp_path / "good.txt", tmp_path / "odd.bin"
    good.write_text("good")
    odd.write_bytes(b"\x00")
    done = run("objects", "put", odd, tmp_path / "missing.txt", good, "--bucket", "library")
    assert done.exit_code == 1
    assert "1 sent, 0 there already, 2 refused" in done.stderr
    assert f"{odd}: " in done.stderr
    assert "missing.txt: cannot be read" in done.stderr
