"""The inside of ``{{ … }}``, token by token: what is refused before the engine sees it, and what it must be told.

The engine bounds time and memory by its fuel, with three exceptions that only a look at the tokens can close: it
recurses once for each unary operator, repeats lists without counting them, and lets ``.format`` pad to any width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: Roots as templates spell them, in lower case, and the one name that the engine knows each by.
ROOTS = {
    "input": "INPUT",
    "inputs": "INPUT",
    "doc": "DOC",
    "document": "DOC",
    "context": "CONTEXT",
    "stage": "STAGE",
    "secret": "SECRET",
    "secrets": "SECRET",
}
#: Far more than people write, and few enough for the engine's recursion.
MAX_TOKENS = 300
_METHODS = frozenset(
    {"capitalize", "count", "endswith", "find", "get", "items", "join", "keys", "lower", "lstrip", "replace", "rstrip"}
    | {"split", "splitlines", "startswith", "strip", "title", "upper", "values"}
)
#: An expression with one of these decides for itself what an input that was not given means.
_MINDS_ABSENCE = frozenset({"default", "d", "or", "if", "is"})
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<mark>\*\*|//|==|!=|<=|>=|[-+*/%~|.,:()\[\]{}<>=?])
    )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSING = re.compile(r"\s*-?\}\}")
_OPEN = {"(": ")", "[": "]", "{": "}"}


class UnreadableError(Exception):
    """The expression is not one that we evaluate; the text says why."""


class Token(NamedTuple):
    kind: str
    text: str


class Expression(NamedTuple):
    """``source`` is what the engine evaluates."""

    source: str
    #: Names of inputs that it looks at.
    inputs: frozenset[str]
    roots: frozenset[str]
    minds_absence: bool


def read_expression(text: str, start: int) -> tuple[Expression, int]:
    """The expression that begins there, and where the text goes on behind its ``}}``."""
    tokens: list[Token] = []
    depth = 0
    while depth or not (closing := _CLOSING.match(text, start)):
        found = _TOKEN.match(text, start)
        if found is None:
            rest = text[start:].strip()
            raise UnreadableError(f"{rest[0]!r} is not expected there" if rest else "'}}' is missing")
        kind = str(found.lastgroup)
        tokens.append(Token(kind, found[kind]))
        depth += _deeper(tokens[-1].text if kind == "mark" else "")
        start = found.end()
        if len(tokens) > MAX_TOKENS:
            raise UnreadableError(f"it has more than {MAX_TOKENS} names, values and operators")
    return _expression(tokens), closing.end()


def _expression(tokens: list[Token]) -> Expression:
    if not tokens:
        raise UnreadableError("nothing stands between '{{' and '}}'")
    named = [_rooted(tokens, number) for number in range(len(tokens))]
    _check_methods(named)
    names = {token.text for token in named if token.kind == "name"}
    return Expression(
        " ".join(_guarded(_without_ternary(named))),
        frozenset(_inputs(named)),
        frozenset(ROOTS.values()) & names,
        bool(names & _MINDS_ABSENCE) or any(token.text == "?" for token in named),
    )


def _rooted(tokens: list[Token], number: int) -> Token:
    """The token, by the engine's name if it is the root of a path."""
    token = tokens[number]
    root = ROOTS.get(token.text.lower()) if token.kind == "name" else None
    if root is None or _mark(tokens, number - 1) in (".", "|") or _mark(tokens, number + 1) == "=":
        return token
    return Token("name", root)


def _mark(tokens: list[Token], number: int) -> str:
    """The operator or bracket there; empty for everything else."""
    return tokens[number].text if 0 <= number < len(tokens) and tokens[number].kind == "mark" else ""


def _deeper(mark: str) -> int:
    return (mark in _OPEN) - (mark in _OPEN.values())


def _check_methods(tokens: list[Token]) -> None:
    for number, token in enumerate(tokens):
        called = token.kind == "name" and _mark(tokens, number - 1) == "." and _mark(tokens, number + 1) == "("
        if called and token.text not in _METHODS:
            raise UnreadableError(f"there is no method {token.text!r}; there are {', '.join(sorted(_METHODS))}")


def _inputs(tokens: list[Token]) -> Iterator[str]:
    for number, token in enumerate(tokens[:-2]):
        if token == Token("name", "INPUT") and _mark(tokens, number - 1) not in (".", "|"):
            after = tokens[number + 2]
            if _mark(tokens, number + 1) == "." and after.kind == "name":
                yield after.text
            elif _mark(tokens, number + 1) == "[" and after.kind == "string":
                yield after.text[1:-1]


def _guarded(tokens: list[Token]) -> Iterator[str]:
    """As the engine shall read them: both sides of a ``*`` have to be numbers.

    A power and a negation are defined for nothing else, and neither the power of one nor two negations change one.
    """
    for token in tokens:
        yield "** 1 * - -" if token == Token("mark", "*") else token.text


def _without_ternary(tokens: list[Token]) -> list[Token]:
    """``a ? b : c``, which guides use, as ``b if a else c``."""
    if not any(token == Token("mark", "?") for token in tokens):
        return tokens
    inside = list(_with_groups(tokens))
    question = _at_top(inside, "?")
    if question is None:
        return inside
    colon = _matching_colon(inside, question)
    condition, yes, no = inside[:question], inside[question + 1 : colon], inside[colon + 1 :]
    return [
        *_in_parentheses(_without_ternary(yes)),
        Token("name", "if"),
        *_in_parentheses(condition),
        Token("name", "else"),
        *_in_parentheses(_without_ternary(no)),
    ]


def _in_parentheses(tokens: list[Token]) -> list[Token]:
    return [Token("mark", "("), *tokens, Token("mark", ")")]


def _with_groups(tokens: list[Token]) -> Iterator[Token]:
    """The tokens, each argument between brackets rewritten."""
    number = 0
    while number < len(tokens):
        yield tokens[number]
        if _mark(tokens, number) in _OPEN:
            end = _closing(tokens, number)
            yield from _with_arguments(tokens[number + 1 : end])
            number = end
        else:
            number += 1


def _with_arguments(tokens: list[Token]) -> Iterator[Token]:
    while (comma := _at_top(tokens, ",")) is not None:
        yield from (*_without_ternary(tokens[:comma]), tokens[comma])
        tokens = tokens[comma + 1 :]
    yield from _without_ternary(tokens)


def _closing(tokens: list[Token], number: int) -> int:
    depth = 0
    for index in range(number, len(tokens)):
        depth += _deeper(_mark(tokens, index))
        if depth == 0:
            return index
    raise UnreadableError(f"{_OPEN[tokens[number].text]!r} is missing")


def _at_top(tokens: list[Token], mark: str, start: int = 0) -> int | None:
    """Where the mark stands outside of all brackets."""
    depth = 0
    for number in range(start, len(tokens)):
        here = _mark(tokens, number)
        if depth == 0 and here == mark:
            return number
        depth += _deeper(here)
    return None


def _matching_colon(tokens: list[Token], question: int) -> int:
    """The ``:`` of that ``?``, past those of conditions in between."""
    open_conditions, number = 1, question
    while open_conditions:
        colon = _at_top(tokens, ":", number + 1)
        if colon is None:
            raise UnreadableError("'?' wants a ':' behind it, as in {{ a ? b : c }}")
        nested = _at_top(tokens, "?", number + 1)
        open_conditions += 1 if nested is not None and nested < colon else -1
        number = nested if nested is not None and nested < colon else colon
    return number
