"""Nearly equal texts.

The similarity of two texts is twice the length of their longest common subsequence over the sum of their lengths: the
share of their characters that they have in common in the same order. Whatever the texts look like, it takes the product
of their lengths over the bits of a machine word; so much for one pair, so there is a limit to the work of all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: A text is compared by its beginning and its length.
MAX_LENGTH = 1000
#: Texts that others are compared with. Those after them are only found to be equal.
MAX_COMPARED = 1000
#: Characters of all comparisons: some two seconds.
_MAX_STEPS = 3_000_000
_BUCKETS = 512
#: Up to this similarity, texts need not share any trigram.
_TRIGRAMS_TELL = 0.8

Counts = npt.NDArray[np.uint16]


def normalized(text: str) -> str:
    """The text without the difference that spacing makes."""
    return " ".join(text.split())


def similarity(one: str, other: str) -> float:
    """From 0 to 1; two empty texts are equal."""
    total = len(one) + len(other)
    return 2 * common_length(one, other) / total if total else 1.0


def common_length(one: str, other: str) -> int:
    """The length of the longest common subsequence, by the bits of one integer (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << index
    everything = row = (1 << len(one)) - 1
    for character in other:
        matched = row & places.get(character, 0)
        row = ((row + matched) | (row - matched)) & everything
    return len(one) - row.bit_count()


def _new_counts() -> Counts:
    return np.zeros((MAX_COMPARED, _BUCKETS), np.uint16)


@dataclass
class SimilarTexts:
    """Texts that are not similar to each other, with a look whether another one is similar to one of them."""

    threshold: float
    #: Texts that could not be compared with all others, as a limit was reached.
    uncompared: int = 0
    _known: set[str] = field(default_factory=set)
    _texts: list[str] = field(default_factory=list)
    _lengths: list[int] = field(default_factory=list)
    _grams: Counts = field(default_factory=_new_counts)
    _scratch: Counts = field(default_factory=_new_counts)
    _steps_left: int = _MAX_STEPS

    def find(self, text: str) -> bool:
        """Whether an earlier text is similar. If none is, this one is kept to be compared with later ones."""
        if text in self._known:
            return True
        grams = _grams(text[:MAX_LENGTH])
        for index in self._candidates(text, grams):
            if self._steps_left <= 0:
                self.uncompared += 1
                break
            if self._compare(self._texts[index], text[:MAX_LENGTH]) >= self.threshold:
                return True
        else:
            self.uncompared += len(self._texts) == MAX_COMPARED
        self._keep(text, grams)
        return False

    def _compare(self, one: str, other: str) -> float:
        self._steps_left -= len(other)
        return similarity(one, other)

    def _keep(self, text: str, grams: Counts) -> None:
        self._known.add(text)
        if len(self._texts) < MAX_COMPARED:
            self._grams[len(self._texts)] = grams
            self._texts.append(text[:MAX_LENGTH])
            self._lengths.append(len(text))

    def _candidates(self, text: str, grams: Counts) -> list[int]:
        """Those texts that may be similar.

        Of a text's trigrams, each of its characters that is not in the common subsequence is part of three, and each
        one of the other text's comes between the characters of two; all the rest are trigrams of both.
        """
        lengths = np.array(self._lengths, np.int64)
        possible = _common(self.threshold, lengths + len(text)) <= np.minimum(lengths, len(text))
        if self.threshold > _TRIGRAMS_TELL:
            total = np.minimum(lengths, MAX_LENGTH) + min(len(text), MAX_LENGTH)
            possible &= self._shared(grams) >= 5 * _common(self.threshold, total) - 2 * total - 2
        found: list[int] = np.flatnonzero(possible).tolist()
        return found

    def _shared(self, grams: Counts) -> npt.NDArray[np.uint32]:
        """How many trigrams each text has in common with another one, or more."""
        count = len(self._texts)
        lower = np.minimum(self._grams[:count], grams, out=self._scratch[:count])
        shared: npt.NDArray[np.uint32] = lower.sum(axis=1, dtype=np.uint32)
        return shared


def _common(threshold: float, total: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How many characters two texts must have in common. Rounding never leaves out a pair that just reaches it."""
    common: npt.NDArray[np.float64] = np.ceil(threshold * total / 2 - 1e-9)
    return common


def _grams(text: str) -> Counts:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    if len(codes) < 3:
        return np.zeros(_BUCKETS, np.uint16)
    hashed = (codes[:-2] * 961 + codes[1:-1] * 31 + codes[2:]) % _BUCKETS
    return np.bincount(hashed.astype(np.int64), minlength=_BUCKETS).astype(np.uint16)
