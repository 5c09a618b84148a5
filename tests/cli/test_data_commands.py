"""The data commands against a live server, as a user types them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from headwater.cli import main
from headwater.cli.connection import Client, Connection, path_of
from tests.cli.conftest import Outcome, headwater, serving


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A live server with a namespace and a collection, as ``HEADWATER_*`` variables."""
    folder = tmp_path_factory.mktemp("commands")
    with serving(folder / "data", folder / "server.log") as server:
        variables = {
            "HEADWATER_URL": server.url,
            "HEADWATER_DATA": str(server.data),
            "HEADWATER_NAMESPACE": "commands",
        }
        for arguments in (("namespaces", "create", "commands"), ("collections", "create", "things")):
            made = headwater(*arguments, **variables)
            assert made.exit_code == 0, made.stderr
        yield variables


@pytest.fixture
def run(environment, monkeypatch, capsys):
    """The command in this process, against the live server: what a process of its own would add is seen elsewhere."""

    def run(*arguments: str | Path, stdin: str = "", **more: str) -> Outcome:
        # xdist gives its workers the width of the terminal that the tests were started in.
        monkeypatch.delenv("COLUMNS", raising=False)
        for name, value in {**environment, **more}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        exit_code = main(list(map(str, arguments)))
        streams = capsys.readouterr()
        return Outcome(exit_code, streams.out, streams.err)

    return run


def test_namespace_round_trip(run):
    made = run("namespaces", "create", "round-trip", "--json").json
    assert run("namespaces", "get", "round-trip", "--json").json["namespace_id"] == made["namespace_id"]
    assert made["namespace_id"] in run("namespaces", "list").stdout
    assert run("namespaces", "delete", made["namespace_id"]).exit_code == 0
    gone = run("namespaces", "get", "round-trip")
    assert gone.exit_code == 1
    assert gone.stderr.startswith("error: Namespace not found: round-trip (404 NotFoundError)")


def test_collection_round_trip(run):
    made = run("collections", "create", "round-trip", "--description", "for a test", "--json").json
    assert made["description"] == "for a test"
    assert made["collection_id"] in run("collections", "list").stdout
    assert run("collections", "delete", "round-trip").exit_code == 0
    assert run("collections", "get", "round-trip").exit_code == 1


def test_one_document_from_standard_input(run):
    made = run("documents", "create", "things", "--json", stdin='{\n  "brand": "Acme"\n}\n').json
    assert made["brand"] == "Acme"
    shown = run("documents", "get", "things", made["document_id"], "--json").json
    assert shown["brand"] == "Acme"
    assert run("documents", "delete", "things", made["document_id"]).exit_code == 0
    assert run("documents", "get", "things", made["document_id"]).exit_code == 1


def test_vectors_are_shown_when_asked_for(run):
    features = [{"feature_extractor_id": "own_v1", "vectors": {"embedding": [0.5, 0.25]}}]
    made = run("documents", "create", "things", "--json", stdin=json.dumps({"features": features})).json
    shown = run("documents", "get", "things", made["document_id"], "--vectors", "--json").json
    assert shown["own_v1_embedding"] == [0.5, 0.25]


@pytest.mark.parametrize("form", ["lines", "array"])
def test_many_documents_from_a_file(run, tmp_path, form):
    documents = [{"number": number} for number in range(120)]
    file = tmp_path / "documents"
    file.write_text("\n".join(map(json.dumps, documents)) if form == "lines" else json.dumps(documents, indent=1))
    assert run("collections", "create", f"from-{form}").exit_code == 0
    done = run("documents", "create", f"from-{form}", file, "--json")
    assert done.json["acknowledged"] == 120
    listed = run("documents", "list", f"from-{form}", "--limit", "1000", "--json").json["results"]
    assert sorted(document["number"] for document in listed) == list(range(120))


