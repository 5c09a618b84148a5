"""The queries of the demo: a filtered and sorted list, groups, an aggregation. Each is shown as it was sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from headwater.cli.connection import Client, path_of
from headwater.cli.demo import DEFINITIONS
from headwater.cli.output import Table

_SHOWN_NAMES = 3
#: With its margin, what fits on a narrow terminal.
_WIDTH = 76

_LONGEST = {
    "filters": {
        "kind": ["function", "method"],
        "lines": {"gte": 20},
        "AND": [{"field": "text", "operator": "words", "value": "file"}],
    },
    "sort": "lines:desc",
    "select": ["lines", "module", "name"],
    "limit": 5,
}
_KINDS = {"group_by": "kind", "select": ["name"]}
_MODULES = {
    "group_by": [{"field": "module"}],
    "aggregations": [
        {"function": "count", "alias": "definitions"},
        {"function": "sum", "field": "lines", "alias": "lines"},
        {"function": "max", "field": "lines", "alias": "longest"},
    ],
    "sort_by": "lines",
    "limit": 5,
}


@dataclass(frozen=True)
class Answered:
    """One query and its answer, as rows of a table."""

    title: str
    path: str
    body: dict[str, Any]
    rows: list[dict[str, Any]]

    def as_text(self) -> str:
        table = Table(list(self.rows[0])).lines(self.rows) if self.rows else ["nothing"]
        return shown_request(self.title, self.path, self.body, table)


def shown_request(title: str, path: str, body: dict[str, Any], answer: list[str]) -> str:
    """What was asked, as it was sent, and the lines that it was answered with."""
    sent = wrap(json.dumps(body), _WIDTH, break_long_words=False, break_on_hyphens=False)
    lines = [f"POST {path}", *sent, "", *answer]
    return "\n".join((f"{title}:", "", *(f"  {line}".rstrip() for line in lines)))


def queries(client: Client) -> list[Answered]:
    return [_longest(client), _kinds(client), _modules(client)]


def _longest(client: Client) -> Answered:
    path = path_of("collections", DEFINITIONS, "documents", "list")
    found = client.post(path, _LONGEST)["results"]
    rows = [{column: document.get(column) for column in ("lines", "module", "name")} for document in found]
    return Answered("The longest functions whose documentation speaks of files", path, _LONGEST, rows)


def _kinds(client: Client) -> Answered:
    path = path_of("collections", DEFINITIONS, "documents", "list")
    rows = [
        {"kind": group["group_key"], "count": group["count"], "first": _names(group["documents"])}
        for group in client.post(path, _KINDS)["groups"]
    ]
    return Answered("How many there are of each kind, and the first of them", path, _KINDS, rows)


def _names(documents: list[dict[str, Any]]) -> str:
    return ", ".join(str(document.get("name", "-")) for document in documents[:_SHOWN_NAMES])


def _modules(client: Client) -> Answered:
    path = path_of("collections", DEFINITIONS, "documents", "aggregate")
    rows = [row["group"] | row["metrics"] for row in client.post(path, _MODULES)["results"]]
    return Answered("The modules with the most lines of documented code", path, _MODULES, rows)
