"""The questions of the demo: searches of the library by meaning and by words, answered with lines of its source."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from headwater.cli.connection import Client, path_of
from headwater.cli.demo import DEFINITIONS
from headwater.cli.search import searches_for
from headwater.cli.tour_queries import shown_request

_HITS = 3
#: A signature may take that many lines before the documentation begins.
_LONGEST_SIGNATURE = 12


@dataclass(frozen=True)
class Hit:
    """A definition that was found, and where it stands."""

    document_id: str
    score: float
    name: str
    file: str
    line: int
    #: From its first line to the first of its documentation, as the file has them.
    source: list[str]


@dataclass(frozen=True)
class Question:
    text: str
    how: str
    body: dict[str, Any]
    hits: list[Hit]

    def as_text(self) -> str:
        return shown_request(f'"{self.text}", {self.how}', _path(), self.body, self._answer() or ["nothing"])

    def _answer(self) -> list[str]:
        lines = []
        for hit in self.hits[:1]:
            lines += [f"{hit.file}:{hit.line}", "", *(f"  {line}" for line in hit.source), ""]
        if others := [hit.name for hit in self.hits[1:]]:
            lines.append(f"and then {', '.join(others)}")
        return lines


def questions(client: Client) -> list[Question]:
    return [
        _ask(client, "remember the results of a function that was called before", "by meaning"),
        _ask(client, "copy a whole directory tree", "by meaning and by words", hybrid=True),
        _ask(client, "measure how long a piece of code takes", "by meaning, classes only", kind="class"),
    ]


def _ask(client: Client, text: str, how: str, *, hybrid: bool = False, kind: str | None = None) -> Question:
    body: dict[str, Any] = {
        "collection_identifiers": [DEFINITIONS],
        "searches": searches_for(text, hybrid=hybrid),
        "final_top_k": _HITS,
    }
    if kind is not None:
        body["filters"] = {"kind": kind}
    found = client.post(_path(), body)["results"]
    files = _files(client, found)
    return Question(text, how, body, [_hit(document, files) for document in found])


def _path() -> str:
    return path_of("features", "search")


def _files(client: Client, documents: list[dict[str, Any]]) -> dict[str, str]:
    """The file of each document's module, by the id of the module."""
    body = {"document_ids": sorted({_module_of(document) for document in documents}), "return_presigned_urls": False}
    found = client.post(path_of("documents", "batch-get"), body)["documents"] if documents else []
    return {module["document_id"]: module["file"] for module in found}


def _module_of(document: dict[str, Any]) -> str:
    return str(document["_internal"]["lineage"]["source_document_id"])


def _hit(document: dict[str, Any], files: dict[str, str]) -> Hit:
    file = files[_module_of(document)]
    return Hit(
        document_id=document["document_id"],
        score=document["score"],
        name=f"{document['module']}.{document['name']}",
        file=file,
        line=document["line"],
        source=_source(Path(file), document["line"], document["text"]),
    )


def _source(file: Path, line: int, text: str) -> list[str]:
    """Nothing when the file is not on this machine."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", errors="replace") as opened:
        lines = [found.rstrip() for found in islice(opened, line - 1, line - 1 + _LONGEST_SIGNATURE)]
    begins = text.splitlines()[0]
    end = next((number for number, found in enumerate(lines) if begins in found), 0)
    margin = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return [found[margin:] for found in lines[: end + 1]]