def test_refused_document_stops_the_run_and_tells_how_to_continue(run, tmp_path):
    lines = [json.dumps({"number": number}) for number in range(60)]
    lines[40] = json.dumps({"source_type": "nonsense"})
    file = tmp_path / "documents.jsonl"
    file.write_text("\n".join(lines))
    assert run("collections", "create", "resumed").exit_code == 0
    stopped = run("documents", "create", "resumed", file, "--json", "--concurrency", "4")
    assert stopped.exit_code == 1
    assert "document 41: " in stopped.stderr
    hint = stopped.stderr.split("continue with ")[1].splitlines()[0].split()
    assert hint[:2] == ["--skip", "40"]
    lines[40] = json.dumps({"number": 40})
    file.write_text("\n".join(lines))
    resumed = run("documents", "create", "resumed", file, "--json", *hint)
    assert resumed.exit_code == 0, resumed.stderr
    # Documents that were on their way when the run stopped are not stored a second time.
    listed = run("documents", "list", "resumed", "--limit", "1000", "--json").json["results"]
    assert sorted(document["number"] for document in listed) == list(range(60))


def test_keep_going_reports_each_refused_document(run):
    lines = ['{"number": 1}', '{"source_type": "nonsense"}', '{"number": 2}']
    done = run("documents", "create", "things", "--keep-going", "--json", stdin="\n".join(lines))
    assert done.exit_code == 1
    assert (done.json["acknowledged"], done.json["refused"]) == (2, 1)
    assert "document 2: " in done.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", "standard input: not JSON"), ('{"a": 1}\n{', "standard input, line 2: not JSON"), ("[1]", "not int")],
)
def test_input_that_is_not_documents_is_refused(run, text, complaint):
    refused = run("documents", "create", "things", stdin=text)
    assert refused.exit_code == 1
    assert complaint in refused.stderr


def test_key_round_trip(run, environment):
    admin = (Path(environment["HEADWATER_DATA"]) / "admin-key").read_text().strip()
    made = run("keys", "create", "robot", "--permissions", "read", "--json").json
    assert made["permissions"] == ["read"]
    assert run("collections", "list", HEADWATER_API_KEY=made["key"]).exit_code == 0
    refused = run("collections", "create", "forbidden", HEADWATER_API_KEY=made["key"])
    assert "403 ForbiddenError" in refused.stderr
    rotated = run("keys", "rotate", "robot", "--json", "--key", admin).json
    assert "401" in run("collections", "list", HEADWATER_API_KEY=made["key"]).stderr
    assert made["key"] not in run("keys", "list", "--key", admin).stdout
    assert run("keys", "delete", "robot", "--key", admin).exit_code == 0
    assert "401" in run("collections", "list", HEADWATER_API_KEY=rotated["key"]).stderr


def test_key_of_an_end_user_is_for_documents_only(run, environment):
    admin = (Path(environment["HEADWATER_DATA"]) / "admin-key").read_text().strip()
    made = run("keys", "create", "olga", "--principal", "user-17", "--json", "--key", admin).json
    assert made["principal_id"] == "user-17"
    assert "user-17" in run("keys", "list", "--key", admin).stdout
    assert "work on documents only" in run("collections", "list", HEADWATER_API_KEY=made["key"]).stderr


def test_user_round_trip(run):
    made = run("users", "create", "person@example.org", "--role", "viewer", "--json").json
    assert made["role"] == "viewer"
    assert run("users", "get", "person@example.org", "--json").json["user_id"] == made["user_id"]
    assert "person@example.org" in run("users", "list").stdout
    assert run("users", "delete", "person@example.org").exit_code == 0


def test_organization_of_the_key_is_shown(run):
    assert run("organizations", "get", "--json").json["organization_name"] == "Local"


def test_missing_namespace_has_a_hint(run):
    refused = run("collections", "list", HEADWATER_NAMESPACE="")
    assert refused.exit_code == 1
    assert "hint: name a namespace with --namespace" in refused.stderr


def test_unreachable_server_exits_with_3():
    refused = headwater("namespaces", "list", "--url", "http://127.0.0.1:1", "--key", "sk_x")
    assert refused.exit_code == 3
    assert "hint: start it with `headwater serve`" in refused.stderr


def test_missing_key_names_the_file(tmp_path):
    refused = headwater("namespaces", "list", "--data", tmp_path)
    assert refused.exit_code == 1
    assert str(tmp_path / "admin-key") in refused.stderr


