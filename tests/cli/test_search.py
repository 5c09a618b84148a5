"""``headwater search`` against a live server with the text model, as a user types it."""

from __future__ import annotations

import io
import json

import httpx2
import pytest

from headwater.cli import main, search
from tests.cli.conftest import Outcome, serving

TEXTS = {
    "doc_json": ("dumps", "Serialize an object to a JSON formatted string. It may be indented."),
    "doc_tree": ("copytree", "Recursively copy a directory tree and return the destination."),
    "doc_cache": ("cache", "Simple lightweight unbounded cache. Sometimes called memoize."),
}


def furnish(url: str, key: str) -> None:
    """A namespace with a text index, and documents with vectors of the text model."""
    headers = {"Authorization": f"Bearer {key}", "X-Namespace": "functions"}
    indexes = [{"field_name": "text", "type": "text"}]
    with httpx2.Client(base_url=url, headers=headers, timeout=60) as client:
        client.post("/v1/namespaces", json={"namespace_name": "functions", "payload_indexes": indexes})
        client.post("/v1/collections", json={"collection_name": "things", "source": {"type": "none"}})
        texts = [text for _, text in TEXTS.values()]
        asked = {
            "inference_name": "all_minilm_l6_v2_v1",
            "inputs": {"texts": texts},
            "parameters": {"task": "document"},
        }
        vectors = client.post("/v1/inference", json=asked).json()["data"]["embeddings"]
        for (document_id, (name, text)), vector in zip(TEXTS.items(), vectors, strict=True):
            feature = {"feature_extractor_id": "text_extractor_v1", "vectors": {"embedding": vector}}
            body = {"document_id": document_id, "name": name, "text": text, "features": [feature]}
            assert client.post("/v1/collections/things/documents", json=body).status_code == 200


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    with serving(folder / "data", folder / "server.log") as server:
        furnish(server.url, (server.data / "admin-key").read_text().strip())
        yield {"HEADWATER_URL": server.url, "HEADWATER_DATA": str(server.data), "HEADWATER_NAMESPACE": "functions"}


@pytest.fixture
def run(environment, monkeypatch, capsys):
    def run(*arguments: str) -> Outcome:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        exit_code = main(["search", *arguments])
        streams = capsys.readouterr()
        return Outcome(exit_code, streams.out, streams.err)

    return run


def test_by_meaning_a_document_is_found_that_shares_no_word(run):
    shown = run("remember what a function returned", "--limit", "1")
    assert (shown.exit_code, shown.stderr) == (0, "")
    first, fields, passage = shown.stdout.splitlines()
    assert first.split()[0::2] == ["1", "doc_cache"]
    assert fields.strip() == "name: cache"
    assert passage.strip() == "text: Simple lightweight unbounded cache."


def test_the_words_of_the_query_are_marked_on_a_terminal(run, monkeypatch):
    monkeypatch.setattr(search, "_has_colour", lambda: True)
    shown = run("copying trees", "--lexical", "--collection", "things")
    assert "\x1b[1mcopy\x1b[0m a directory \x1b[1mtree\x1b[0m and return" in shown.stdout
    assert "doc_json" not in shown.stdout


def test_a_filter_decides_what_may_be_found(run):
    shown = run("copy a directory tree", "--hybrid", "--filter", '{"name": "dumps"}', "--select", "name")
    assert [line.split()[-1] for line in shown.stdout.splitlines()[:2]] == ["doc_json", "dumps"]


def test_json_is_the_answer_with_passages(run):
    shown = run("JSON object", "--hybrid", "--json").json
    assert shown["results"][0]["document_id"] == "doc_json"
    snippet = shown["results"][0]["_snippet"]
    assert snippet["field"] == "text"
    marked = [snippet["text"][start:end] for start, end in snippet["highlights"]]
    assert marked == ["object", "JSON"]


def test_one_document_a_line(run):
    lines = run("JSON object", "--limit", "2", "--format", "jsonl").stdout.splitlines()
    assert json.loads(lines[0])["document_id"] == "doc_json"
    assert len(lines) == 2


def test_nothing_found_is_said(run):
    shown = run("zebra", "--lexical")
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", "no documents\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("x", "--lexical", "--hybrid"), 2, "--lexical and --hybrid exclude each other"),
        (("x", "--limit", "0"), 2, "--limit takes 1 or more"),
        (("x", "--filter", "{"), 2, "--filter is not JSON"),
        (("x", "--collection", "nope"), 1, "Collection not found: nope"),
        (("x", "--feature", "nope"), 1, "no searched collection has the feature 'nope'"),
    ],
)
def test_what_is_wrong_is_said(run, arguments, exit_code, message):
    shown = run(*arguments)
    assert (shown.exit_code, shown.stdout) == (exit_code, "")
    assert message in shown.stderr
