"""What must not change unnoticed: stored weights and new queries have to cut texts into the same words."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from headwater.store.text.weights import LEXICAL_SPEC, unpacked
from headwater.vectors.bm25 import MAX_CHARACTERS, document_weights, query_words
from headwater.vectors.edge import EdgeShard
from headwater.vectors.interface import PointChange
from headwater.vectors.names import LEXICAL


def numbers(text: str) -> list[int]:
    found = query_words(text)
    return [] if found is None else np.frombuffer(found.indices, "<u4").tolist()


def test_words_have_the_numbers_that_are_stored() -> None:
    # If this fails, the engine cuts texts otherwise than it did: move FORM in store/text/indexes.py, then these.
    assert numbers("The rivers' sources, Übermut 3.14 日本語") == [
        12344922,
        264741300,
        286434387,
        1078763234,
        1515949417,
        1749031367,
    ]


def test_queries_and_documents_have_the_same_words() -> None:
    text = "Rivers ran, running: the e-mail of Straße 日本語 don't 3.14 foo_bar"
    weights = document_weights(text)
    assert weights is not None
    assert np.frombuffer(weights.indices, "<u4").tolist() == numbers(text)


def test_weights_come_back_from_their_column() -> None:
    weights = document_weights("river and spring and river")
    assert weights is not None
    assert unpacked(weights.indices + weights.data) == weights


def test_a_text_of_stop_words_weighs_nothing() -> None:
    assert (document_weights("the of"), query_words(" ")) == (None, None)


def test_what_is_beyond_the_length_is_left_out() -> None:
    assert document_weights(" " * MAX_CHARACTERS + "river") is None


def test_a_shard_of_text_only_is_created_and_opened_again(tmp_path: Path) -> None:
    weights = document_weights("river")
    assert weights is not None
    shard = EdgeShard.create(tmp_path / "shard", [LEXICAL_SPEC])
    shard.apply([PointChange(1, 1, [weights])], [LEXICAL_SPEC])
    shard.flush()
    shard.close()
    shard = EdgeShard.open(tmp_path / "shard")
    query = query_words("rivers")
    assert query is not None
    assert [hit.document_row for hit in shard.search(query, "dot", 5, exact=True)] == [1]
    assert [vector.name for vector in shard.fetch([1])[1]] == [LEXICAL]
    shard.close()
