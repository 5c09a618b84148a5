"""What the demo shows of the library: a document, the way back to its file, its family, answers to questions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from headwater.cli.connection import Client, path_of
from headwater.cli.demo import DEFINITIONS, MODULES, Loaded
from headwater.cli.lineage import draw
from headwater.cli.tour_queries import Answered, queries
from headwater.cli.tour_questions import Question, questions

if TYPE_CHECKING:
    from headwater.demo.standard_library import Definition, Module

_SHOWN_TEXT = 120
_SHOWN_SIGNATURE = 60
#: Nodes of the drawn tree: a large module has hundreds of children.
_SHOWN_NODES = 20
_FAVOURITE = ("json", "dumps")


@dataclass(frozen=True)
class Tour:
    #: A definition as the API returns it.
    document: dict[str, Any]
    #: Its module, as the API returns it.
    parent: dict[str, Any]
    #: Where a browser finds the file that the module was made from, for an hour.
    file_url: str
    #: Whether the file that the module names still has the content that it was read with.
    file_is_unchanged: bool
    #: The parent's way up and everything that was made from it.
    graph: dict[str, Any]
    queries: list[Answered]
    questions: list[Question]
    counts: dict[str, int]
    loaded: Loaded

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def as_text(self) -> str:
        answered = (query.as_text() for query in self.queries)
        asked = (question.as_text() for question in self.questions)
        return "\n\n".join((self._document(), self._chain(), self._family(), *answered, self._counts(), *asked))

    def _document(self) -> str:
        shown = _shortened(self.document)
        return f"One document:\n\n{json.dumps(shown, indent=2, ensure_ascii=False)}"

    def _chain(self) -> str:
        lineage = self.document["_internal"]["lineage"]
        state = "the file is still what was read" if self.file_is_unchanged else "the file has changed since"
        return "\n".join(
            (
                "Its chain back to the file:",
                "",
                f"  {self.document['document_id']}  {_cut(self.document['signature'], _SHOWN_SIGNATURE)}",
                f"  from {self.parent['document_id']}  module {self.parent['name']}",
                f"  from {lineage['root_object_id']} in {lineage['root_bucket_id']}",
                f"       {self.parent['file']}, lines {self.document['line']}-{self.document['end_line']}",
                f"       ({state}, says its SHA-256)",
                "",
                "The file as it was read opens in a browser for an hour, while the server runs (see the end):",
                "",
                f"  {self.file_url}",
            )
        )

    def _family(self) -> str:
        drawn = StringIO()
        draw(self.graph, self.parent["document_id"], drawn)
        more = "\n... and more" if self.graph["truncated"] else ""
        return f"What was made from that file:\n\n{indent(drawn.getvalue().rstrip() + more, '  ')}"

    def _counts(self) -> str:
        lines = [f"{count:>7} documents in {name}" for name, count in self.counts.items()]
        loaded = self.loaded
        if loaded.there_already:
            lines.append(f"{loaded.there_already:>7} were there already")
        if loaded.created:
            rate = loaded.created / loaded.seconds
            lines.append(
                f"{loaded.created:>7} created one by one in {loaded.seconds:.1f} s: {rate:.0f} a second,"
                " each on the disk before its answer"
            )
        return "\n".join(lines)


def _shortened(value: Any) -> Any:
    """The value with long texts cut, to fit a screen."""
    if isinstance(value, dict):
        return {key: _shortened(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_shortened(member) for member in value]
    return _cut(value, _SHOWN_TEXT) if isinstance(value, str) else value


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + " ..."


def tour(client: Client, modules: list[Module], loaded: Loaded, host: str | None) -> Tour:
    """Look at the library through the API alone, but for the file at the end of the chain.

    ``host``: where the server will be later, for the links in its answers; None where it is now.
    """
    definition = _pick(modules)
    document = client.get(path_of("collections", DEFINITIONS, "documents", definition.document_id))
    parent_id = document["_internal"]["lineage"]["source_document_id"]
    parent = client.get(path_of("collections", MODULES, "documents", parent_id))
    return Tour(
        document=document,
        parent=parent,
        file_url=_file_url(client, parent_id, host),
        file_is_unchanged=_is_unchanged(parent),
        graph=client.get(path_of("documents", parent_id, "lineage", "graph"), limit=_SHOWN_NODES),
        queries=queries(client),
        questions=questions(client),
        counts={name: _count(client, name) for name in (MODULES, DEFINITIONS)},
        loaded=loaded,
    )


def _file_url(client: Client, module_id: str, host: str | None) -> str:
    path = path_of("collections", MODULES, "documents", module_id)
    headers = None if host is None else {"Host": host}
    found = client.call("GET", path, query={"return_url": "true"}, headers=headers)
    # A module that an earlier version of the demo loaded has no file in the store.
    return next((str(blob["presigned_url"]) for blob in found["document_blobs"]), "(load it into a new directory)")


def _pick(modules: list[Module]) -> Definition:
    definitions = [definition for module in modules for definition in module.definitions]
    return next((found for found in definitions if (found.module, found.name) == _FAVOURITE), definitions[0])


def _count(client: Client, collection: str) -> int:
    return int(client.get(path_of("collections", collection, "documents", "count"))["count"])


def _is_unchanged(module: dict[str, Any]) -> bool:
    file = Path(module["file"])
    expected = module["_internal"]["content_hash"]
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == expected
