"""How a text can begin that begins, in small letters, like a given one."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

#: Letters of the beginning whose case is taken into account; each more doubles the spellings.
_LETTERS = 3
#: No letter from here on has a small one.
END_OF_CAPITALS = 0x1F000


def spellings(prefix: str) -> list[str]:
    """Beginnings such that every text whose ``str.lower()`` starts with the prefix's has one of them. They may be
    shorter than the prefix."""
    whole, done = [""], []
    for letter in prefix.lower()[:_LETTERS]:
        single, several = _capitals()
        # What becomes several letters may have become the next ones too, so nothing is said about what follows it.
        done += [start + capital for start in whole for capital in several[letter]]
        whole = [start + capital for start in whole for capital in single.get(letter, [letter])]
    return whole + done


@lru_cache(maxsize=1)
def _capitals() -> tuple[dict[str, list[str]], defaultdict[str, list[str]]]:
    """For a small letter, itself and what becomes it; and what becomes several letters of which it is the first."""
    single: defaultdict[str, list[str]] = defaultdict(list)
    several: defaultdict[str, list[str]] = defaultdict(list)
    for letter in map(chr, range(END_OF_CAPITALS)):
        small = letter.lower()
        if small != letter:
            (single if len(small) == 1 else several)[small[0]].append(letter)
    # A capital sigma becomes one or the other, by what follows it.
    sigmas = ["\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}"]
    both = [*sigmas, *single[sigmas[0]]]
    return {**{small: [small, *found] for small, found in single.items()}, **dict.fromkeys(sigmas, both)}, several
