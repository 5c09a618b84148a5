"""Beginnings of texts in whatever case."""

from __future__ import annotations

import sys

from hypothesis import example, given
from hypothesis import strategies as st

from headwater.query.spelling import END_OF_CAPITALS, spellings

letters = st.sampled_from(
    "aAbBi\u0131I\u0130kK\u212as\u017fS\u00df\u1e9e\u03c3\u03c2\u03a3\u01c5\u01c6\u00e91 \u0307"
) | st.characters(exclude_categories=["Cs"])


@given(text=st.text(letters, max_size=6), length=st.integers(0, 6), upper=st.booleans())
@example(text="\u0130x", length=1, upper=False)
@example(text="\u0391\u03a3", length=2, upper=False)
def test_every_text_that_begins_so_has_one_of_the_spellings(text: str, length: int, upper: bool) -> None:
    prefix = text[:length].upper() if upper else text.lower()[:length]
    if text.lower().startswith(prefix.lower()):
        assert any(text.startswith(spelling) for spelling in spellings(prefix))


def test_no_capital_is_left_out() -> None:
    assert all(chr(point).lower() == chr(point) for point in range(END_OF_CAPITALS, sys.maxunicode + 1))


def test_plain_letters_are_told_from_others() -> None:
    assert sorted(spellings("b1ffx")) == ["B1F", "B1f", "b1F", "b1f"]
    assert spellings("") == [""]
