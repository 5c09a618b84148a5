"""``headwater search``: the documents that answer a text, each with the passage that does."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from headwater.cli.connection import DEFAULT_CONNECTION, Client, Connection, Json, Limit, path_of
from headwater.cli.document_pages import Filter, Select, fields_of, parse_filter, plain_fields, value_at
from headwater.cli.output import CommandError, note, on_one_line, print_json

Form = Literal["text", "json", "jsonl"]
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
#: Fields that are shown of a hit when nobody says which.
_SHOWN_FIELDS = 4


def search(
    query: Annotated[str, Parameter(help="What to look for.", allow_leading_hyphen=True)],
    *,
    collection: Annotated[
        list[str] | None,
        Parameter(name="--collection", negative=(), help="Id or name of a collection; all without it."),
    ] = None,
    filters: Filter = None,
    lexical: Annotated[bool, Parameter(negative=(), help="By the words of the text indexes, not by meaning.")] = False,
    hybrid: Annotated[bool, Parameter(negative=(), help="By meaning and by words, fused.")] = False,
    feature: Annotated[
        str | None, Parameter(help="Feature URI or vector name to compare by; by default that of the text extractor.")
    ] = None,
    select: Select = None,
    limit: Limit = 10,
    form: Annotated[
        Form, Parameter(name="--format", help="Text with passages, the answer as JSON, or one document a line.")
    ] = "text",
    connection: Connection = DEFAULT_CONNECTION,
    json: Json = False,
) -> None:
    """Search for a text, and show of each document the passage with the words that were looked for.

    Without --lexical it finds by meaning: the text is embedded by the model of the feature. --lexical needs a payload
    index of type text.
    """
    if lexical and hybrid:
        raise CommandError("--lexical and --hybrid exclude each other", exit_code=2)
    if limit < 1:
        raise CommandError("--limit takes 1 or more", exit_code=2)
    asked = {
        "collection_identifiers": collection,
        "searches": searches_for(query, lexical=lexical, hybrid=hybrid, feature=feature),
        "filters": parse_filter(filters),
        "final_top_k": limit,
    }
    with Client(connection) as client:
        body = {name: value for name, value in asked.items() if value is not None}
        answer = client.post(path_of("features", "search"), body)
    _show(answer, query, "json" if json else form, fields_of(select))


def searches_for(
    query: str, *, lexical: bool = False, hybrid: bool = False, feature: str | None = None
) -> list[dict[str, Any]]:
    """The rankings that the API is asked for."""
    by_meaning = {"query": query} | ({"feature_uri": feature} if feature else {})
    by_words = {"query": query, "lexical": True}
    if lexical:
        return [by_words]
    return [by_meaning, by_words] if hybrid else [by_meaning]


def _show(answer: dict[str, Any], query: str, form: Form, select: list[str]) -> None:
    from headwater.cli.snippets import snippet_of

    hits = answer["results"]
    snippets = [snippet_of(hit, query) for hit in hits]
    if form == "text":
        _print_hits(hits, snippets, select)
    else:
        shown = [hit | {"_snippet": found and asdict(found)} for hit, found in zip(hits, snippets, strict=True)]
        for value in shown if form == "jsonl" else [answer | {"documents": shown, "results": shown}]:
            print_json(value)
    for warning in answer["warnings"] or ():
        note(f"warning: {warning if isinstance(warning, str) else warning.get('message', warning)}")
    if not hits and form == "text":
        note("no documents")


def _print_hits(hits: list[dict[str, Any]], snippets: list[Any], select: list[str]) -> None:
    before, after = (_BOLD, _PLAIN) if _has_colour() else ("", "")
    for rank, (hit, snippet) in enumerate(zip(hits, snippets, strict=True), start=1):
        score = f"{hit['score']:.3f}" if "score" in hit else "-"
        print(f"{rank:>2}  {score:>6}  {hit['document_id']}")
        fields = select or [name for name in plain_fields([hit]) if snippet is None or name != snippet.field]
        shown = [f"{field}: {on_one_line(value_at(hit, field))}" for field in fields[: len(select) or _SHOWN_FIELDS]]
        for line in filter(None, ("  ".join(shown), snippet and f"{snippet.field}: {snippet.marked(before, after)}")):
            print(f"{'':12}{line}")


def _has_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