@pytest.fixture
def film(run, request):
    """obj → film → scene → shot in two collections; the names are the test's own."""
    mark = f"{abs(hash(request.node.name)):x}"[:8]
    for name in (f"films-{mark}", f"scenes-{mark}"):
        assert run("collections", "create", name).exit_code == 0
    documents = [
        {"document_id": f"film-{mark}", "title": "Launch", "root_object_id": "obj_1", "root_bucket_id": "bkt_1"},
        {"document_id": f"scene-{mark}", "source_document_id": f"film-{mark}"},
        {"document_id": f"shot-{mark}", "source_document_id": f"scene-{mark}"},
    ]
    for collection, document in zip(("films", "scenes", "scenes"), documents, strict=True):
        made = run("documents", "create", f"{collection}-{mark}", "--json", stdin=json.dumps(document))
        assert made.exit_code == 0, made.stderr
    return mark


def test_lineage_is_drawn_as_a_tree(run, film):
    drawn = run("lineage", f"scene-{film}")
    assert drawn.exit_code == 0, drawn.stderr
    lines = [line.strip("│├└─ ").split() for line in drawn.stdout.splitlines()]
    assert lines == [
        ["bucket", "bkt_1"],
        ["object", "obj_1"],
        ["Launch", f"film-{film}", f"films-{film}"],
        [f"scene-{film}", f"scenes-{film}"],
        [f"shot-{film}", f"scenes-{film}"],
    ]
    cut = run("lineage", f"scene-{film}", "--limit", "2")
    assert "--limit 20" in cut.stderr
    assert len(run("lineage", f"scene-{film}", "--json").json["nodes"]) == 5
    assert run("lineage", "nobody").exit_code == 1


def test_missing_parents_are_drawn(run, film):
    document = {"document_id": f"late-{film}", "source_document_id": "nobody", "root_object_id": "obj_9"}
    run("documents", "create", f"films-{film}", stdin=json.dumps(document))
    lines = [line.strip("│├└─ ").split() for line in run("lineage", f"late-{film}").stdout.splitlines()]
    assert lines == [["object", "obj_9"], ["nobody", "missing"], [f"late-{film}", f"films-{film}"]]


def test_cascade_asks_before_it_deletes(run, film):
    arguments = ("documents", "delete", f"films-{film}", f"film-{film}")
    planned = run(*arguments, "--cascade", "--dry-run", "--json").json
    assert (planned["deleted_count"], planned["dry_run"]) == (3, True)
    for answer in ("n\n", ""):
        refused = run(*arguments, "--cascade", stdin=answer)
        assert refused.exit_code == 1
        assert "Delete 3 documents?" in refused.stderr
    assert run("documents", "get", f"films-{film}", f"film-{film}").exit_code == 0
    assert run(*arguments, "--cascade", "--json", stdin="y\n").json["deleted_count"] == 3
    assert run("documents", "get", f"scenes-{film}", f"shot-{film}").exit_code == 1


def test_cascade_without_being_asked(run, film):
    arguments = ("documents", "delete", f"scenes-{film}", f"scene-{film}")
    assert run(*arguments, "--dry-run").exit_code == 2
    assert run(*arguments, "--cascade", "--yes", "--json").json["deleted_count"] == 2


def test_tasks_are_listed_shown_and_stopped(run, film, environment):
    connection = Connection(environment["HEADWATER_URL"], None, "commands", Path(environment["HEADWATER_DATA"]))
    with Client(connection) as client:
        path = path_of("collections", f"films-{film}", "documents", "bulk")
        changed = client.call("PATCH", path, body={"update_data": {"seen": True}})
    listed = run("tasks", "list", "--status", "COMPLETED")
    assert changed["task_id"] in listed.stdout
    assert run("tasks", "get", changed["task_id"], "--json").json["additional_data"]["updated_count"] == 1
    assert run("tasks", "stop", changed["task_id"]).exit_code == 0, "one that has ended is no error"
    refused = run("tasks", "get", "task_nothing")
    assert "Task not found: task_nothing" in refused.stderr
    assert "hint: see what is there with `headwater tasks list`" in refused.stderr


def test_columns_that_do_not_fit_are_named(run):
    assert "LAST_USED_AT" in run("keys", "list").stdout
    narrow = run("keys", "list", COLUMNS="60")
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    assert "KEY_ID" in narrow.stdout
    assert "hint: there was no room for permissions" in narrow.stderr
