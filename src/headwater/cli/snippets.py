"""The passage of a document that answers a query best, with the words of the query in it.

A search by meaning finds documents that share no word with the query; then the passage is how the longest text begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.query import words

Span = tuple[int, int]

_LONGEST = 160
#: Of prose: shorter values, such as names, are shown beside the passage anyway.
_FEWEST_WORDS = 4
_DEEPEST = 4
#: Of what is not drawn, this part is letters and digits.
_FEWEST_LETTERS = 0.5
_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n\s*\n")
_WORD = re.compile(r"\w+")
#: They stand in every passage. What a question asks with is no word of its answer.
_EVERYWHERE = words.stems(
    "a an the and or not of in on at to for from by with as is are was be been being it its this that these those i you"
    " we they he she my your how do does did can could should would will what when where which who why there if then"
    " than so into out up me",
    case_sensitive=False,
)


@dataclass(frozen=True)
class Snippet:
    #: Dotted path of the field that the passage stands in.
    field: str
    text: str
    #: Start and end of each word of the query, in characters of the text.
    highlights: list[Span]

    def marked(self, before: str, after: str) -> str:
        """The text with that around each highlight."""
        parts, position = [], 0
        for start, end in self.highlights:
            parts += [self.text[position:start], before, self.text[start:end], after]
            position = end
        return "".join((*parts, self.text[position:]))


def snippet_of(document: dict[str, Any], query: str) -> Snippet | None:
    """None when the document has no text."""
    wanted = words.stems(query, case_sensitive=False) - _EVERYWHERE
    fields = list(_texts(document))
    passages = [(path, passage) for path, text in fields for passage in _passages(text)]
    found = [(_matches(passage, wanted), path, passage) for path, passage in passages]
    best = max(found, key=lambda one: (not _is_drawn(one[2]), len(one[0]), _is_prose(one[2])), default=None)
    if best is None:
        return None
    if not best[0]:
        path, text = max(fields, key=lambda field: len(field[1]))
        return _cut(path, next(iter(_passages(text))), wanted)
    return _cut(best[1], best[2], wanted)


def _texts(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The strings of a document that are its user's, with their paths."""
    if isinstance(value, str):
        if _WORD.search(value):
            yield path, value
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key, member in value.items():
            if not key.startswith("_") and not key.endswith("_id"):
                yield from _texts(member, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST:
        for member in value:
            yield from _texts(member, path, depth + 1)


def _passages(text: str) -> Iterator[str]:
    """Sentences, on one line and without what would steer a terminal."""
    for sentence in _SENTENCE.split(text):
        line = "".join(character for character in " ".join(sentence.split()) if character.isprintable())
        if _WORD.search(line):
            yield line


def _is_prose(passage: str) -> bool:
    return passage.count(" ") + 1 >= _FEWEST_WORDS


def _is_drawn(passage: str) -> bool:
    """A table or a rule made of characters: it may hold every word of the query and still says nothing."""
    return sum(character.isalnum() for character in passage) < _FEWEST_LETTERS * len(passage)


def _matches(passage: str, wanted: frozenset[str]) -> frozenset[str]:
    return words.stems(passage, case_sensitive=False) & wanted


def _cut(path: str, passage: str, wanted: frozenset[str]) -> Snippet:
    """The passage, or what stands around its first highlight when it is long."""
    spans = _spans(passage, wanted)
    if len(passage) > _LONGEST:
        first = spans[0][0] if spans else 0
        start = max(min(first - _LONGEST // 4, len(passage) - _LONGEST), 0)
        end = start + _LONGEST
        passage = ("…" if start else "") + passage[start:end] + ("…" if end < len(passage) else "")
        spans = _spans(passage, wanted)
    return Snippet(path, passage, spans)


def _spans(passage: str, wanted: frozenset[str]) -> list[Span]:
    return [match.span() for match in _WORD.finditer(passage) if _matches(match[0], wanted)]
