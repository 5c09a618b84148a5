"""``headwater documents list`` and ``count`` against a live server, as a user types them."""

from __future__ import annotations

import io
import json

import pytest

from headwater.cli import main
from headwater.cli.output import Table
from tests.cli.conftest import Outcome, headwater, serving

DOCUMENTS = [
    {"document_id": f"doc_{number}", "brand": brand, "price": number, "tags": ["x"], "metadata": {"page": number}}
    for number, brand in enumerate(["Acme", "Bolt", "Acme", "Bolt", "A brand with a long name"])
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A live server with a collection ``things`` that holds the documents."""
    folder = tmp_path_factory.mktemp("lists")
    with serving(folder / "data", folder / "server.log") as server:
        variables = {"HEADWATER_URL": server.url, "HEADWATER_DATA": str(server.data), "HEADWATER_NAMESPACE": "lists"}
        lines = "\n".join(map(json.dumps, DOCUMENTS))
        for arguments, stdin in (
            (("namespaces", "create", "lists"), ""),
            (("collections", "create", "things"), ""),
            (("documents", "create", "things", "--concurrency", "1"), lines),
        ):
            made = headwater(*arguments, stdin=stdin, **variables)
            assert made.exit_code == 0, made.stderr
        yield variables


@pytest.fixture
def run(environment, monkeypatch, capsys):
    def run(*arguments: str) -> Outcome:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        exit_code = main(list(arguments))
        streams = capsys.readouterr()
        return Outcome(exit_code, streams.out, streams.err)

    return run


def test_a_table_of_plain_fields(run):
    shown = run("documents", "list", "things", "--filter", '{"brand": "Acme"}', "--sort", "price:desc")
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["DOCUMENT_ID", "BRAND", "PRICE", "PAGE"],
        ["doc_2", "Acme", "2", "2"],
        ["doc_0", "Acme", "0", "0"],
    ]


def test_selected_fields_are_the_columns(run):
    shown = run("documents", "list", "things", "--select", "metadata.page, tags,created_at", "--limit", "1")
    header, line = shown.stdout.splitlines()
    assert header.split() == ["DOCUMENT_ID", "METADATA.PAGE", "TAGS", "CREATED_AT"]
    assert line.split()[:3] == ["doc_0", "0", '["x"]']
    assert line.split()[3].endswith("Z")


def test_select_may_be_said_twice(run):
    shown = run("documents", "list", "things", "--select", "brand", "--select", "price,tags", "--limit", "1")
    assert shown.stdout.splitlines()[0].split() == ["DOCUMENT_ID", "BRAND", "PRICE", "TAGS"]


def test_columns_that_nobody_asked_for_are_left_out_where_they_do_not_fit(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    arguments = ("documents", "list", "things", "--filter", '{"price": 0}')
    assert run(*arguments).stdout.splitlines()[0].split() == ["DOCUMENT_ID", "BRAND", "PRICE"]
    asked = run(*arguments, "--select", "created_at,updated_at")
    assert asked.stdout.splitlines()[0].split() == ["DOCUMENT_ID", "CREATED_AT", "UPDATED_AT"]


def test_prose_is_one_short_line_and_ids_stay_whole():
    row = {"id": "doc_" + "x" * 60, "text": "One line\n\nand another that is too long for a table"}
    (_, line) = Table(["id", "text"]).lines([row])
    assert line == f"{row['id']}  One line and another that is too long..."


def test_nothing_found_is_said(run):
    shown = run("documents", "list", "things", "--filter", '{"price": 9}')
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "DOCUMENT_ID\n", "no documents\n")


def test_jsonl_is_a_document_a_line(run):
    shown = run("documents", "list", "things", "--all", "--format", "jsonl", "--sort", "price", "--select", "price")
    assert [json.loads(line)["price"] for line in shown.stdout.splitlines()] == [0, 1, 2, 3, 4]
    assert shown.stderr == ""


def test_json_is_what_the_server_answered(run):
    for arguments in (("--json",), ("--format", "json")):
        answer = run("documents", "list", "things", "--limit", "2", *arguments)
        assert len(answer.json["results"]) == 2
        assert answer.json["pagination"]["page_size"] == 2


def test_the_hint_continues_the_list(run):
    first = run("documents", "list", "things", "--limit", "3", "--sort", "price:desc")
    hint = first.stderr.split("continue with --cursor ")[1].split(",")[0]
    rest = run("documents", "list", "things", "--sort", "price:desc", "--cursor", hint, "--format", "jsonl")
    assert [json.loads(line)["price"] for line in rest.stdout.splitlines()] == [1, 0]
    assert rest.stderr == ""


def test_all_goes_on_page_after_page(run, monkeypatch):
    monkeypatch.setattr("headwater.cli.document_pages._MAX_PAGE", 2)
    shown = run("documents", "list", "things", "--all", "--search", "b")
    lines = shown.stdout.splitlines()
    assert len(lines) == 4, "one header, three documents of two pages"
    assert lines[-1].split()[0] == "doc_4"
    assert len(run("documents", "list", "things", "--limit", "3", "--format", "json").stdout.splitlines()) == 2


def test_count(run):
    assert run("documents", "count", "things").stdout == "5\n"
    assert run("documents", "count", "things", "--filter", '{"price": {"gte": 3}}').stdout == "2\n"
    assert run("documents", "count", "things", "--json").json["count"] == 5


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("list", "things", "--filter", "{brand"), 2, "--filter is not JSON"),
        (("count", "things", "--filter", "brand=Acme"), 2, "--filter is not JSON"),
        (("list", "things", "--filter", '{"price": {"near": 1}}'), 1, "422 ValidationError"),
        (("list", "things", "--sort", "price:up"), 1, "422 ValidationError"),
        (("list", "things", "--limit", "0"), 2, "--limit takes 1 or more"),
        (("list", "things", "--cursor", "nonsense"), 1, "422 ValidationError"),
        (("list", "nowhere"), 1, "Collection not found: nowhere"),
        (("list", "nowhere"), 1, "hint: see what is there with `headwater collections list`"),
        (("list", "things", "--url", "here"), 2, "--url takes a URL such as http://127.0.0.1:8420, not 'here'"),
    ],
)
def test_what_is_wrong_is_named(run, arguments, exit_code, message):
    done = run("documents", *arguments)
    assert done.exit_code == exit_code
    assert message in done.stderr
    assert done.stdout == ""
