"""BM25 in plain Python, over the words as the engine cuts them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

import snowballstemmer

_STOP = {"the", "of", "and", "a", "is", "in", "to"}
_stem = snowballstemmer.stemmer("english").stemWord


def words(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"\w+", text.lower()) if word not in _STOP]


def scores(texts: Mapping[str, str], query: str) -> dict[str, float]:
    """The documents that have a word of the query, with their scores. A document without words is not counted."""
    counted = {name: Counter(words(text)) for name, text in texts.items() if words(text)}
    found: dict[str, float] = {}
    for word in set(words(query)):
        having = [name for name, counts in counted.items() if counts[word]]
        rarity = math.log(1 + (len(counted) - len(having) + 0.5) / (len(having) + 0.5))
        for name in having:
            found[name] = found.get(name, 0.0) + rarity * _weight(counted[name], word)
    return found


def _weight(counts: Counter[str], word: str) -> float:
    length = 0.25 + 0.75 * sum(counts.values()) / 256
    return counts[word] * 2.2 / (counts[word] + 1.2 * length)
