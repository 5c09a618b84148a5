"""Words of a text, for the operators ``words`` and ``phrase``."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

_WORD = re.compile(r"\w+")
_english = snowballstemmer.stemmer("english")


def split(text: str, case_sensitive: bool) -> list[str]:
    """The words in their order."""
    return _WORD.findall(text if case_sensitive else text.lower())


def stems(text: str, case_sensitive: bool) -> frozenset[str]:
    """The stems of the words. With case, a word is its stem and the letters that it began with."""
    return frozenset(_stem(word) for word in split(text, case_sensitive))


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    stem: str = _english.stemWord(word.lower())
    # The stemmer knows small letters only; what is left of the word keeps its case.
    return word[: len(stem)] if word.lower().startswith(stem) else stem


def adjacent(text: list[str], wanted: list[str]) -> bool:
    """Whether the wanted words stand in the text one after the other."""
    return any(text[at : at + len(wanted)] == wanted for at in range(len(text) - len(wanted) + 1))
