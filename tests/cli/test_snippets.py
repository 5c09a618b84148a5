"""Which passage of a document is shown for a query, and what is marked in it."""

from __future__ import annotations

import pytest

from headwater.cli.snippets import Snippet, snippet_of


def marked(document: dict[str, object], query: str) -> str:
    found = snippet_of(document, query)
    assert found is not None
    return f"{found.field}: {found.marked('[', ']')}"


def test_the_sentence_with_most_words_of_the_query() -> None:
    text = "Write objects to a file. Read the objects of a file back. Nothing else is done here."
    assert marked({"text": text}, "reading objects") == "text: [Read] the [objects] of a file back."


def test_words_are_found_by_their_stem_and_in_any_case() -> None:
    assert marked({"text": "Indexed SEARCHES are faster than scans."}, "how to search an index") == (
        "text: [Indexed] [SEARCHES] are faster than scans."
    )


def test_prose_is_preferred_to_a_name_with_as_many_words() -> None:
    document = {"name": "json.tool", "text": "A tool that checks JSON files."}
    assert marked(document, "json tool") == "text: A [tool] that checks [JSON] files."


def test_a_drawn_table_is_no_passage() -> None:
    text = "Simple decoder.\n\n+------+--------+\n| JSON | object |\n+======+========+\n\nReads an object of any kind."
    assert marked({"text": text}, "JSON object") == "text: Reads an [object] of any kind."


def test_words_that_stand_everywhere_do_not_choose_the_passage() -> None:
    text = "How do I do this is what they do. The gate opens by itself at dawn."
    assert marked({"text": text}, "how do I open a gate") == "text: The [gate] [opens] by itself at dawn."


def test_without_a_common_word_the_longest_text_begins() -> None:
    document = {
        "name": "dumps",
        "text": "Turn a value into characters. It may be long.",
        "_internal": {"note": "x" * 99},
    }
    assert marked(document, "serialise") == "text: Turn a value into characters."


def test_a_long_passage_is_cut_around_the_first_hit() -> None:
    found = snippet_of({"text": "filler word " * 40 + "then a needle " + "filler word " * 40}, "needle")
    assert found is not None
    assert len(found.text) < 170 and found.text.startswith("…") and found.text.endswith("…")
    assert "[needle]" in found.marked("[", "]")


def test_fields_are_named_by_their_path() -> None:
    document = {"chapters": [{"title": "The first chapter of all"}, {"title": "The old mill by the river"}]}
    assert marked(document, "mill") == "chapters.title: The old [mill] by the river"


def test_what_steers_a_terminal_is_not_shown() -> None:
    assert marked({"text": "A \x1b[31mred\x07 mill\n in the valley"}, "mill") == "text: A [31mred [mill] in the valley"


@pytest.mark.parametrize("document", [{}, {"n": 1}, {"file_id": "a b c d"}, {"text": " - "}])
def test_no_text_no_snippet(document: dict[str, object]) -> None:
    assert snippet_of(document, "mill") is None


def test_highlights_are_places_in_the_text() -> None:
    assert snippet_of({"text": "An old mill"}, "old mill") == Snippet("text", "An old mill", [(3, 6), (7, 11)])
